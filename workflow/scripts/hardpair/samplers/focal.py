"""Focal-Guided Adaptive Sampling: hard images are drawn more often."""

import torch

from hardpair.focal_weight import floored_weight
from hardpair.samplers import EpochSampler


class Sampler(EpochSampler):
    """As many draws with replacement as training images, with probability q ∝ w = (1 − p_t)^γ of the last refresh.

    The loss of an image is multiplied by (1 / (N q))^β, as in prioritised replay (Schaul et al. 2016, arXiv:1511.05952, section 3.4): β = 1
    gives the gradient of uniform sampling, but for images whose factor meets its bound.

    Args:
        gamma: exponent γ.
        unbias: exponent β.
        factor_max: bound of the factors.
    """

    def __init__(self, labels: torch.Tensor, gamma: float, unbias: float, factor_max: float) -> None:
        super().__init__(labels)
        self.gamma, self.unbias, self.factor_max = gamma, unbias, factor_max
        self.register_buffer("weight", torch.ones(self.count, dtype=torch.float64))

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        """Positions int64 (N,), some of them repeated."""
        return torch.multinomial(self.weight, self.count, replacement=True, generator=generator)

    def factors(self) -> torch.Tensor | None:
        """(1 / (N q))^β, at most ``factor_max``; float32 (N,), or None for β = 0."""
        return self._factors().float() if self.unbias else None

    def emphasis(self) -> torch.Tensor:
        """N q times the factor, float64 (N,)."""
        return self.weight / self.weight.mean() * self._factors()

    def _factors(self) -> torch.Tensor:
        return (self.weight.mean() / self.weight).pow(self.unbias).clamp_max(self.factor_max)

    def refresh(self, cross_entropy: torch.Tensor) -> torch.Tensor:
        """Draw by the weights of these −ln p_t from now on; see ``EpochSampler.refresh``."""
        self.weight.copy_(floored_weight(cross_entropy, self.gamma))
        return self.weight
