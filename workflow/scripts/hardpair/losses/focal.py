"""Focal loss (Lin et al. 2017, arXiv:1708.02002) and, with a dynamic scale, Dynamic Focal Loss."""

import torch
import torch.nn.functional as F

from hardpair.focal_weight import SINGLE, floored_weight, focal_weight
from hardpair.losses import ImageLoss


class Loss(ImageLoss):
    """s · w · (−ln p_t) with w = (1 − p_t)^γ of the present batch.

    Args:
        gamma: exponent γ.
        scale: ``dynamic`` sets s = 1 / mean(w) at each refresh; ``none`` leaves s = 1.
        scale_over: the mean is taken over all ``training`` images alike, or over the images as they are ``drawn`` by the sampler.
        scale_max: cap of s; None leaves it uncapped.
        detach_weight: stop the gradient through w.
    """

    def __init__(
        self, counts: torch.Tensor, gamma: float, scale: str, scale_over: str, scale_max: float | None, detach_weight: bool
    ) -> None:
        super().__init__(counts)
        self.gamma, self.dynamic, self.scale_max, self.detach_weight = gamma, scale == "dynamic", scale_max, detach_weight
        self.over_drawn = scale_over == "drawn"
        self.register_buffer("scale", torch.ones((), dtype=torch.float64 if gamma > SINGLE else torch.float32))

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """float32 (B, C) and int64 (B,) to float32 (B,)."""
        cross_entropy = F.cross_entropy(logits, labels, reduction="none")
        weight = focal_weight(cross_entropy, self.gamma)
        # Large exponents make tiny weights and a huge scale, of which only the product need fit into float32.
        return (self.scale * (weight.detach() if self.detach_weight else weight) * cross_entropy).to(cross_entropy.dtype)

    def refresh(self, cross_entropy: torch.Tensor, emphasis: torch.Tensor) -> torch.Tensor:
        """Set the scale; see ``ImageLoss.refresh``."""
        weight = floored_weight(cross_entropy, self.gamma)
        if self.dynamic:
            seen = weight * emphasis if self.over_drawn else weight
            self.scale.fill_(min(1 / seen.mean().item(), self.scale_max or float("inf")))
        return weight

    @property
    def adaptive(self) -> bool:
        """Whether the scale is dynamic."""
        return self.dynamic
