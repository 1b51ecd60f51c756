"""Plain cross-entropy."""

import torch
import torch.nn.functional as F

from hardpair.losses import ImageLoss


class Loss(ImageLoss):
    """−ln p_t of each image."""

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """float32 (B, C) and int64 (B,) to float32 (B,)."""
        return F.cross_entropy(logits, labels, reduction="none")
