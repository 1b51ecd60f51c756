"""Reliability diagrams: how often the models are right at each confidence."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hardpair.figures import reading
from hardpair.figures.drawing import bands, fitting, legend, style
from hardpair.measures import intervals
from hardpair.measures.metric_names import percent

read = reading.of_runs("reliability")

FEWEST = 10  # images of a bin, on average over seeds, for it to be drawn
HIGH = 18  # per cent of the panel's height: the tallest bar of images
PERFECT = {"color": style.MUTED, "linewidth": 0.7, "linestyle": (0, (4, 2))}
BASELINE = {"color": style.MUTED, "linewidth": 0.9}


def by_bin(table: pd.DataFrame) -> pd.DataFrame:
    """One variant over its seeds, by bin: ``share`` of images, and accuracy (``mean``, ``low``, ``high``) by ``confidence``.

    Args:
        table: rows of ``Runs.reliability`` of the variant.

    Returns:
        Shares; all but ``share`` are NaN in bins of fewer than ``FEWEST`` images.
    """
    groups = table.groupby("bin")
    bins = bands.over_seeds(groups["accuracy"], table["seed"].nunique()).assign(confidence=groups["confidence"].mean())
    return bins.where(groups["count"].mean() >= FEWEST).assign(share=groups["count"].sum() / table["count"].sum())


def draw_reliability(ax: Axes, bins: pd.DataFrame, look: style.Look, baseline: pd.DataFrame | None = None) -> None:
    """Accuracy over confidence of one variant in per cent, the share of images at each confidence as bars below.

    Args:
        bins: ``by_bin`` of the variant.
        baseline: ``by_bin`` of another one to draw faintly.
    """
    width = 100 / len(bins)
    ax.bar((bins.index + 0.5) * width, HIGH * bins["share"] / bins["share"].max(), 0.86 * width, color=style.FAINT, zorder=0.6)
    ax.plot([0, 100], [0, 100], zorder=0.8, **PERFECT)
    if baseline is not None:
        ax.plot(100 * baseline["confidence"], 100 * baseline["mean"], label="_baseline", **BASELINE)
    kept = 100 * bins.dropna()
    ax.fill_between(kept["confidence"], kept["low"], kept["high"], color=look.colour, alpha=0.16, linewidth=0)
    ax.plot(kept["confidence"], kept["mean"], **look.line)
    ax.set(xlim=(0, 100), ylim=(0, 100), box_aspect=1, xticks=range(0, 101, 25), yticks=range(0, 101, 25))
    ax.grid()


def calibration_note(table: pd.DataFrame) -> str:
    """Calibration error of one variant: its mean over seeds and its 95 % t interval."""
    error = intervals.shown_interval(table.drop_duplicates("seed")["ece"].to_numpy())
    interval = f" ({percent(max(error['low'], 0), 1)}–{percent(error['high'], 1)})" if np.isfinite(error["low"]) else ""
    return f"ECE {percent(error['mean'], 1)} %{interval}"


def figure(table: pd.DataFrame, settings: dict) -> Figure:
    """A panel for each variant, the baseline's course in each.

    Args:
        table: ``Runs.reliability`` of the model after the last epoch.
    """
    looks = style.looks(settings["variants"])
    parts = {name: table[table["variant"] == name] for name in looks}
    bins = {name: by_bin(part) for name, part in parts.items()}
    columns = 3 if len(looks) in (5, 6, 9) else min(len(looks), 4)
    rows, side = -(-len(looks) // columns), style.WIDTH / max(columns, 3)
    page = style.new_page(max(columns * side, 0.65 * style.WIDTH), 1)
    titles = {name: fitting.wrapped(page, look.label, side - 0.5, 8) for name, look in looks.items()}
    lines = 1 + max(title.count("\n") for title in titles.values())
    page.set_figheight(rows * (side + 0.13 * (lines + 2)) + 0.6)
    baseline = settings["baseline"]
    for ax, name in zip(style.grid(page, len(looks), columns, "confidence (%)", "classified correctly (%)"), looks, strict=True):
        draw_reliability(ax, bins[name], looks[name], None if name == baseline else bins[baseline])
        ax.set_title(f"{titles[name]}\n{calibration_note(parts[name])}")
    n = len(settings["seeds"])
    style.footer(
        page,
        settings,
        style.evaluated(int(parts[baseline].groupby("seed")["count"].sum().iloc[0]), settings),
        "model after the last epoch",
        bands.note(settings),
        f"ECE: calibration error{f', mean and 95 % t interval, n = {n} seeds' if n >= intervals.FEWEST else ''}",
        f"bins of fewer than {FEWEST} images are left out",
    )
    handles = [Line2D([], [], label="perfect calibration", **PERFECT)]
    if len(looks) > 1:
        handles.append(Line2D([], [], label=style.shortened(looks[baseline].label, 40), **BASELINE))
    legend.put_above(page, [*handles, Patch(color=style.FAINT, label="share of images")])
    return page
