"""Classes drawn equally often, however many images they have (the class-balanced sampling of Kang et al. 2020, arXiv:1910.09217, eq. 1)."""

import torch

from hardpair.samplers import EpochSampler


class Sampler(EpochSampler):
    """As many draws with replacement as training images: a class at random, then one of its images at random."""

    def __init__(self, labels: torch.Tensor) -> None:
        super().__init__(labels)
        self.register_buffer("weight", 1 / labels.bincount().double()[labels])

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        """Positions int64 (N,), some of them repeated."""
        return torch.multinomial(self.weight, self.count, replacement=True, generator=generator)

    def emphasis(self) -> torch.Tensor:
        """See ``EpochSampler.emphasis``."""
        return self.weight / self.weight.mean()
