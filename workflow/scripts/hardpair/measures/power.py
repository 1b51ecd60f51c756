"""Power of the paired t test, and how many seeds it takes."""

import math
from collections.abc import Callable

import numpy as np

POWER = 0.8  # with which differences are detected and claims settled
MOST = 100_000  # seeds beyond which it is not reported how many are needed


def power(difference: float, sd: float, count: int, alpha: float = 0.05) -> float:
    """Power of the two-sided paired t test at a true ``difference`` with so many seeds and that sd of the differences."""
    from scipy.special import stdtrit
    from scipy.stats import nct

    limit, shift = stdtrit(count - 1, 1 - alpha / 2), abs(difference) / sd * math.sqrt(count)
    other_side = nct.cdf(-limit, count - 1, shift)  # SciPy gives NaN for some that are far under 1e-9
    return float(nct.sf(limit, count - 1, shift) + np.nan_to_num(other_side))


def power_of_equivalence(difference: float, sd: float, count: int, margin: float, alpha: float = 0.05) -> float:
    """Power, at least, of two one-sided paired t tests, each at ``alpha``, at a true ``difference`` within ± ``margin``.

    Both have to reject: the power is the sum of both less the probability that at least one rejects, which is at most 1.
    """
    from scipy.special import stdtrit
    from scipy.stats import nct

    limit = stdtrit(count - 1, 1 - alpha)
    near, far = ((margin + side * abs(difference)) / sd * math.sqrt(count) for side in (-1, 1))
    return max(float(nct.sf(limit, count - 1, near) + nct.sf(limit, count - 1, far)) - 1, 0.0)


def detectable(sd: float, count: int) -> float:
    """Smallest true difference that so many seeds detect with ``POWER``; NaN under 2 seeds, or if the sd is 0."""
    from scipy.optimize import brentq

    if count < 2 or math.isnan(sd) or sd == 0:
        return float("nan")
    highest = 1.0
    while power(highest, 1, count) < POWER:
        highest *= 2
    return sd * brentq(lambda shift: power(shift, 1, count) - POWER, 0, highest)


def seeds_needed(difference: float, sd: float, wanted: float = POWER, alpha: float = 0.05) -> int | None:
    """Fewest seeds that detect a true ``difference`` with the wanted power; None where it or the sd is 0, or ``MOST`` are too few."""
    if math.isnan(difference) or math.isnan(sd) or 0 in (difference, sd):
        return None
    return _fewest(lambda count: power(difference, sd, count, alpha) >= wanted)


def seeds_for_equivalence(difference: float, sd: float, margin: float, wanted: float = POWER, alpha: float = 0.05) -> int | None:
    """Fewest seeds that show a true ``difference`` to be within ± ``margin`` with the wanted power; None where it is not, the sd is 0, or
    ``MOST`` are too few."""
    if math.isnan(difference) or math.isnan(sd) or sd == 0 or abs(difference) >= margin:
        return None
    return _fewest(lambda count: power_of_equivalence(difference, sd, count, margin, alpha) >= wanted)


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """The fewest seeds from 2 on that are ``enough``; None if ``MOST`` are not."""
    low, high = 1, 2
    while not enough(high):
        if high == MOST:
            return None
        low, high = high, min(2 * high, MOST)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
