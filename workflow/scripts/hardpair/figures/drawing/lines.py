"""Courses over epochs, or along another axis: a line per variant, a band over its seeds."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from hardpair.figures.drawing import bands
from hardpair.figures.drawing.style import Look


def draw_lines(
    ax: Axes, table: pd.DataFrame, column: str, looks: dict[str, Look], factor: float = 1, along: str = "epoch"
) -> dict[str, Line2D]:
    """Draw the mean of ``column`` × ``factor`` by epoch for each variant that has it, with its band over seeds.

    Args:
        table: columns variant, seed, ``along`` and ``column``.
        along: what stands on the horizontal axis, which is the caller's to dress if it is not epochs; every point of it is marked.

    Returns:
        The line of each variant drawn.
    """
    lines = {}
    groups = table.dropna(subset=[column]).groupby(["variant", along])[column]
    summary = bands.over_seeds(groups, table["seed"].nunique()).mul(factor).reset_index()
    for name, look in looks.items():
        course = summary[summary["variant"] == name]
        if course.empty:
            continue
        if ax.xaxis_inverted():  # a line ends at the right
            course = course[::-1]
        alpha = 0.16 if len(looks) <= 4 else 0.07
        ax.fill_between(course[along], course["low"], course["high"], color=look.colour, alpha=alpha, linewidth=0)
        marked = _marked(len(course), look.place, len(looks)) if along == "epoch" else None
        [lines[name]] = ax.plot(course[along].to_numpy(), course["mean"].to_numpy(), markevery=marked, **look.line)
    if along == "epoch":
        epoch_axis(ax, summary["epoch"])
    return lines


def draw_published(ax: Axes, name: str, settings: dict, looks: dict[str, Look], factor: float = 1) -> None:
    """Stars where a published course (``variants[].published``) of that name went, if the axis's runs are as long.

    Args:
        name: such as scale; a list of [epoch, value].
    """
    longest = max((line.get_xdata()[-1] for line in ax.lines), default=0)
    for variant in settings["variants"]:
        epochs, values = np.array((variant.get("published") or {}).get(name, [])).reshape(-1, 2).T
        if len(epochs) and epochs[-1] == longest:
            colour = looks[variant["name"]].colour
            ax.plot(epochs, values * factor, linestyle="none", marker="*", markersize=8, color=colour, markerfacecolor="none", zorder=3,
                    label=f"_published:{variant['name']}")  # fmt: skip


def published_note(page: Figure) -> str:
    """What stars mean, for the footer, if there are any."""
    drawn = any(line.get_label().startswith("_published") for ax in page.axes for line in ax.lines)
    return "stars: published, one run" if drawn else ""


def _marked(points: int, place: int, variants: int) -> list[int]:
    """Which points get a marker: all of few, some of many, staggered so that variants do not hide each other's."""
    if points <= 6:
        return list(range(points))
    step = max(points // 4, min(variants, points // 2))
    return list(range(int(step * (place + 0.5) / variants), points, step))


def epoch_axis(ax: Axes, epochs: pd.Series) -> None:
    """Integer epochs below, a light grid behind."""
    ax.set_xlabel("Epoch")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    ax.grid(axis="y")
    if epochs.nunique() == 1:
        ax.set_xlim(epochs.iloc[0] - 0.5, epochs.iloc[0] + 0.5)
    else:
        ax.margins(x=0.02)


def share_limits(ax: Axes, axis: str, low: float, high: float, least: float = 0.4) -> None:
    """Limits of an axis (``x`` or ``y``) of shares in per cent: within 0 and 100, and so far apart that ticks need few digits."""
    room = max(least - (high - low), 0) / 2
    low, high = max(low - room, 0.0), min(high + room, 100.0)
    ax.set(**{f"{axis}lim": (min(low, 100 - least), max(high, least))})


def log_axis(axis: Axis, most: int = 6) -> None:
    """A logarithmic axis with at most so many ticks, plain numbers at 1, 2, 5 or 1, 3 or 1 of each decade as the range allows."""
    low, high = sorted(axis.get_view_interval())
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for subs in ((1, 2, 5), (1, 3), (1,)):
        ticks = np.outer(decades, subs)
        if np.sum((ticks >= low) & (ticks <= high)) <= most:
            break
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value >= 9.9e-4 else f"{value:.0e}".replace("e-0", "e-")))
