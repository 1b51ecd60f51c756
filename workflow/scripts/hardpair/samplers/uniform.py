"""Every image once an epoch."""

import torch


class Sampler:
    """Random order without replacement."""

    stream = "order"

    def __init__(self, count: int) -> None:
        self.count = count

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        """A permutation, int64 (N,)."""
        return torch.randperm(self.count, generator=generator)

    def refresh(self, cross_entropy: torch.Tensor) -> dict[str, float]:
        """Nothing changes and there is nothing to tell."""
        return {}
