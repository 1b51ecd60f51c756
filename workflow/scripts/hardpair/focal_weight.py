"""Focal weights: of a batch, with a gradient, and of a training set, to average and to draw by."""

import torch

FLOOR = 1e-12  # of a weight wherever it is averaged or drawn by, for γ up to 2
LEAST = 1e-12  # of 1 − p_t in a step: at 0 the gradient of (1 − p_t)^γ is infinite for γ < 1
SINGLE = 5  # largest γ for which float32 holds every weight, down to (6e-8)^γ, and every scale that makes their mean 1


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
