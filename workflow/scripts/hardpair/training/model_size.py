"""How many weights the network cnn has, without building it. Imports no torch."""

from itertools import pairwise

CHANNELS = (3, 64, 128, 256)
HIDDEN = 1024


def parameter_count(classes: int, size: int) -> int:
    """Weights and biases of ``networks.cnn``: three 3×3 convolutions, each halving the side, and two linear layers."""
    convolutions = sum(9 * before * after + after for before, after in pairwise(CHANNELS))
    return convolutions + (CHANNELS[-1] * (size // 8) ** 2 + 1) * HIDDEN + (HIDDEN + 1) * classes
