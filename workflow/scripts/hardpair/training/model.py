"""The network of the published study."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from hardpair.training.model_size import CHANNELS, HIDDEN
from hardpair.training.random_streams import derive


class Cosines(nn.Linear):
    """A number of times the cosine between a vector and one of each class, in place of a linear layer.

    Vectors of classes start with length 1, as in the code of Cao et al. 2019: a step turns a shorter one further.
    """

    def __init__(self, inputs: int, classes: int, scale: float) -> None:
        super().__init__(inputs, classes, bias=False)
        with torch.no_grad():
            self.weight.copy_(F.normalize(self.weight))
        self.register_buffer("scale", torch.tensor(float(scale)))  # saved with the weights

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float (B, inputs) to (B, classes)."""
        return self.scale * F.linear(F.normalize(x), F.normalize(self.weight))


class ConvNet(nn.Module):
    """Three 3×3 convolutions (64, 128, 256 channels), each with ReLU and 2×2 max-pool, then two linear layers with dropout between.

    4,576,394 parameters for ten classes of 32×32 pixels.

    Args:
        classes: number of classes.
        size: height and width of the images, a multiple of 8.
        dropout: probability of dropping one of the 1,024 hidden units in training.
        cosine_scale: if not None, the last layer is one of ``Cosines`` of that scale.
    """

    def __init__(self, classes: int, size: int, dropout: float = 0.0, cosine_scale: float | None = None) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, kernel_size=3, padding=1) for i, o in pairwise(CHANNELS))
        self.hidden = nn.Linear(CHANNELS[-1] * (size // 8) ** 2, HIDDEN)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(HIDDEN, classes) if cosine_scale is None else Cosines(HIDDEN, classes, cosine_scale)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """float (B, 3, S, S) to logits (B, classes)."""
        x = images
        for convolution in self.convolutions:
            # Pooling first is the same function, max(relu(x)) = relu(max(x)), with a quarter of the ReLU's work.
            x = F.relu(F.max_pool2d(convolution(x), 2))
        x = self.dropout(F.relu(self.hidden(x.flatten(1))))
        return self.output(x)


def build(classes: int, size: int, dropout: float, seed: int, cosine_scale: float | None = None) -> ConvNet:
    """A network with PyTorch's default initialisation from the stream ``initialisation`` of ``seed``; the global stream stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "initialisation"))
        return ConvNet(classes, size, dropout, cosine_scale).to(memory_format=torch.channels_last)
