"""Focal loss (Lin et al. 2017, arXiv:1708.02002) and, with a dynamic scale, Dynamic Focal Loss."""

import torch
import torch.nn.functional as F
from torch import nn

from hardpair.refresh import floored_weight, focal_weight


class Loss(nn.Module):
    """s · w · (−ln p_t) with w = (1 − p_t)^γ of the present batch.

    Args:
        gamma: exponent γ.
        scale: ``dynamic`` sets s = 1 / mean(w) over the training images at each refresh; ``none`` leaves s = 1.
        scale_max: cap of s; None leaves it uncapped.
        detach_weight: stop the gradient through w.
    """

    def __init__(self, gamma: float, scale: str, scale_max: float | None, detach_weight: bool) -> None:
        super().__init__()
        self.gamma, self.dynamic, self.scale_max, self.detach_weight = gamma, scale == "dynamic", scale_max, detach_weight
        self.register_buffer("scale", torch.ones(()))

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """float32 (B, C) and int64 (B,) to float32 (B,)."""
        cross_entropy = F.cross_entropy(logits, labels, reduction="none")
        weight = focal_weight(cross_entropy, self.gamma)
        return self.scale * (weight.detach() if self.detach_weight else weight) * cross_entropy

    def refresh(self, cross_entropy: torch.Tensor) -> dict[str, float]:
        """Take −ln p_t (N,) of the training images, set the scale, and tell mean weight and scale."""
        mean = floored_weight(cross_entropy, self.gamma).mean().item()
        if self.dynamic:
            self.scale.fill_(min(1 / mean, self.scale_max or float("inf")))
        return {"loss_mean_weight": mean, "loss_scale": self.scale.item()}
