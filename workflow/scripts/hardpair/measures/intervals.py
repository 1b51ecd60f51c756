"""Statistics of runs: intervals of means, and of differences paired by seed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hardpair.errors import UserError
from hardpair.measures import spread

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 3  # seeds from which an interval of their mean is shown: that of two is mean ± 9 sd


def mean_interval(values: np.ndarray, level: float = 0.95) -> dict[str, float | int]:
    """Mean, sd (n − 1) and Student's t interval of the mean of float (n,) values; NaN where one value allows none, or one is NaN.

    Returns:
        ``n``, ``mean``, ``sd``, ``low``, ``high``.
    """
    from scipy.special import stdtrit

    count, mean = len(values), float(np.mean(values))
    sd = float(spread.sd(values)) if count > 1 else float("nan")
    half = float(stdtrit(count - 1, (1 + level) / 2)) * sd / count**0.5 if count > 1 else float("nan")
    return {"n": count, "mean": mean, "sd": sd, "low": mean - half, "high": mean + half}


def paired(first: Mapping[int, float], second: Mapping[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Values of two variants of the same seeds, float64 (n,) each, in the order of ``first``.

    Args:
        first, second: a value by seed each (a dict, or a pandas Series with seeds as its index), in any order.

    Raises:
        UserError: a seed has no partner or more than one value, or there is none.
    """
    import pandas as pd

    a, b = (pd.Series(values, dtype=np.float64) for values in (first, second))
    if not len(a) or not a.index.equals(b.index) or not a.index.is_unique:
        for seed in (*a.index, *b.index):
            counts = [int((values.index == seed).sum()) for values in (a, b)]
            if counts != [1, 1]:
                problem = f"seed {seed} has {counts[0]} and {counts[1]} runs of the two variants"
                raise UserError(f"runs are compared in pairs, but {problem}: give both variants one run of each seed")
        if not len(a):
            raise UserError("runs are compared in pairs, but neither variant has a run: train both with the same seeds")
        b = b.reindex(a.index)
    return a.to_numpy(), b.to_numpy()


def paired_difference(first: Mapping[int, float], second: Mapping[int, float]) -> dict[str, float | int]:
    """``mean_interval`` of first − second by seed; arguments and errors as those of ``paired``."""
    a, b = paired(first, second)
    return mean_interval(a - b)


def difference_columns(first: Mapping[int, float], second: Mapping[int, float]) -> dict[str, float]:
    """``paired_difference`` as columns of a table: ``difference`` (the mean) and ``difference_sd``, ``_low`` and ``_high``."""
    found = paired_difference(first, second)
    return {"difference": found["mean"]} | {f"difference_{key}": found[key] for key in ("sd", "low", "high")}


def shown_interval(values: np.ndarray) -> dict[str, float | int]:
    """``mean_interval`` as readers see it: NaN for the interval of fewer than ``FEWEST`` values."""
    found = mean_interval(values)
    return found if len(values) >= FEWEST else found | {"low": float("nan"), "high": float("nan")}


def shown(table: "pd.DataFrame") -> "pd.DataFrame":
    """A table of results (column ``n``) as readers see it: without the intervals, p and detectable differences of too few seeds."""
    unsure = [column for column in table.columns if column.endswith(("low", "high")) or column in ("p", "detectable")]
    return table.assign(**{column: table[column].where(table["n"] >= FEWEST) for column in unsure})
