"""When weights are refreshed, and what is recorded of them and of p_t."""

import torch

BINS = 100  # of the histogram of p_t; thresholds of easy and hard are multiples of 1 / BINS
LOGGED = (4,)  # completed epochs after which the published table shows shares without a refresh


def is_due(completed: int, every: int, last: int) -> bool:
    """Whether the weights are refreshed after ``completed`` epochs: before the first, after every ``every``-th, after the last."""
    return completed % every == 0 or completed == last


def summary(weight: torch.Tensor) -> dict[str, float]:
    """Mean and largest of weights float64 (N,), and the effective share of images (Σw)² / (N Σw²)."""
    effective = weight.sum().square() / (len(weight) * weight.square().sum())
    return {"mean_weight": weight.mean().item(), "largest_weight": weight.max().item(), "effective_share": effective.item()}


def class_shares(weight: torch.Tensor, labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Share of the whole weight that the images of each class have, float64 (C,) on the CPU; ``weight`` and ``labels`` have shape (N,).

    On a GPU the sums would be taken in any order, which PyTorch refuses where results are to be the same to the bit.
    """
    weight = weight.cpu()
    return torch.bincount(labels.cpu(), weights=weight, minlength=classes) / weight.sum()


def histogram(cross_entropy: torch.Tensor) -> torch.Tensor:
    """Counts int64 (BINS,) of p_t = exp(−cross_entropy) in equal bins of [0, 1]."""
    bins = (torch.exp(-cross_entropy.double()) * BINS).long().clamp_max(BINS - 1)
    return torch.bincount(bins, minlength=BINS)
