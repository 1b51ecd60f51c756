"""Networks: one file each, named like its ``kind`` in config, with a class ``Network``.

The constructor takes the number of classes and the height and width of the images, and then the options of the schema. ``forward`` takes
images float32 (B, 3, S, S), normalised, and returns logits (B, classes). All that training changes are parameters and buffers, which
checkpoints hold; random numbers come from torch's global generator.
"""

import torch
from torch import nn

from hardpair import plugins


def build(settings: dict, classes: int, size: int, dropout: float) -> nn.Module:
    """The network that ``settings`` (``kind`` and its options) describe; ``dropout`` is the recipe's, which the kind ``cnn`` alone has."""
    return plugins.build("networks", settings, classes, size, **({"dropout": dropout} if settings["kind"] == "cnn" else {}))


def packages(settings: dict) -> list[str]:
    """What a network comes from, apart from torch."""
    return ["torchvision"] if settings["kind"] in ("resnet18", "torchvision") else []


def outline(settings: dict, classes: int, size: int) -> nn.Module:
    """A network whose parameters and buffers have no values and take no memory (torch's device ``meta``)."""
    try:
        with torch.device("meta"):
            return build(settings, classes, size, dropout=0.0)
    except (NotImplementedError, RuntimeError, TypeError):  # one that computes with tensors while it is built, or that cannot be built
        with torch.random.fork_rng(devices=[]):
            return build(settings, classes, size, dropout=0.0).to("meta")


def normalises_batches(network: nn.Module) -> bool:
    """Whether a network has layers of BatchNorm, which in training need more than one image."""
    return any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in network.modules())
