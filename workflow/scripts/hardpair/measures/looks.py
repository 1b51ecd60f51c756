"""Thresholds of a test that is taken more than once as seeds are added."""

import functools
import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

STEPS = np.linspace(0, 1, 41)  # places, between 0 and 1, of half of the nodes of an interpolation
RULE = 32  # points of a rule of integration


@functools.cache
def thresholds(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """p at which the two-sided paired t test rejects at each look, so that over all looks it rejects a true null hypothesis with ``alpha``,
    up to 5 % of it by rounding.

    p_k = 2Φ(−c / √(n_k / n_K)), the shape of O'Brien and Fleming (1979): strict at first, near ``alpha`` at the last look. c is solved from
    ``error``, which is exact for t tests; that of z tests would reject too often with few seeds (5.5 instead of 5 % at 4, 6, 8 and 10).
    They are rounded to four decimals, or to one digit below 0.0001, the last to two digits below 0.001; a look very far before the last
    has 0, which no p reaches.

    Args:
        looks: rising numbers of seeds, 2 or more.
        alpha: overall two-sided error.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    # The last look alone rejects with 2Φ(−c); all looks together with at most that for each of them.
    lowest, highest = -ndtri(alpha / 2), -ndtri(alpha / (2 * len(looks)))
    c = brentq(lambda c: error(looks, _shape(looks, c)) - alpha, lowest - 0.01, highest + 0.01, xtol=1e-4)
    # Rounded as they are reported, so that a p that is compared with them by eye gives the same verdict.
    last = len(looks) - 1  # whose threshold is most of the error
    return tuple(round(p, max(4, math.ceil(-math.log10(p or 1)) + (place == last))) for place, p in enumerate(_shape(looks, c)))


def _shape(looks: Sequence[int], c: float) -> tuple[float, ...]:
    from scipy.special import ndtr

    return tuple(float(2 * ndtr(-c / math.sqrt(count / looks[-1]))) for count in looks)


def error(looks: Sequence[int], p_values: Sequence[float]) -> float:
    """Probability that the two-sided t test of normal differences of mean 0 has p ≤ ``p_values`` at any of the ``looks``.

    t is a function of U_n = Σx / √(Σx²). Under the null hypothesis U_n is independent of the length √(Σx²), and so a Markov chain: d seeds
    later U' = U cos β + √d ξ sin β, where sin² β has the distribution Beta(d/2, n/2) and ξ is a coordinate of a random direction in d
    dimensions. The chain is integrated backwards, from look to look.
    """
    from scipy.interpolate import CubicSpline

    bounds = [_bound(count, p) for count, p in zip(looks, p_values, strict=True)]
    stay, bend = np.ones_like, 0.0  # probability of no crossing at later looks, by |U| at the present one
    for place in range(len(looks) - 2, -1, -1):
        count, more, edge, after = looks[place], looks[place + 1] - looks[place], bounds[place], bounds[place + 1]
        # No crossing is certain below sqrt(after² − more): close nodes there, where the probability bends.
        bend = min(math.sqrt(max(after**2 - more, 0)), edge)
        nodes = np.unique(np.concatenate([bend * (1 - STEPS**2), bend + (edge - bend) * STEPS**2]))
        stay = CubicSpline(nodes, _expected(nodes, count, more, after, stay))
    # U / √n is the sine of an angle of density ∝ cos^(n−2).
    ends = np.arcsin(np.minimum(np.array([0, bend, bounds[0]]) / math.sqrt(looks[0]), 1))
    angles, weights = _rule(ends[:-1], ends[1:])
    density = np.cos(angles) ** (looks[0] - 2) / _integral_of_cosines(looks[0] - 2)
    return float(1 - 2 * (weights * density * stay(math.sqrt(looks[0]) * np.sin(angles))).sum())


def _bound(count: int, p: float) -> float:
    """|U| at which the two-sided p of t is ``p``."""
    from scipy.special import stdtrit

    t = -stdtrit(count - 1, p / 2)
    if np.isinf(t):
        return math.sqrt(count)  # the highest value of |U|
    return float(math.sqrt(count) * t / np.hypot(t, math.sqrt(count - 1)))


def _expected(u: np.ndarray, count: int, more: int, edge: float, stay: Callable) -> np.ndarray:
    """E[stay(|U'|); |U'| < ``edge``] ``more`` seeds after ``count``, for values u ≥ 0 of U, float (N,)."""
    from scipy.special import betaincinv, betaln

    low, high = (np.arcsin(np.sqrt(betaincinv(more / 2, count / 2, share))) for share in (1e-14, 1 - 1e-14))
    length, turn = np.hypot(u, math.sqrt(more)), np.arctan2(math.sqrt(more), u)
    meets = np.arccos(np.minimum(edge / length, 1))
    # The angles β at which the farthest or the nearest U' meets an edge, between which the integral is smooth.
    ends = np.sort([np.full_like(u, low), abs(turn - meets), turn + meets, np.pi - turn - meets, np.full_like(u, high)], axis=0)
    ends = np.clip(ends, low, high)
    expected = np.zeros(len(u))
    for first, last in itertools.pairwise(ends):
        beta, weights = _rule(first, last)
        sine, cosine = np.sin(beta), np.cos(beta)
        density = 2 * np.exp((more - 1) * np.log(sine) + (count - 1) * np.log(cosine) - betaln(more / 2, count / 2))
        values = _over_directions(u[:, None] * cosine, math.sqrt(more) * sine, more, edge, stay)
        expected += (weights * density * values).sum(1)
    return expected


def _over_directions(middle: np.ndarray, reach: np.ndarray, dimensions: int, edge: float, stay: Callable) -> np.ndarray:
    """E[stay(|U'|); |U'| < ``edge``] of U' = middle + reach ξ, where ξ is a coordinate of a random direction."""
    if dimensions == 1:
        ends = np.abs([middle - reach, middle + reach])
        return np.where(ends < edge, stay(np.minimum(ends, edge)), 0).mean(0)
    low, high = (np.arcsin(np.clip((end - middle) / reach, -1, 1)) for end in (-edge, edge))
    angles, weights = _rule(low, high)
    values = stay(np.minimum(np.abs(middle[..., None] + reach[..., None] * np.sin(angles)), edge))
    return (weights * np.cos(angles) ** (dimensions - 2) * values).sum(-1) / _integral_of_cosines(dimensions - 2)


def _rule(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights (…, ``RULE``) from ``low`` to ``high``, float (…,) each: Gauss and Legendre's, denser at both ends."""
    points, weights = np.polynomial.legendre.leggauss(RULE)
    length, angles = np.asarray(high - low)[..., None], np.pi / 4 * (1 + points)
    return low[..., None] + length * np.sin(angles) ** 2, length * weights * np.pi / 4 * np.sin(2 * angles)


def _integral_of_cosines(power: int) -> float:
    """∫ cos^power from −π/2 to π/2."""
    return math.sqrt(math.pi) * math.exp(math.lgamma((power + 1) / 2) - math.lgamma(power / 2 + 1))
