"""Accuracy and confusion of the pair by variant: every seed a dot, the mean with its interval, what was published."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hardpair.figures import reading
from hardpair.figures.drawing import fitting, legend, lines, style
from hardpair.measures.intervals import FEWEST, shown_interval
from hardpair.measures.metric_names import about, decimal

read = reading.of_runs("measures")

MEAN = {"marker": "D", "markersize": 4.2, "color": style.INK, "markerfacecolor": "white", "markeredgewidth": 1, "clip_on": False}
PUBLISHED = {"marker": "*", "markersize": 8, "color": style.PUBLISHED, "markerfacecolor": "none", "markeredgewidth": 0.9}
PUBLISHED |= {"linestyle": "none"}
FEW = 50  # seeds up to which each has a mark of full size; more fade into a cloud, kept as pixels in the SVG
TITLE, LABEL = 2.4, 1.3  # inches: the longest line of a title and of a label
MEAN_AT, PUBLISHED_AT = -0.28, -0.02  # rows from the middle of a variant's row
BASELINE = {"color": style.MUTED, "linewidth": 0.7, "linestyle": (0, (4, 2))}


def draw_variants(ax: Axes, table: pd.DataFrame, column: str, settings: dict, looks: dict) -> None:
    """One row per variant: seeds as dots, mean and 95 % t interval above them and in numbers at the right, the published value as a star.

    Args:
        table: ``Runs.measures``; ``column`` is accuracy or confusion, a share, drawn in per cent.
        settings: variants, pairs, baseline, references.
    """
    rng = np.random.default_rng(0)
    digits = 2 if np.ptp(table[column]) < 0.2 else 1
    points, intervals, numbers = [], {}, {}
    for row, (name, look) in enumerate(looks.items()):
        if row % 2:
            ax.axhspan(row - 0.5, row + 0.5, color="#f5f5f5", linewidth=0, zorder=0)
        shares = table.loc[table["variant"] == name, column].to_numpy()
        summary = shown_interval(shares)  # of shares: rounded as the tables round it
        values, mean, half = 100 * shares, 100 * summary["mean"], 100 * (summary["high"] - summary["mean"])
        points += [*values, mean]
        jitter = (rng.permutation(len(values)) - (len(values) - 1) / 2) / max(len(values), 6) * 0.26
        many, shrunk = len(values) > FEW, min((FEW / len(values)) ** 0.5, 1)
        marker, colour, edge = ("o", look.pixels, "none") if many else (look.marker, look.colour, "white")
        ax.plot(values, row + 0.25 + jitter, linestyle="none", marker=marker, markersize=max(4 * shrunk, 1.2), color=colour,
                alpha=max(0.75 * shrunk, 0.2), markeredgecolor=edge, markeredgewidth=0.3, clip_on=False, rasterized=many,
                label=f"_seeds:{name}")  # fmt: skip
        text = decimal(mean, digits, signed=False)
        if np.isfinite(half):
            intervals[row] = (mean - half, mean + half)
            ax.plot(intervals[row], [row + MEAN_AT] * 2, color=style.INK, linewidth=1.4, solid_capstyle="butt", label=f"_interval:{name}")
            text += "\n" + "–".join(decimal(end, digits, signed=False) for end in intervals[row])
        ax.plot([mean], [row + MEAN_AT], linestyle="none", label=f"_mean:{name}", **MEAN)
        if name == settings["baseline"]:
            ax.axvline(mean, zorder=0.8, label="_baseline", **BASELINE)
        numbers[row] = text
    _limit(ax, points, intervals)
    far = _draw_published(ax, column, settings["variants"])
    for row, text in numbers.items():
        _write(ax, row, text, far.get(row))
    if column == "confusion":
        _draw_references(ax, about(settings["references"], settings["pairs"][:1]))
    _mark_cut(ax, intervals)
    ax.set_ylim(len(looks) - 0.5, -0.5)
    ax.set_yticks(range(len(looks)), _row_labels(ax.figure, looks))
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))


def _limit(ax: Axes, points: list[float], intervals: dict[int, tuple[float, float]]) -> None:
    """Show all points, and intervals as far as they leave the points apart: those of three seeds can be very long."""
    ends = np.concatenate([points, *intervals.values()])
    span = max(np.ptp(points), 0.1)
    low, high = max(ends.min(), min(points) - 0.5 * span), min(ends.max(), max(points) + 0.5 * span)
    margin = 0.06 * max(high - low, span)
    lines.share_limits(ax, "x", low - margin, high + margin)


def _mark_cut(ax: Axes, intervals: dict[int, tuple[float, float]]) -> None:
    """Arrows where the interval of a row extends beyond the panel."""
    left, right = ax.get_xlim()
    for row, (low, high) in intervals.items():
        for edge, marker, cut in ((left, "<", low < left), (right, ">", high > right)):
            if cut:
                ax.plot([edge], [row + MEAN_AT], marker=marker, color=style.INK, markersize=4, clip_on=False)


def _widen(ax: Axes, values: Collection[float]) -> list[float]:
    """Widen the axis for those of the values that it can show without crowding the variants, and return them."""
    low, high = ax.get_xlim()
    near = [value for value in values if low - 0.5 * (high - low) < value < high + 0.5 * (high - low)]
    margin = 0.03 * (high - low)
    lines.share_limits(ax, "x", min([low, *(value - margin for value in near)]), max([high, *(value + margin for value in near)]))
    return near


def _draw_published(ax: Axes, column: str, variants: list[dict]) -> dict[int, float]:
    """A star in a variant's row; the values, by row, that are too far away to be shown beside the variants."""
    values = {row: 100 * variant["published"][column] for row, variant in enumerate(variants) if variant.get("published")}
    near = _widen(ax, values.values())
    for row, value in values.items():
        if value in near:
            ax.plot([value], [row + PUBLISHED_AT], label=f"_published:{variants[row]['name']}", **PUBLISHED)
    return {row: value for row, value in values.items() if value not in near}


def _write(ax: Axes, row: int, text: str, published: float | None) -> None:
    """Numbers at the right of a row: mean, interval and below them a published value that is off the axis."""
    look = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "fontsize": 6.5, "annotation_clip": False}
    up = 0 if published is None else 4
    ax.annotate(text, (1.02, row), (0, up), va="center", **look)
    if published is not None:
        below = up - 4 * (text.count("\n") + 2)
        ax.annotate(f"publ. {decimal(published, 1, signed=False)}", (1.02, row), (0, below), va="center", color=PUBLISHED["color"], **look)


def _draw_references(ax: Axes, references: list[dict]) -> None:
    """What others reach, as a line; as an arrow at the panel's edge where it is too far away to be shown beside the variants."""
    for reference in references:
        value = 100 * reference["confusion"]
        if _widen(ax, [value]):
            ax.axvline(value, zorder=0.8, label="_reference", **style.REFERENCE)
        else:
            end, marker = (0, "<") if value < ax.get_xlim()[0] else (1, ">")
            ax.plot([end], [0], transform=ax.transAxes, marker=marker, markersize=5, color=style.REFERENCE["color"], clip_on=False,
                    zorder=3, label="_reference")  # fmt: skip


def _row_labels(page: Figure | SubFigure, looks: dict[str, style.Look]) -> list[str]:
    return [fitting.wrapped(page.figure, look.label, LABEL, 7) for look in looks.values()]


def height(page: Figure | SubFigure, settings: dict, looks: dict[str, style.Look]) -> float:
    """Inches that the panels of ``draw_measures`` need for labels and titles."""
    row = max(0.45, 0.13 * max(text.count("\n") + 1 for text in _row_labels(page, looks)) + 0.1)
    return row * len(looks) + fitting.height(titles(page, settings)["confusion"].count("\n"), 8) + 0.55


def marks(settings: dict, looks: dict[str, style.Look]) -> list[Line2D]:
    """What the marks mean, for ``legend.put_above``."""
    n = len(settings["seeds"])
    interval = {"label": f"mean and 95 % t interval, n = {n} seeds", "linewidth": 1.4}
    handles = [
        Line2D([], [], label="one seed", linestyle="none", marker="o", markersize=4, color=style.MUTED),
        Line2D([], [], **MEAN, **(interval if n >= FEWEST else {"label": f"mean, n = {n}: no interval", "linestyle": "none"})),
        Line2D([], [], label=f"mean of {style.shortened(looks[settings['baseline']].label, 40)}", **BASELINE),
    ]
    if any(variant.get("published") for variant in settings["variants"]):
        handles.append(Line2D([], [], label="published, one run", **PUBLISHED))
    references = about(settings["references"], settings["pairs"][:1])
    return handles + [Line2D([], [], label=style.reference_label(reference), **style.REFERENCE) for reference in references]


def titles(page: Figure | SubFigure, settings: dict) -> dict[str, str]:
    """Title of the panel of each column."""
    a, b = map(style.class_name, settings["pairs"][0])
    return {
        "accuracy": f"{settings['evaluated_on'].capitalize()} accuracy (%), higher is better",
        "confusion": fitting.wrapped(page.figure, f"{a}–{b} confusion (%), lower is better", TITLE, 8),
    }


def draw_measures(page: Figure | SubFigure, table: pd.DataFrame, settings: dict, looks: dict) -> None:
    """Both measures side by side."""
    for ax, (column, title) in zip(page.subplots(1, 2, sharey=True), titles(page, settings).items(), strict=True):
        draw_variants(ax, table, column, settings, looks)
        ax.set_title(title)


def figure(table: pd.DataFrame, settings: dict) -> Figure:
    """Both measures side by side.

    Args:
        table: ``Runs.measures`` of the model after the last epoch.
    """
    looks = style.looks(settings["variants"])
    page = style.new_page(style.WIDTH, 1)
    page.set_figheight(height(page, settings, looks) + 0.35)
    draw_measures(page, table, settings, looks)
    style.footer(page, settings, images_note(table, settings), "model after the last epoch", numbers_note(settings))
    legend.put_above(page, marks(settings, looks))
    return page


def numbers_note(settings: dict) -> str:
    """What the numbers beside the rows mean, for the footer."""
    return "numbers: mean and its interval" if len(settings["seeds"]) >= FEWEST else ""


def images_note(table: pd.DataFrame, settings: dict) -> str:
    """Which images, and how many."""
    return style.evaluated(int(table["images"].iloc[0]), settings)
