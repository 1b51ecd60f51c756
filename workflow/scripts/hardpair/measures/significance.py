"""Tests and power of paired differences. Pure functions on arrays of one number a seed."""

import math

import numpy as np

EXACT = 40  # differences up to which all sign patterns are counted
MOST = 100_000  # seeds beyond which the number needed is not reported


def sign_flip(differences: np.ndarray) -> float:
    """Two-sided p of the exact sign-flip permutation test of float (n,) paired differences.

    The share of the 2^n sign patterns whose sum is at least as far from 0 as the observed one, counted by halves: sums of the first half
    against the sorted sums of the second. Above ``EXACT`` differences, of 10^5 random patterns instead. NaN without any difference.
    """
    values = np.asarray(differences, dtype=np.float64)
    if len(values) == 0 or np.isnan(values).any():
        return float("nan")
    tolerance = 1e-9 * np.abs(values).sum()  # sums that differ by rounding alone are ties
    bound = abs(values.sum()) - tolerance
    if bound <= 0:
        return 1.0
    if len(values) > EXACT:
        sums = values.sum() - 2 * _random_subset_sums(values, 100_000)
        return float((1 + (np.abs(sums) >= bound).sum()) / (1 + len(sums)))
    first, second = (_signed_sums(part) for part in np.array_split(values, 2))
    second.sort()
    above = len(second) - np.searchsorted(second, bound - first, "left")
    below = np.searchsorted(second, -bound - first, "right")
    return float((above.sum() + below.sum()) / 2 ** len(values))


def _random_subset_sums(values: np.ndarray, count: int) -> np.ndarray:
    """Sums of random subsets of float (n,) values, each in or out with probability 1/2.

    A random byte chooses among eight values at once, by a table of their 256 sums.
    """
    rng, sums = np.random.default_rng(0), np.zeros(count)
    chosen = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    for eight in np.pad(values, (0, -len(values) % 8)).reshape(-1, 8):
        sums += (chosen @ eight)[rng.integers(0, 256, count, np.uint8)]
    return sums


def _signed_sums(values: np.ndarray) -> np.ndarray:
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def holm(p_values: np.ndarray) -> np.ndarray:
    """p values float (m,) adjusted for m tests (Holm 1979); NaN stays NaN and counts as a test."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)  # NaN last
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted


def seeds_for(tests: int) -> int:
    """Fewest seeds with which a sign-flip p, 2 / 2^n at best, can come under 0.05 after Holm's adjustment for so many tests."""
    count = 1
    while 2 * tests / 2**count >= 0.05:
        count += 1
    return count


def bca_interval(differences: np.ndarray) -> tuple[float, float]:
    """Bias-corrected and accelerated bootstrap 95 % interval of the mean (Efron 1987); NaN under 8 differences or where all are equal."""
    from scipy.stats import bootstrap

    values = np.asarray(differences, dtype=np.float64)
    if len(values) < 8 or np.ptp(values) == 0:
        return float("nan"), float("nan")
    drawn = bootstrap((values,), np.mean, confidence_level=0.95, method="BCa", rng=np.random.default_rng(0))
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)


def superiority(first: np.ndarray, second: np.ndarray) -> float:
    """P(first > second) of a run of each, with ties for a half: Mann and Whitney's U over n²."""
    signs = np.sign(np.subtract.outer(np.asarray(first, np.float64), np.asarray(second, np.float64)))
    return float((signs.mean() + 1) / 2)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation of runs paired by seed; NaN under 3 pairs or where one side does not vary."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def power(difference: float, sd: float, count: int, alpha: float = 0.05) -> float:
    """Power of the two-sided paired t test at a true ``difference`` with so many seeds and that sd of the differences."""
    from scipy.special import stdtrit
    from scipy.stats import nct

    limit, shift = stdtrit(count - 1, 1 - alpha / 2), abs(difference) / sd * math.sqrt(count)
    other_side = nct.cdf(-limit, count - 1, shift)  # SciPy gives NaN for some that are far under 1e-9
    return float(nct.sf(limit, count - 1, shift) + np.nan_to_num(other_side))


def detectable(sd: float, count: int, target: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest true difference that so many seeds detect with the target power; NaN under 2 seeds."""
    from scipy.optimize import brentq

    if count < 2 or math.isnan(sd):
        return float("nan")
    if sd == 0:
        return 0.0
    highest = 1.0
    while power(highest, 1, count, alpha) < target:
        highest *= 2
    return sd * brentq(lambda shift: power(shift, 1, count, alpha) - target, 0, highest)


def seeds_needed(difference: float, sd: float, target: float = 0.8, alpha: float = 0.05) -> int | None:
    """Fewest seeds that detect a true ``difference`` with the target power; None where it is 0 or ``MOST`` are too few."""
    if math.isnan(difference) or math.isnan(sd) or difference == 0:
        return None
    if sd == 0:
        return 2
    low, high = 1, 2
    while power(difference, sd, high, alpha) < target:
        if high == MOST:
            return None
        low, high = high, min(2 * high, MOST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(difference, sd, middle, alpha) >= target else (middle, high)
    return high
