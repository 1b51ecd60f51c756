"""Every image once an epoch."""

import torch

from hardpair.samplers import EpochSampler


class Sampler(EpochSampler):
    """Random order without replacement."""

    stream = "order"

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        """A permutation, int64 (N,)."""
        return torch.randperm(self.count, generator=generator)
