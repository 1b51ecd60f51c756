"""Every image once an epoch."""

import torch
from torch import nn


class Sampler(nn.Module):
    """Random order without replacement."""

    stream = "order"

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        """A permutation, int64 (N,)."""
        return torch.randperm(self.count, generator=generator)

    def refresh(self, cross_entropy: torch.Tensor) -> dict[str, float]:
        """Nothing changes and there is nothing to tell."""
        return {}
