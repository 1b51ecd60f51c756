"""Tests of differences paired by seed. Pure functions on arrays of one number a seed."""

import numpy as np

from hardpair.measures.spread import ROUNDING, constant, sd

EXACT = 40  # differences up to which all sign patterns are counted


def t_test(differences: np.ndarray) -> np.ndarray:
    """Two-sided p of Student's paired t test of float (…, n) differences, float (…).

    NaN where all are equal up to rounding, where one is NaN, and under 2 differences: they test nothing.
    """
    from scipy.special import stdtr

    mean, error, freedom = _mean_and_error(differences)
    if freedom < 1:
        return np.full(mean.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error == 0, np.nan, 2 * stdtr(freedom, -np.abs(mean / error)))


def equivalence(differences: np.ndarray, margin: np.ndarray | float) -> np.ndarray:
    """p of two one-sided t tests (TOST, Schuirmann 1987) that the mean of float (…, n) differences lies within ± ``margin``, float (…).

    The larger of both p. NaN as ``t_test``, but not where all are equal: they have no error, so that p is 0 or 1.
    """
    from scipy.special import stdtr

    mean, error, freedom = _mean_and_error(differences)
    if freedom < 1:
        return np.full(mean.shape, np.nan)
    room = margin - np.abs(mean)  # of the two tests, that against the nearer edge has the larger p
    with np.errstate(divide="ignore", invalid="ignore"):
        p = stdtr(freedom, -room / error)
    return np.where(error == 0, np.where(room > ROUNDING, 0.0, 1.0), p)


def _mean_and_error(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Mean of (…, n) differences, its standard error (0 where they are ``constant``), and degrees of freedom."""
    values = np.asarray(differences, dtype=np.float64)
    count = values.shape[-1]
    if count < 2:
        return values.sum(-1), np.full(values.shape[:-1], np.nan), count - 1
    return values.mean(-1), sd(values) / count**0.5, count - 1


def sign_flip(differences: np.ndarray) -> float:
    """Two-sided p of the exact sign-flip permutation test of float (n,) paired differences.

    The share of the 2^n sign patterns whose sum is at least as far from 0 as the observed one, counted by halves: sums of the first half
    against the sorted sums of the second. Above ``EXACT`` differences, of 10^5 random patterns instead. NaN as ``t_test``.
    """
    values = np.asarray(differences, dtype=np.float64)
    if len(values) < 2 or np.isnan(values).any() or constant(values):
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
    """p values float (…, m) adjusted for m tests (Holm 1979); NaN stays NaN and counts as a test."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, axis=-1)  # NaN last
    stepped = np.take_along_axis(p, order, -1) * np.arange(p.shape[-1], 0, -1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(np.maximum.accumulate(stepped, -1), 1), -1)
    return adjusted


def bca_interval(differences: np.ndarray) -> tuple[float, float]:
    """Bias-corrected and accelerated bootstrap 95 % interval of the mean (Efron 1987); NaN under 8 differences or if they do not vary."""
    from scipy.stats import bootstrap

    values = np.asarray(differences, dtype=np.float64)
    if len(values) < 8 or constant(values):
        return float("nan"), float("nan")
    drawn = bootstrap((values,), np.mean, confidence_level=0.95, method="BCa", rng=np.random.default_rng(0))
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)


def superiority(first: np.ndarray, second: np.ndarray) -> float:
    """P(first > second) of a run of each, float (n,) and float (m,), with ties for a half: U over n m (Mann and Whitney 1947)."""
    above = np.subtract.outer(np.asarray(first, np.float64), np.asarray(second, np.float64))
    return float((np.sign(np.where(np.abs(above) <= ROUNDING, 0, above)).mean() + 1) / 2)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation of runs paired by seed, float (n,) each; NaN under 3 pairs or where one side does not vary."""
    if len(first) < 3 or constant(first) or constant(second):
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])
