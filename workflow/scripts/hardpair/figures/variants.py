"""Accuracy and confusion of the pair by variant: every seed a dot, the mean with its interval, what was published."""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hardpair.comparison.runs import Runs
from hardpair.figures import legend, style
from hardpair.measures.intervals import mean_interval
from hardpair.measures.names import about
from hardpair.wording import counted

MEAN = {"marker": "D", "markersize": 4.2, "color": style.INK, "markerfacecolor": "white", "markeredgewidth": 1}
PUBLISHED = {"marker": "*", "markersize": 8, "color": "#8c1d40", "markerfacecolor": "none", "markeredgewidth": 0.9, "linestyle": "none"}
FEW = 50  # seeds up to which each has a mark of full size; more fade into a cloud, kept as pixels in the SVG
MEAN_AT, PUBLISHED_AT = -0.28, -0.02  # rows from the middle of a variant's row
BASELINE = {"color": style.MUTED, "linewidth": 0.7, "linestyle": (0, (4, 2))}


def draw_variants(ax: Axes, table: pd.DataFrame, column: str, settings: dict, looks: dict) -> None:
    """One row per variant: seeds as dots, mean and 95 % t interval above them and in numbers at the right, the published value as a star.

    Args:
        table: ``Runs.measures``; ``column`` is accuracy or confusion, a share, drawn in per cent.
        settings: variants, pairs, baseline, references.
    """
    rng = np.random.default_rng(0)
    for row, variant in enumerate(settings["variants"]):
        look = looks[variant["name"]]
        if row % 2:
            ax.axhspan(row - 0.5, row + 0.5, color="#f5f5f5", linewidth=0, zorder=0)
        shares = table.loc[table["variant"] == variant["name"], column].to_numpy()
        summary = mean_interval(shares)  # of shares: rounded as the tables round it
        values, mean, half = 100 * shares, 100 * summary["mean"], 100 * (summary["high"] - summary["mean"])
        jitter = (rng.permutation(len(values)) - (len(values) - 1) / 2) / max(len(values), 6) * 0.26
        many, shrunk = len(values) > FEW, min((FEW / len(values)) ** 0.5, 1)
        ax.plot(values, row + 0.25 + jitter, linestyle="none", marker="o" if many else look.marker, markersize=max(4 * shrunk, 1.2),
                color=look.colour, alpha=max(0.75 * shrunk, 0.2), markeredgecolor="none" if many else "white", markeredgewidth=0.3,
                rasterized=many, label=f"_seeds:{variant['name']}")  # fmt: skip
        if np.isfinite(half):
            ax.plot([mean - half, mean + half], [row + MEAN_AT] * 2, color=style.INK, linewidth=1.4, solid_capstyle="butt",
                    label=f"_interval:{variant['name']}")  # fmt: skip
        ax.plot([mean], [row + MEAN_AT], linestyle="none", label=f"_mean:{variant['name']}", **MEAN)
        if variant["name"] == settings["baseline"]:
            ax.axvline(mean, zorder=0.8, label="_baseline", **BASELINE)
        digits = _digits(table[column])
        text = f"{mean:.{digits}f}" + (f" ± {half:.{digits}f}" if np.isfinite(half) else "")
        ax.annotate(text, (1.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=6.5, annotation_clip=False)
    _limit(ax)
    _draw_published(ax, column, settings["variants"])
    if column == "confusion":
        _draw_references(ax, about(settings["references"], settings["pairs"][:1]))
    _mark_cut(ax)
    count = len(settings["variants"])
    ax.set_ylim(count - 0.5, -0.5)
    ax.set_yticks(range(count), [_row_label(looks[variant["name"]].label, count) for variant in settings["variants"]])
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))


def _limit(ax: Axes) -> None:
    """Show all points, and intervals as far as they leave the points apart: those of two seeds can be very long."""
    points = np.concatenate([line.get_xdata() for line in _lines(ax, "_seeds") + _lines(ax, "_mean")])
    ends = np.concatenate([points, *(line.get_xdata() for line in _lines(ax, "_interval"))])
    span = max(np.ptp(points), 0.1)
    low, high = max(ends.min(), points.min() - 0.5 * span), min(ends.max(), points.max() + 0.5 * span)
    margin = 0.06 * max(high - low, span)
    ax.set_xlim(low - margin, high + margin)


def _mark_cut(ax: Axes) -> None:
    """Arrows where intervals go on beyond the panel."""
    low, high = ax.get_xlim()
    for line in _lines(ax, "_interval"):
        (left, right), row = line.get_xdata(), line.get_ydata()[0]
        if left < low:
            ax.plot([low], [row], marker="<", color=style.INK, markersize=4, clip_on=False)
        if right > high:
            ax.plot([high], [row], marker=">", color=style.INK, markersize=4, clip_on=False)


def _lines(ax: Axes, kind: str) -> list[Line2D]:
    return [line for line in ax.lines if line.get_label().startswith(kind)]


def _draw_published(ax: Axes, column: str, variants: list[dict]) -> None:
    """A star in a variant's row; one too far away for the variants to be told apart beside it at the panel's edge, with its value."""
    values = {row: 100 * variant["published"][column] for row, variant in enumerate(variants) if variant.get("published")}
    low, high = ax.get_xlim()
    near = [value for value in values.values() if _reached(value, low, high)]
    margin = 0.03 * (high - low)
    ax.set_xlim(min([low, *(value - margin for value in near)]), max([high, *(value + margin for value in near)]))
    for row, value in values.items():
        place = row + PUBLISHED_AT
        if value in near:
            ax.plot([value], [place], label=f"_published:{variants[row]['name']}", **PUBLISHED)
            continue
        end, text, side = (0, f"← {value:.1f} ☆", "left") if value < low else (1, f"☆ {value:.1f} →", "right")
        ax.annotate(text, (end, place), xycoords=ax.get_yaxis_transform(), va="center", ha=side, fontsize=6.5, color=PUBLISHED["color"],
                    path_effects=style.HALO)  # fmt: skip


def _reached(value: float, low: float, high: float) -> bool:
    """Whether an axis from ``low`` to ``high`` may grow to show ``value`` without crowding what it shows."""
    return low - 0.5 * (high - low) < value < high + 0.5 * (high - low)


def _draw_references(ax: Axes, references: list[dict]) -> None:
    """What others reach, as a line; one too far away for the variants to be told apart beside it as an arrow at the panel's edge."""
    for reference in references:
        value, (low, high) = 100 * reference["confusion"], ax.get_xlim()
        if _reached(value, low, high):
            ax.axvline(value, zorder=0.8, label="_reference", **style.REFERENCE)
            margin = 0.03 * (high - low)
            ax.set_xlim(min(low, value - margin), max(high, value + margin))
        else:
            end, marker = (0, "<") if value < low else (1, ">")
            ax.plot([end], [0], transform=ax.transAxes, marker=marker, markersize=5, color=style.REFERENCE["color"], clip_on=False,
                    zorder=3, label="_reference")  # fmt: skip


def _digits(shares: pd.Series) -> int:
    return 2 if shares.max() - shares.min() < 0.2 else 1


def _row_label(label: str, count: int) -> str:
    return textwrap.fill(label, 26 if count > 6 else 22)


def row_height(settings: dict) -> float:
    """Inches that a row needs for its label."""
    rows = [_row_label(style.plain(variant.get("label") or variant["name"]), len(settings["variants"])) for variant in settings["variants"]]
    return max(0.45, 0.13 * max(text.count("\n") + 1 for text in rows) + 0.1)


def marks(settings: dict) -> dict:
    """What the marks mean, for ``legend.key_above``."""
    n = len(settings["seeds"])
    key = {"one seed": Line2D([], [], linestyle="none", marker="o", markersize=4, color=style.MUTED)}
    if n > 1:
        key[f"mean and 95 % t interval, n = {n} seeds"] = Line2D([], [], linewidth=1.4, **MEAN)
    else:
        key["n = 1: no interval"] = Line2D([], [], linestyle="none", **MEAN)
    baseline = next(variant for variant in settings["variants"] if variant["name"] == settings["baseline"])
    label = style.plain(baseline.get("label") or baseline["name"])
    key[f"mean of {textwrap.shorten(label, 40, placeholder='…')}"] = Line2D([], [], **BASELINE)
    if any(variant.get("published") for variant in settings["variants"]):
        key["published, one run"] = Line2D([], [], **PUBLISHED)
    references = about(settings["references"], settings["pairs"][:1])
    key |= {style.reference_label(reference): Line2D([], [], **style.REFERENCE) for reference in references}
    return key


def titles(settings: dict) -> dict[str, str]:
    """Title of the panel of each column."""
    a, b = map(style.class_name, settings["pairs"][0])
    where = settings["evaluated_on"].capitalize()
    return {
        "accuracy": f"{where} accuracy (%), higher is better",
        "confusion": style.wrapped(f"{a}–{b} confusion (%), lower is better", 44),
    }


def from_files(files: dict[str, Path], settings: dict) -> Figure:
    """``figure`` of ``runs``."""
    return figure(Runs.declared(files["runs"], settings).measures(settings["pairs"][0]), settings)


def figure(table: pd.DataFrame, settings: dict) -> Figure:
    """Both measures side by side.

    Args:
        table: ``Runs.measures`` of the model after the last epoch.
        settings: the keys that ``catalogue`` lists.
    """
    looks = style.looks(settings["variants"])
    page = style.new_page(style.WIDTH, row_height(settings) * len(settings["variants"]) + 0.9)
    axes = page.subplots(1, 2, sharey=True)
    for ax, (column, title) in zip(axes, titles(settings).items(), strict=True):
        draw_variants(ax, table, column, settings, looks)
        ax.set_title(title)
    style.footer(page, style.origin(settings), judged_on(table, settings), "model after the last epoch", numbers_note(settings))
    legend.key_above(page, marks(settings))
    return page


def numbers_note(settings: dict) -> str:
    """What the numbers beside the rows mean, for the footer."""
    return "numbers: mean ± half of its interval" if len(settings["seeds"]) > 1 else ""


def judged_on(table: pd.DataFrame, settings: dict) -> str:
    """Which images, and how many."""
    return counted(int(table["images"].iloc[0]), f"{settings['evaluated_on']} image")
