"""Label-distribution-aware margins with deferred re-weighting, LDAM-DRW (Cao et al. 2019, arXiv:1906.07413)."""

import torch
import torch.nn.functional as F

from hardpair.class_weights import effective_number_weights
from hardpair.losses import ImageLoss


class Loss(ImageLoss):
    """Cross-entropy after the true class's logit is lowered by scale · margin, margin ∝ n^(−1/4) (eq. 12 and 13).

    The logits are scale times cosines, as in the authors' code. Each image is weighed by its class from a share of the run on, and the sum
    over the batch is then divided by the sum of its weights: the length of a step does not change with the weighing.

    Args:
        margin_max: margin of the rarest class.
        scale: s of the logits.
        defer: share of the run after which classes are weighed.
        beta: of those weights; see ``effective_number_weights``.
    """

    def __init__(self, counts: torch.Tensor, margin_max: float, scale: float, defer: float, beta: float) -> None:
        super().__init__(counts)
        self.cosine_scale, self.defer = scale, defer
        margins = counts.clamp_min(1).double() ** -0.25
        self.register_buffer("margin", (scale * margin_max * margins / margins.max()).float())
        self.register_buffer("balanced", effective_number_weights(counts, beta).float())
        self.register_buffer("class_weight", torch.ones(len(counts)))

    def begin_epoch(self, share: float) -> None:
        """Weigh the classes from ``defer`` on."""
        if share >= self.defer:
            self.class_weight.copy_(self.balanced)

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """float32 (B, C) and int64 (B,) to float32 (B,)."""
        lowered = logits - self.margin * F.one_hot(labels, logits.shape[1])
        weight = self.class_weight[labels]
        return weight / weight.mean() * F.cross_entropy(lowered, labels, reduction="none")
