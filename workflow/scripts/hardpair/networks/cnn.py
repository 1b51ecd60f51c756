"""The network of the published study."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from hardpair.training.model_size import CHANNELS, HIDDEN


class Network(nn.Module):
    """Three 3×3 convolutions (64, 128, 256 channels), each with ReLU and 2×2 max-pool, then two linear layers with dropout between.

    4,576,394 parameters for ten classes of 32×32 pixels.

    Args:
        classes: number of classes.
        size: height and width of the images, a multiple of 8.
        dropout: probability of dropping one of the 1,024 hidden units in training.
    """

    def __init__(self, classes: int, size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, kernel_size=3, padding=1) for i, o in pairwise(CHANNELS))
        self.hidden = nn.Linear(CHANNELS[-1] * (size // 8) ** 2, HIDDEN)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(HIDDEN, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """float (B, 3, S, S) to logits (B, classes)."""
        x = images
        for convolution in self.convolutions:
            # Pooling first is the same function, max(relu(x)) = relu(max(x)), with a quarter of the ReLU's work.
            x = F.relu(F.max_pool2d(convolution(x), 2))
        x = self.dropout(F.relu(self.hidden(x.flatten(1))))
        return self.output(x)
