"""A trained model read back from a run's folder."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from hardpair import networks, plugins
from hardpair.config.schema import CNN
from hardpair.errors import UserError
from hardpair.files.atomic import file_sha256
from hardpair.training import model


def load(folder: Path, name: str, record: dict) -> nn.Module:
    """The ``last`` or ``best`` network of a run in evaluation mode; ``record`` is its run.json.

    Raises:
        UserError: the file is missing, damaged, or holds other weights than those of the record; or the network's plugin is not there.
    """
    path, settings = folder / f"{name}.safetensors", record.get("settings", {}).get("network", CNN)
    if not plugins.exists("networks", settings["kind"]):
        raise UserError(f"{folder} was trained with the network {settings['kind']} of your own: name its file with --plugins")
    classes, size = len(record["classes"]), record["size"]
    try:
        weights = load_file(path) if file_sha256(path) == record["weights"].get(name) else {}
    except FileNotFoundError:
        raise UserError(f"{path} is missing (an imported record has no weights): delete {folder} and train the run again") from None
    except (SafetensorError, RuntimeError, ValueError, KeyError):
        weights = {}
    try:
        network = with_layers_of(weights, networks.outline(settings, classes, size), classes)
        if shapes_of(network.state_dict()) != shapes_of(weights):  # before a network of another size is built, however large
            raise RuntimeError
        network = with_layers_of(weights, networks.build(settings, classes, size, dropout=0.0), classes)
        network.load_state_dict(weights)
    except (RuntimeError, ValueError, TypeError):
        raise UserError(f"{path} is not the model of run.json: train the run again") from None
    return network.to(memory_format=torch.channels_last).eval()


def shapes_of(tensors: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    """The shape of each of the tensors."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def with_layers_of(weights: dict[str, torch.Tensor], network: nn.Module, classes: int) -> nn.Module:
    """The network with cosines where the weights have a scale, which it lacks, and no bias in place of its last linear layer."""
    scale = f"{(last := model.last_layer(network, classes))}.scale"
    if scale in weights and scale not in network.state_dict() and f"{last}.bias" not in weights:
        return model.with_cosines(network, classes, float(weights[scale]))
    return network
