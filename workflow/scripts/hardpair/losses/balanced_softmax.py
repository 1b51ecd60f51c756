"""Balanced softmax (Ren et al. 2020, arXiv:2007.10740, eq. 4), or logit-adjusted loss (Menon et al. 2021, arXiv:2007.07314, eq. 10)."""

import torch
import torch.nn.functional as F

from hardpair.losses import ImageLoss


class Loss(ImageLoss):
    """Cross-entropy of the logits plus τ · ln of the class's share of the training images, which the network then need not learn.

    Args:
        tau: τ; 1 is balanced softmax.
    """

    def __init__(self, counts: torch.Tensor, tau: float) -> None:
        super().__init__(counts)
        share = counts.clamp_min(1).double() / counts.sum()
        self.register_buffer("adjustment", (tau * share.log()).float())

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """float32 (B, C) and int64 (B,) to float32 (B,)."""
        return F.cross_entropy(logits + self.adjustment, labels, reduction="none")
