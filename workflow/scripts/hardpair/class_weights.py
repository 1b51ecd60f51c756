"""Weights of classes by their number of images."""

import torch


def effective_number_weights(counts: torch.Tensor, beta: float) -> torch.Tensor:
    """(1 − β) / (1 − β^n) of each class, scaled to mean 1 (Cui et al. 2019, arXiv:1901.05555, eq. 2 and section 4.1).

    Args:
        counts: images of each class, int64 (C,); a class without any is weighed like one of a single image.
        beta: in [0, 1); 0 weighs all alike, and near 1 the weights come to 1 / n.

    Returns:
        float64 (C,).
    """
    beta = torch.tensor(beta, dtype=torch.float64)
    weights = (1 - beta) / -torch.expm1(counts.clamp_min(1).double() * torch.log(beta))
    return weights / weights.mean()
