"""Mean confusion matrices, one per variant."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hardpair.comparison.runs import Runs
from hardpair.figures.drawing import fitting, style
from hardpair.measures.confusion import pair_rates
from hardpair.measures.metric_names import decimal

ALL_UP_TO, SOME = 20, 12  # classes: all are shown up to so many, else so many of the most confused pairs
FEWEST, NAME = 8, 24  # cells that a matrix is at least as wide as; characters of a name that are shown
COLOURS = "Blues"  # of errors
CORRECT = "#efefef"


def row_shares(counts: np.ndarray) -> np.ndarray:
    """Mean over seeds of the share of each true class called each class: (S, C, C) counts to (C, C); NaN for a class without images."""
    with np.errstate(invalid="ignore"):
        return (counts / counts.sum(-1, keepdims=True)).mean(0)


def chosen_classes(matrices: dict[str, np.ndarray], pair: tuple[int, int]) -> list[int]:
    """Labels to show, in order: all, or those of the pair and of the pairs that are confused most on average over variants and runs."""
    classes = next(iter(matrices.values())).shape[-1]
    if classes <= ALL_UP_TO:
        return list(range(classes))
    rates = np.mean([pair_rates(matrix) for counts in matrices.values() for matrix in counts], axis=0)
    first, second = np.triu_indices(classes, k=1)
    chosen = set(pair)
    for place in np.argsort(-rates[first, second], kind="stable"):
        if len(chosen | {first[place], second[place]}) > SOME:
            break
        chosen |= {int(first[place]), int(second[place])}
    return sorted(chosen)


def draw_confusion(ax: Axes, shares: np.ndarray, names: list[str], pair: tuple[int, int], norm: Normalize) -> None:
    """One matrix: errors in colour, shares correct on grey, the cells of the pair framed.

    Args:
        shares: (C, C) shares of the true class (row); ``names`` and ``pair`` (labels) belong to these rows.
    """
    percent = 100 * shares
    errors = np.ma.masked_where(np.eye(len(names), dtype=bool), percent)
    mesh = ax.pcolormesh(errors, norm=norm, cmap=COLOURS, edgecolors="white", linewidth=0.4)
    for label, value in enumerate(np.diag(percent)):
        ax.add_patch(Rectangle((label, label), 1, 1, facecolor=CORRECT, edgecolor="white", linewidth=0.4))
        _write(ax, label, label, value, style.ink_on(to_rgb(CORRECT)))
    for (row, column), value in np.ndenumerate(percent):
        if row != column and np.isfinite(value) and value >= 0.5:
            _write(ax, row, column, value, style.ink_on(mesh.to_rgba(value)))
    for row, column in (pair, pair[::-1]):
        style.frame(ax, column, row)
    ax.set_aspect("equal")
    ax.set_ylim(len(names), 0)
    ax.tick_params(length=0)
    places, shown = np.arange(len(names)) + 0.5, [style.shortened(style.class_name(name), NAME) for name in names]
    ax.set_xticks(places, shown, rotation=90)
    ax.set_yticks(places, shown)
    ax.spines[:].set_visible(False)


def _write(ax: Axes, row: int, column: int, value: float, colour: str) -> None:
    text = "–" if np.isnan(value) else decimal(value, 1, signed=False)
    if len(text) > len("9.9"):
        text = decimal(value, 0, signed=False)
    ax.text(column + 0.5, row + 0.52, text, ha="center", va="center", fontsize=5.6, color=colour)


def read(files: dict[str, Path], settings: dict) -> tuple[list[str], dict[str, np.ndarray]]:
    """Class names and counts of ``runs``."""
    return Runs.declared(files["runs"], settings).confusions()


def figure(classes: list[str], matrices: dict[str, np.ndarray], settings: dict) -> Figure:
    """Small multiples, two to four in a row, with one colour scale.

    Args:
        classes: names in label order.
        matrices: for each variant counts (seeds, C, C), row = true class.
    """
    looks = style.looks(settings["variants"])
    pair = tuple(classes.index(name) for name in settings["pairs"][0])
    chosen = chosen_classes(matrices, pair)
    names, inner = [classes[label] for label in chosen], (chosen.index(pair[0]), chosen.index(pair[1]))
    shares = {name: row_shares(counts)[np.ix_(chosen, chosen)] for name, counts in matrices.items()}
    off = ~np.eye(len(chosen), dtype=bool)
    norm = Normalize(0, max(np.nanmax(100 * values[off], initial=1) for values in shares.values()))

    count = len(matrices)
    columns = count if count < 3 else 2 if count == 4 else 3 if count <= 6 or count == 9 else 4
    rows = -(-count // columns)
    longest = min(max(map(len, names)), NAME)
    cells = 0.235 * max(len(names), FEWEST)
    side = cells + 0.055 * longest + 0.35  # inches: cells, names, the axis's label
    page = style.new_page(max(columns * side + 0.8, 4.6), rows * (side + 0.2) + 0.5)
    axes = style.grid(page, count, columns, "predicted class", "true class")
    for ax, (name, values) in zip(axes, shares.items(), strict=True):
        draw_confusion(ax, values, names, inner, norm)
        ax.set_title(fitting.wrapped(page, looks[name].label, cells, 8))
    bar = page.colorbar(ScalarMappable(norm, COLOURS), ax=axes, shrink=0.6 / rows**0.5, aspect=25, pad=0.02)
    bar.set_label("called another (% of true class)")
    bar.outline.set_visible(False)
    n, images = len(settings["seeds"]), int(next(iter(matrices.values()))[0].sum())
    style.footer(
        page,
        settings,
        style.evaluated(images, settings),
        "model after the last epoch",
        f"cells: % of the true class, mean of n = {n} seeds" if n > 1 else "cells: % of the true class, one seed",
        f"framed: {' and '.join(name.replace('_', ' ') for name in settings['pairs'][0])}",
        "grey: correct; empty: below 0.5 %",
        f"{len(chosen)} of {len(classes)} classes: those of the most confused pairs" if len(chosen) < len(classes) else "",
    )
    return page
