"""Class-balanced cross-entropy (Cui et al. 2019, arXiv:1901.05555)."""

import torch
import torch.nn.functional as F

from hardpair.class_weights import effective_number_weights
from hardpair.losses import ImageLoss


class Loss(ImageLoss):
    """Cross-entropy times the weight of the image's class, by the effective number of its images; weights have mean 1 over classes.

    A step minimises the sum over the batch divided by the number of its images, as the authors' code does. PyTorch's weighted
    ``cross_entropy`` divides by the sum of their weights, which is small in batches of common classes, and so its gradients are several
    times longer.

    Args:
        beta: see ``effective_number_weights``.
    """

    def __init__(self, counts: torch.Tensor, beta: float) -> None:
        super().__init__(counts)
        self.register_buffer("class_weight", effective_number_weights(counts, beta).float())

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """float32 (B, C) and int64 (B,) to float32 (B,)."""
        return self.class_weight[labels] * F.cross_entropy(logits, labels, reduction="none")
