"""Statistics of runs: intervals of means and of paired differences. Pure functions on arrays of one number a seed."""

import numpy as np


def mean_interval(values: np.ndarray, level: float = 0.95) -> dict[str, float | int]:
    """Mean, sd (n − 1) and Student's t interval of the mean of float (n,) values; NaN where one value allows none.

    Returns:
        ``n``, ``mean``, ``sd``, ``low``, ``high``.
    """
    from scipy.special import stdtrit

    count, mean = len(values), float(np.mean(values))
    sd = float(np.std(values, ddof=1)) if count > 1 else float("nan")
    half = float(stdtrit(count - 1, (1 + level) / 2)) * sd / count**0.5 if count > 1 else float("nan")
    return {"n": count, "mean": mean, "sd": sd, "low": mean - half, "high": mean + half}


def paired_difference(first: np.ndarray, second: np.ndarray) -> dict[str, float | int]:
    """``mean_interval`` of first − second, both float (n,) with one entry a seed in the same order."""
    return mean_interval(np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64))
