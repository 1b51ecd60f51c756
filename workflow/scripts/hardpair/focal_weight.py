"""Focal weights of a training set, and what is recorded of them."""

import torch

FLOOR = 1e-12  # of a weight wherever it is averaged or drawn by, for γ up to 2
LEAST = 1e-12  # of 1 − p_t in a step: at 0 the gradient of (1 − p_t)^γ is infinite for γ < 1
SINGLE = 5  # largest γ for which float32 holds every weight, down to (6e-8)^γ, and every scale that makes their mean 1
BINS = 100  # of the histogram of p_t; thresholds of easy and hard are multiples of 1 / BINS
LOGGED = (4,)  # completed epochs after which the published table shows shares without a refresh


def focal_weight(cross_entropy: torch.Tensor, gamma: float) -> torch.Tensor:
    """w = (1 − p_t)^γ (Lin et al. 2017, eq. 4) from −ln p_t, of any shape; in float64 for γ above ``SINGLE``.

    ``expm1`` keeps the digits of 1 − p_t that ``1 - exp`` loses near p_t = 1; the clamp keeps the gradient finite there.
    """
    if gamma > SINGLE:
        cross_entropy = cross_entropy.double()
    return (-torch.expm1(-cross_entropy)).clamp_min(LEAST) ** gamma


def floored_weight(cross_entropy: torch.Tensor, gamma: float) -> torch.Tensor:
    """Focal weights (N,) in float64, floored, for averaging and drawing; all ones where every image is at the floor.

    Above γ = 2 the floor is that of an image with 1 − p_t = 1e-6, near the last digit that losses in float32 have there: a floor that did
    not fall with γ would make images equal that differ.
    """
    floor = FLOOR ** max(1, gamma / 2)
    weight = (-torch.expm1(-cross_entropy.double())).clamp_min(0).pow(gamma).clamp_min(floor)
    return weight if (weight > floor).any() else torch.ones_like(weight)


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


def is_due(completed: int, every: int, last: int) -> bool:
    """Whether the weights are refreshed after ``completed`` epochs: before the first, after every ``every``-th, after the last."""
    return completed % every == 0 or completed == last


def histogram(cross_entropy: torch.Tensor) -> torch.Tensor:
    """Counts int64 (BINS,) of p_t = exp(−cross_entropy) in equal bins of [0, 1]."""
    bins = (torch.exp(-cross_entropy.double()) * BINS).long().clamp_max(BINS - 1)
    return torch.bincount(bins, minlength=BINS)
