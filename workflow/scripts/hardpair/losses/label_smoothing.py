"""Cross-entropy with smoothed labels (Szegedy et al. 2016, arXiv:1512.00567, section 7)."""

import torch
import torch.nn.functional as F

from hardpair.losses import ImageLoss


class Loss(ImageLoss):
    """Cross-entropy against (1 − ε) · one-hot + ε / C.

    Args:
        smoothing: ε.
    """

    def __init__(self, counts: torch.Tensor, smoothing: float) -> None:
        super().__init__(counts)
        self.smoothing = smoothing

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """float32 (B, C) and int64 (B,) to float32 (B,)."""
        return F.cross_entropy(logits, labels, reduction="none", label_smoothing=self.smoothing)
