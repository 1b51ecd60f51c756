"""Where the marks of differences stand on their axis, for a page of Matplotlib as for one of HTML."""

from dataclasses import dataclass, replace

import numpy as np

from hardpair.comparison.claims_in_words import Unit
from hardpair.figures.drawing.sheet import Cell, Panel
from hardpair.measures.intervals import FEWEST, mean_interval


@dataclass(frozen=True)
class Places:
    """The marks of a cell in the unit of its panel.

    Attributes:
        seeds: float64 (n,).
        heights: float64 (n,) of the seeds, from −0.5 to 0.5, that keep equal ones apart.
        mean: of the seeds.
        interval: both ends of the mean's 95 % t interval, cut at the ends of the axis; None of fewer than ``FEWEST`` seeds.
        cut: whether the interval goes on beyond the lower and the upper end of the axis.
        published: a difference from elsewhere; None where there is none on the axis.
        beyond: the same in text, where it is off the axis; else empty.
    """

    seeds: np.ndarray
    heights: np.ndarray
    mean: float
    interval: tuple[float, float] | None
    cut: tuple[bool, bool]
    published: float | None
    beyond: str


def places(cell: Cell, panel: Panel, limits: tuple[float, float]) -> Places:
    """Marks of ``cell`` on an axis with these ``limits``."""
    factor, (low, high), count = panel.unit.factor, limits, len(cell.gains)
    heights = (np.random.default_rng(0).permutation(count) - (count - 1) / 2) / max(count, 6)
    summary = {key: factor * value for key, value in mean_interval(cell.gains).items()}
    interval, cut = None, (False, False)
    if count >= FEWEST:
        interval = tuple(float(np.clip(summary[end], low, high)) for end in ("low", "high"))
        cut = summary["low"] < low, summary["high"] > high
    published, beyond = None if cell.published is None else factor * cell.published, ""
    if published is not None and not low <= published <= high:
        published, beyond = None, written(replace(panel.unit, digits=max(panel.unit.digits - 1, 0)), cell.published)
    return Places(factor * cell.gains, heights, summary["mean"], interval, cut, published, beyond)


def limits(panel: Panel, cells: list[Cell]) -> tuple[float, float]:
    """Ends of an axis for all seeds, 0 and the margin; intervals and published differences as far as they leave the seeds apart."""
    points = panel.unit.factor * np.concatenate([[0, panel.margin, -panel.margin], *(cell.gains for cell in cells)])
    span = max(np.ptp(points), 4 * 10.0**-panel.unit.digits)
    summaries = [mean_interval(cell.gains) for cell in cells if len(cell.gains) >= FEWEST]
    others = [summary[key] for summary in summaries for key in ("low", "high")] + [
        cell.published for cell in cells if cell.published is not None
    ]
    near = [value for value in panel.unit.factor * np.array(others) if points.min() - span / 2 <= value <= points.max() + span / 2]
    low, high = min([points.min(), *near]), max([points.max(), *near])
    room = 0.06 * max(high - low, span)
    return float(low - room), float(high + room)


def tick_text(value: float) -> str:
    """A number at a tick, with its sign and without an offset."""
    return f"{value:+.6g}".replace("-", "−") if value else "0"


def written(unit: Unit, value: float) -> str:
    """A difference with a true minus."""
    return unit.number(value).replace("-", "−")
