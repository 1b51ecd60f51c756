"""Reliability diagrams: how often the models are right at each confidence."""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hardpair.comparison.runs import Runs
from hardpair.figures import bands, legend, style
from hardpair.measures.intervals import mean_interval
from hardpair.wording import counted

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
    told = bands.over_seeds(groups["accuracy"], table["seed"].nunique()).assign(confidence=groups["confidence"].mean())
    told = told.where(groups["count"].mean() >= FEWEST)
    return told.assign(share=groups["count"].sum() / table["count"].sum())


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
    ax.plot(kept["confidence"], kept["mean"], color=look.colour, linestyle=look.dashes, marker=look.marker, markeredgecolor="white",
            markeredgewidth=0.3, label=look.label)  # fmt: skip
    ax.set(xlim=(0, 100), ylim=(0, 100), box_aspect=1, xticks=range(0, 101, 25), yticks=range(0, 101, 25))
    ax.grid()


def error_told(table: pd.DataFrame) -> str:
    """Calibration error of one variant: its mean over seeds, and half the width of its 95 % t interval."""
    told = mean_interval(100 * table.drop_duplicates("seed")["ece"].to_numpy())
    half = told["high"] - told["mean"]
    return f"ECE {told['mean']:.1f}" + (f" ± {half:.1f} %" if np.isfinite(half) else " %")


def from_files(files: dict[str, Path], settings: dict) -> Figure:
    """``figure`` of ``runs``."""
    return figure(Runs.declared(files["runs"], settings).reliability(), settings)


def figure(table: pd.DataFrame, settings: dict) -> Figure:
    """A panel for each variant, the baseline's course in each.

    Args:
        table: ``Runs.reliability`` of the model after the last epoch.
        settings: the keys that ``catalogue`` lists.
    """
    looks, names = style.looks(settings["variants"]), [variant["name"] for variant in settings["variants"]]
    parts = {name: table[table["variant"] == name] for name in names}
    bins = {name: by_bin(part) for name, part in parts.items()}
    columns = 3 if len(names) in (5, 6, 9) else min(len(names), 4)
    rows, side = -(-len(names) // columns), style.WIDTH / max(columns, 3)
    width = max(columns * side, 0.65 * style.WIDTH)
    lines = max(_title(looks[name].label, "").count("\n") for name in names)
    page = style.new_page(width, rows * (side + 0.13 * (lines + 2)) + 0.6)
    axes = page.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for ax in axes.flat[len(names) :]:
        ax.set_visible(False)
    for place, (ax, name) in enumerate(zip(axes.flat, names, strict=False)):
        draw_reliability(ax, bins[name], looks[name], None if name == settings["baseline"] else bins[settings["baseline"]])
        ax.set_title(_title(looks[name].label, error_told(parts[name])))
        if place % columns == 0:
            ax.set_ylabel("classified correctly (%)")
        if place + columns >= len(names):
            ax.set_xlabel("confidence (%)")
            ax.tick_params(labelbottom=True)
    images = int(parts[names[0]].groupby("seed")["count"].sum().iloc[0])
    n = len(settings["seeds"])
    style.footer(
        page,
        style.origin(settings),
        counted(images, f"{settings['evaluated_on']} image"),
        "model after the last epoch",
        bands.note(settings),
        f"ECE: calibration error{f', mean ± half its 95 % t interval, n = {n} seeds' if n > 1 else ''}",
        f"bins of fewer than {FEWEST} images are left out",
    )
    key = {"as often right as confident": Line2D([], [], **PERFECT)}
    if len(names) > 1:
        key[textwrap.shorten(looks[settings["baseline"]].label, 40, placeholder="…")] = Line2D([], [], **BASELINE)
    key["share of images"] = Patch(color=style.FAINT)
    legend.key_above(page, key)
    return page


def _title(label: str, error: str) -> str:
    return f"{style.wrapped(label, 26)}\n{error}"
