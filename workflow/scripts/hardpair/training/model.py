"""A network as it is trained: of its kind, initialised from the seed, with cosines for logits where the loss is made for them."""

import torch
import torch.nn.functional as F
from torch import nn

from hardpair import networks
from hardpair.config.schema import CNN
from hardpair.errors import UserError
from hardpair.training.random_streams import derive


class Cosines(nn.Linear):
    """A number of times the cosine between a vector and one of each class, in place of a linear layer.

    Vectors of classes start in the directions that the linear layer had, with length 1, as in the code of Cao et al. 2019: a step turns a
    shorter one further.
    """

    def __init__(self, linear: nn.Linear, scale: float) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features, self.bias = linear.in_features, linear.out_features, None
        self.weight = nn.Parameter(F.normalize(linear.weight.detach()))
        self.register_buffer("scale", torch.tensor(float(scale)))  # saved with the weights

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float (B, inputs) to (B, classes)."""
        return self.scale * F.linear(F.normalize(x), F.normalize(self.weight))


def last_layer(network: nn.Module, classes: int) -> str | None:
    """The name of the last linear layer of as many outputs as classes; None without one."""
    names = [name for name, part in network.named_modules() if name and isinstance(part, nn.Linear) and part.out_features == classes]
    return names[-1] if names else None


def with_cosines(network: nn.Module, classes: int, scale: float) -> nn.Module:
    """The network with ``Cosines`` of that scale in place of its last linear layer.

    Raises:
        UserError: it has none, or one with a scale of its own.
    """
    if (name := last_layer(network, classes)) is None:
        raise UserError(
            f"the loss needs a network with a last nn.Linear of {classes} outputs, which this one lacks: choose another network or loss"
        )
    if f"{name}.scale" in network.state_dict():  # from which the model could not be told when it is read back
        raise UserError(f"the loss puts scaled cosines in place of {name}, which has a scale already: choose another network or loss")
    network.set_submodule(name, Cosines(network.get_submodule(name), scale))
    return network


def build(classes: int, size: int, dropout: float, seed: int, cosine_scale: float | None = None, network: dict = CNN) -> nn.Module:
    """A network in channels_last layout, initialised from the stream ``initialisation`` of ``seed``; the global stream stays as it was.

    Args:
        network: ``kind`` and its options.
        cosine_scale: if not None, its last linear layer is one of ``Cosines`` of that scale.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "initialisation"))
        built = networks.build(network, classes, size, dropout)
        if cosine_scale is not None:
            built = with_cosines(built, classes, cosine_scale)
        return built.to(memory_format=torch.channels_last)


def parameter_count(network: dict, classes: int, size: int) -> int:
    """How many parameters a network has, trained or not; nothing is computed."""
    return sum(parameter.numel() for parameter in networks.outline(network, classes, size).parameters())
