"""A trained model read back from a run's folder."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from hardpair.errors import UserError
from hardpair.files.atomic import file_sha256
from hardpair.training.model import ConvNet
from hardpair.training.model_size import parameter_count


def load(folder: Path, name: str, record: dict) -> ConvNet:
    """The ``last`` or ``best`` network of a run in evaluation mode; ``record`` is its run.json.

    Raises:
        UserError: the file is missing, damaged, or holds other weights than the record says.
    """
    path = folder / f"{name}.safetensors"
    try:
        weights = load_file(path) if file_sha256(path) == record["weights"].get(name) else {}
    except FileNotFoundError:
        raise UserError(f"{path} is missing: train the run first, also where its record was imported, which has no weights") from None
    except (SafetensorError, RuntimeError, ValueError, KeyError):
        weights = {}
    count = sum(value.numel() for key, value in weights.items() if key not in ("output.scale", "output.bias"))
    wanted = parameter_count(len(record["classes"]), record["size"]) - len(record["classes"])
    try:
        if count != wanted:  # before a network of another size is built, however large
            raise RuntimeError
        network = ConvNet(len(record["classes"]), record["size"], cosine_scale=weights.get("output.scale"))
        network.load_state_dict(weights)
    except (RuntimeError, ValueError, TypeError):
        raise UserError(f"{path} is not the model that run.json tells of: train the run again") from None
    return network.to(memory_format=torch.channels_last).eval()
