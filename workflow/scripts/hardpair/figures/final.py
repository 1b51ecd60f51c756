"""The final figure: what the variants reach, how training went, what the weights did."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.gridspec import SubplotSpec

from hardpair.comparison.runs import Runs
from hardpair.figures import bands, curves, difficulty, legend, style, variants, weights

WEIGHTS = ("loss_scale", "sampler_mean_weight", "loss_mean_weight")  # what tells most first


def from_files(files: dict[str, Path], settings: dict) -> Figure:
    """``figure`` of ``runs``."""
    runs, pair = Runs.declared(files["runs"], settings), settings["pairs"][0]
    tables = runs.measures(pair), runs.epochs(pair), runs.refreshes(pair), runs.difficulty(**settings["difficulty"])
    return figure(*tables, settings)


def figure(measures: pd.DataFrame, epochs: pd.DataFrame, refreshes: pd.DataFrame, shares: pd.DataFrame, settings: dict) -> Figure:
    """Measures by variant above; below them courses of training, and of weights and difficulty.

    Args:
        measures, epochs, refreshes, shares: ``measures`` (last model), ``epochs``, ``refreshes`` and ``difficulty`` of ``Runs``.
        settings: the keys that ``catalogue`` lists.
    """
    looks = style.looks(settings["variants"])
    high = variants.row_height(settings) * len(settings["variants"]) + 0.7
    low = 4.3
    page = style.new_page(style.WIDTH, high + low)
    halves = page.add_gridspec(2, 1)
    top, bottom = page.add_subfigure(halves[0]), page.add_subfigure(halves[1])

    axes = list(top.subplots(1, 2, sharey=True))
    for ax, (column, title) in zip(axes, variants.titles(settings).items(), strict=True):
        variants.draw_variants(ax, measures, column, settings, looks)
        ax.set_title(title)
    courses = curves.panels(epochs, settings["pairs"][0])
    upper, lower = bottom.add_gridspec(2, 1)
    axes += _draw_courses(bottom, upper, courses, epochs, settings, looks)
    axes += _draw_weights(bottom, lower, len(courses), refreshes, shares, settings, looks)
    for letter, ax in zip("abcdefgh", axes, strict=False):
        ax.set_title(f"{letter}   {ax.get_title('left')}", loc="left")

    held_out = f"{', '.join('cd'[: len(courses) - 1])}: validation images" if courses[0][0] == "validation_accuracy" else ""
    style.footer(
        page,
        style.origin(settings),
        f"a, b: {variants.judged_on(measures, settings)}, model after the last epoch",
        variants.numbers_note(settings),
        held_out,
        bands.note(settings),
        curves.drops_note(epochs),
    )
    high += legend.key_above(top, variants.marks(settings))
    low += legend.legend_above(bottom, looks)
    halves.set_height_ratios((high, low))
    return page


def _draw_courses(half: SubFigure, row: SubplotSpec, courses: list, epochs: pd.DataFrame, settings: dict, looks: dict) -> list[Axes]:
    """Training by epoch, a panel for each of ``curves.panels``."""
    axes = []
    for place, (column, title, factor) in zip(row.subgridspec(1, len(courses)), courses, strict=True):
        axes.append(half.add_subplot(place))
        curves.draw_course(axes[-1], epochs, column, looks, factor)
        curves.draw_references(axes[-1], column, settings)
        axes[-1].set_title(title, wrap=True)
    return axes


def _draw_weights(
    half: SubFigure, row: SubplotSpec, panels: int, refreshes: pd.DataFrame, shares: pd.DataFrame, settings: dict, looks: dict
) -> list[Axes]:
    """At most two courses of the weights, as far as variants have them, and shares of hard and easy images in the panels left."""
    chosen = [column for column in WEIGHTS if column in weights.present(refreshes)][:2]
    kinds = chosen + ["hard", "easy"][: max(panels - len(chosen), 1)]
    axes = []
    for place, kind in zip(row.subgridspec(1, len(kinds)), kinds, strict=True):
        axes.append(half.add_subplot(place))
        if kind in chosen:
            weights.draw_weight(axes[-1], refreshes, kind, settings, looks)
        else:
            difficulty.draw_share(axes[-1], shares, kind, settings, looks)
    return axes
