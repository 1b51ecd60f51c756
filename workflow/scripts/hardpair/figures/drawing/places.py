"""Where the marks of differences stand on their axis, for a page of Matplotlib as for one of HTML."""

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.ticker import MaxNLocator

from hardpair.comparison.claims_in_words import Unit
from hardpair.figures.drawing.sheet import Cell, Panel
from hardpair.measures.intervals import FEWEST, mean_interval

FINER = 4  # times as fine is an axis without the farthest cells, if they are left off it


@dataclass(frozen=True)
class Places:
    """The marks of a cell in the unit of its panel.

    Attributes:
        seeds: float64 (n,); none of a cell that is off the axis.
        heights: float64 (n,) of the seeds, from −0.5 to 0.5, that keep equal ones apart.
        mean: of the seeds.
        off: −1 or 1 if the cell lies off the lower or the upper end of the axis, else 0.
        interval: both ends of the mean's 95 % t interval, cut at the ends of the axis; None under ``FEWEST`` seeds, or if the cell is off.
        cut: whether the interval goes on beyond the lower and the upper end of the axis.
        published: a difference from elsewhere; None where there is none on the axis.
        beyond: the same in text, where it is off the axis; else empty.
    """

    seeds: np.ndarray
    heights: np.ndarray
    mean: float
    off: int
    interval: tuple[float, float] | None
    cut: tuple[bool, bool]
    published: float | None
    beyond: str


def places(cell: Cell, panel: Panel, limits: tuple[float, float]) -> Places:
    """Marks of ``cell`` on an axis with these ``limits``."""
    factor, (low, high), count = panel.unit.factor, limits, len(cell.gains)
    heights = (np.random.default_rng(0).permutation(count) - (count - 1) / 2) / max(count, 6)
    summary = {key: factor * value for key, value in mean_interval(cell.gains).items()}
    interval, cut, seeds = None, (False, False), factor * cell.gains
    off = int(seeds.min() > high) - int(seeds.max() < low)
    if off:
        seeds, heights = seeds[:0], heights[:0]
    elif count >= FEWEST:
        interval = tuple(float(np.clip(summary[end], low, high)) for end in ("low", "high"))
        cut = summary["low"] < low, summary["high"] > high
    published, beyond = None if cell.published is None else factor * cell.published, ""
    if published is not None and not low <= published <= high:
        published, beyond = None, written(replace(panel.unit, digits=max(panel.unit.digits - 1, 0)), cell.published)
    return Places(seeds, heights, summary["mean"], off, interval, cut, published, beyond)


def locator() -> MaxNLocator:
    """Places the ticks of an axis of differences."""
    return MaxNLocator(4, steps=[1, 2, 5, 10])


def ticks(ends: tuple[float, float]) -> list[float]:
    """The ticks between the ends of an axis."""
    return [tick for tick in locator().tick_values(*ends) if ends[0] < tick < ends[1]]


def limits(panel: Panel, cells: list[Cell]) -> tuple[float, float]:
    """Ends of the axis of a panel with these cells.

    All seeds are on it, unless it is ``FINER`` times as fine without the farthest cells, at most half of them, which are then left off.
    """
    nearest_first = sorted(cells, key=lambda cell: abs(cell.gains).min())
    complete = _ends(panel, cells)
    for count in range(1, len(cells) // 2 + 1):
        low, high = _ends(panel, nearest_first[:-count])
        marks = [places(cell, panel, (low, high)) for cell in nearest_first[-count:]]
        if complete[1] - complete[0] >= FINER * (high - low) and all(mark.off for mark in marks):
            return low, high
    return complete


def off_axis(panel: Panel, cells: list[Cell]) -> bool:
    """Whether a cell is off the axis of its panel."""
    ends = limits(panel, cells)
    return any(places(cell, panel, ends).off for cell in cells)


def _ends(panel: Panel, cells: list[Cell]) -> tuple[float, float]:
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
