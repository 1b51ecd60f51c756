"""The band around a mean over seeds, the same in every figure, and how a footer calls it."""

import numpy as np
import pandas as pd
from pandas.core.groupby import SeriesGroupBy

FEW = 5  # seeds below which an interval is so wide that the runs themselves say more


def over_seeds(groups: SeriesGroupBy, seeds: int) -> pd.DataFrame:
    """Mean of each group with its band: the mean's 95 % t interval, of fewer than ``FEW`` seeds the lowest and the highest.

    Args:
        groups: one value a seed in each group.
        seeds: of the study.

    Returns:
        ``mean``, ``low``, ``high`` by group.
    """
    from scipy.special import stdtrit

    band = groups.agg(mean="mean", low="min", high="max")
    if seeds >= FEW:
        half = stdtrit(np.maximum(groups.count() - 1, 1), 0.975) * groups.sem().fillna(0)
        band = band.assign(low=band["mean"] - half, high=band["mean"] + half)
    return band


def note(settings: dict, mark: str = "line") -> str:
    """What lines and bands mean, or another ``mark`` and its bars."""
    n = len(settings["seeds"])
    area = "band" if mark == "line" else "bar"
    if n == 1:
        return f"{mark}: one seed, so no {area}"
    return f"{mark}: mean of n = {n} seeds, {area}: {'lowest to highest' if n < FEW else '95 % t interval'}"
