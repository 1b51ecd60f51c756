"""Whether numbers vary at all: differences of equal size are equal up to rounding alone. Pure functions on arrays."""

import numpy as np

ROUNDING = 1e-12  # far above the rounding errors of float64, far below one image of any test set


def constant(values: np.ndarray, size: np.ndarray | float = 1.0) -> np.ndarray:
    """Whether float (…, n) values, n ≥ 1, are equal up to rounding, bool (…): their range is at most ``ROUNDING`` × the largest input.

    Args:
        values: no NaN counts as equal to another number.
        size: largest absolute value of what they were computed from; 1 for shares and their differences.
    """
    values = np.asarray(values, dtype=np.float64)
    return np.ptp(values, axis=-1) <= ROUNDING * np.maximum(size, np.abs(values).max(-1))


def sd(values: np.ndarray) -> np.ndarray:
    """Standard deviation (n − 1) of float (…, n) values, n ≥ 2, float (…); exactly 0 where they are ``constant``."""
    values = np.asarray(values, dtype=np.float64)
    return np.where(constant(values), 0.0, values.std(-1, ddof=1))


def differences(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """first − second, float64 (n,) each, of numbers of any size: all are their mean where they are equal up to rounding."""
    found = np.subtract(first, second, dtype=np.float64)
    size = max(np.abs(first).max(initial=1), np.abs(second).max(initial=1))
    return np.full_like(found, found.mean()) if len(found) and constant(found, size) else found
