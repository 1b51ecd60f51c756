"""Focal-Guided Adaptive Sampling: hard images are drawn more often."""

import torch
from torch import nn

from hardpair.refresh import floored_weight


class Sampler(nn.Module):
    """As many draws with replacement as training images, with probability q ∝ (1 − p_t)^γ of the last refresh.

    Args:
        count: number of training images N.
        gamma: exponent γ.
    """

    stream = "sampler"

    def __init__(self, count: int, gamma: float) -> None:
        super().__init__()
        self.gamma = gamma
        self.register_buffer("weight", torch.ones(count, dtype=torch.float64))

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        """Positions int64 (N,), some of them repeated."""
        return torch.multinomial(self.weight, len(self.weight), replacement=True, generator=generator)

    def refresh(self, cross_entropy: torch.Tensor) -> dict[str, float]:
        """Take −ln p_t (N,) of the training images; tell the mean weight and the effective share of images (Σw)² / (N Σw²)."""
        self.weight = floored_weight(cross_entropy, self.gamma).cpu()
        total, squares = self.weight.sum(), self.weight.square().sum()
        return {
            "sampler_mean_weight": self.weight.mean().item(),
            "sampler_effective_share": (total**2 / (len(self.weight) * squares)).item(),
        }
