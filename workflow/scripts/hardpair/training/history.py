"""What a run leaves, as it grows: rows of epochs.csv and refreshes.csv, the arrays of history.npz, and weights."""

from dataclasses import dataclass, field

import numpy as np
import torch

EPOCH_COLUMNS = tuple("epoch learning_rate train_loss train_accuracy validation_loss validation_accuracy confused confused_rate".split())
REFRESH_COLUMNS = ("epoch", "applied", "mean_p")
REFRESH_COLUMNS += ("loss_mean_weight", "loss_largest_weight", "loss_effective_share", "loss_scale")
REFRESH_COLUMNS += ("sampler_mean_weight", "sampler_largest_weight", "sampler_effective_share")
REFRESH_COLUMNS += ("sampler_largest_factor", "sampler_distinct_share")


@dataclass
class History:
    """What a run leaves.

    Attributes:
        parameters: of the network.
        epochs: one dict an epoch, the columns of epochs.csv.
        refreshes: one dict a refresh, the columns of refreshes.csv.
        confusions: validation confusion counts int64 (C, C), one an epoch; empty without validation images.
        histograms: counts int64 (100,) of p_t, one a refresh.
        shares: each class's share of the weights of the ``loss`` and of the ``sampler``, float64 (C,), one a refresh; NaN without weights.
        seconds: that each epoch took, with its validation and refresh.
        last, best: weights and buffers after the last epoch, and after the first of highest validation accuracy (None without validation).
        best_epoch: that epoch, or None.
    """

    parameters: int
    epochs: list[dict] = field(default_factory=list)
    refreshes: list[dict] = field(default_factory=list)
    confusions: list[np.ndarray] = field(default_factory=list)
    histograms: list[np.ndarray] = field(default_factory=list)
    shares: dict[str, list[np.ndarray]] = field(default_factory=lambda: {"loss": [], "sampler": []})
    seconds: list[float] = field(default_factory=list)
    last: dict[str, torch.Tensor] = field(default_factory=dict)
    best: dict[str, torch.Tensor] | None = None
    best_epoch: int | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays of history.npz: ``refresh_epoch`` int64 (R,), ``p_histogram`` int64 (R, 100), of a loss or sampler with weights its
        ``{part}_share`` float64 (R, C), and with validation images ``validation_confusion`` int32 (E, C, C)."""
        arrays = {"refresh_epoch": np.array([row["epoch"] for row in self.refreshes]), "p_histogram": np.array(self.histograms)}
        arrays |= {f"{part}_share": np.array(shares) for part, shares in self.shares.items() if np.isfinite(shares).any()}
        if self.confusions:
            arrays["validation_confusion"] = np.array(self.confusions, dtype=np.int32)
        return arrays
