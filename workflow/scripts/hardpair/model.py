"""The network of the published study."""

import torch
import torch.nn.functional as F
from torch import nn

from hardpair.randomness import derive


class ConvNet(nn.Module):
    """Three 3×3 convolutions (64, 128, 256 channels), each with ReLU and 2×2 max-pool, then two linear layers with dropout between.

    4,576,394 parameters for ten classes of 32×32 pixels.

    Args:
        classes: number of classes.
        size: height and width of the images, a multiple of 8.
        dropout: probability of dropping one of the 1,024 hidden units in training.
    """

    def __init__(self, classes: int, size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, kernel_size=3, padding=1) for i, o in ((3, 64), (64, 128), (128, 256)))
        self.hidden = nn.Linear(256 * (size // 8) ** 2, 1024)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(1024, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """float (B, 3, S, S) to logits (B, classes)."""
        x = images
        for convolution in self.convolutions:
            # Pooling first is the same function, max(relu(x)) = relu(max(x)), with a quarter of the ReLU's work.
            x = F.relu(F.max_pool2d(convolution(x), 2))
        x = self.dropout(F.relu(self.hidden(x.flatten(1))))
        return self.output(x)


def build(classes: int, size: int, dropout: float, seed: int) -> ConvNet:
    """A network with PyTorch's default initialisation from the stream ``initialisation`` of ``seed``; the global stream stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "initialisation"))
        return ConvNet(classes, size, dropout).to(memory_format=torch.channels_last)
