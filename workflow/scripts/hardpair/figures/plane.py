"""The plane of exponents: accuracy and confusion of the pair by the exponents of loss and sampler."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hardpair.figures import reading, variants
from hardpair.figures.drawing import style
from hardpair.measures.intervals import FEWEST, shown_interval
from hardpair.measures.metric_names import BETTER, decimal

read = reading.of_runs("measures")

COLOURS = {"accuracy": "Blues", "confusion": "Blues_r"}  # darker is better


def draw_plane(ax: Axes, table: pd.DataFrame, column: str, places: dict[tuple[float, float], str]) -> None:
    """A cell per variant, coloured by its mean: the mean and below it its 95 % t interval, in per cent.

    Args:
        table: ``Runs.measures``; ``column`` is accuracy or confusion, a share.
        places: name of the variant at (loss exponent, sampler exponent).
    """
    down, across = (sorted({place[axis] for place in places}) for axis in (0, 1))
    cells = {place: shown_interval(100 * table.loc[table["variant"] == name, column].to_numpy()) for place, name in places.items()}
    means = [cell["mean"] for cell in cells.values()]
    # Half of the scale's range stays unused, so that small differences do not look like all or nothing.
    spread = max(max(means) - min(means), 0.1)
    norm, colours = Normalize(min(means) - 0.5 * spread, max(means) + 0.5 * spread), colormaps[COLOURS[column]]
    framed = best_cells(table, column, places)
    for place, cell in cells.items():
        x, y = across.index(place[1]), down.index(place[0])
        colour = colours(norm(cell["mean"]))
        ax.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=1))
        if place in framed:
            style.frame(ax, x, y)
        interval = f"\n{decimal(cell['low'], 1, signed=False)}–{decimal(cell['high'], 1, signed=False)}" if np.isfinite(cell["low"]) else ""
        text = f"{decimal(cell['mean'], 1, signed=False)}{interval}"
        ax.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=8, color=style.ink_on(colour), zorder=4, linespacing=1.3)
    ax.set(xlim=(0, len(across)), ylim=(0, len(down)), xlabel="exponent of the sampler")
    ax.set_xticks(np.arange(len(across)) + 0.5, [f"{value:g}" for value in across])
    ax.set_yticks(np.arange(len(down)) + 0.5, [f"{value:g}" for value in down])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def best_cells(table: pd.DataFrame, column: str, places: dict[tuple[float, float], str]) -> set[tuple[float, float]]:
    """The cell of the best mean, and all whose paired difference from it has a 95 % t interval with 0 in it: runs do not distinguish them.

    With fewer than ``FEWEST`` seeds, which have no interval, the cell of the best mean alone.
    """
    values = {place: table[table["variant"] == name].set_index("seed")[column] for place, name in places.items()}
    sign = BETTER[column]
    best = max(values, key=lambda place: sign * values[place].mean())
    differences = {place: shown_interval((series - values[best]).dropna().to_numpy()) for place, series in values.items() if place != best}
    return {best} | {place for place, difference in differences.items() if difference["low"] <= 0 <= difference["high"]}


def figure(table: pd.DataFrame, settings: dict) -> Figure:
    """Accuracy and confusion side by side.

    Args:
        table: ``Runs.measures`` of the model after the last epoch.
    """
    places = {(of_loss, of_sampler): name for name, of_loss, of_sampler in settings["plane"]}
    rows = len({place[0] for place in places})
    page = style.new_page(style.WIDTH, 0.62 * rows + 1.1)
    axes = page.subplots(1, 2, sharey=True)
    for ax, (column, title) in zip(axes, variants.titles(page, settings).items(), strict=True):
        draw_plane(ax, table, column, places)
        ax.set_title(title)
    axes[0].set_ylabel("exponent of the loss")
    n = len(settings["seeds"])
    cells = f"mean and 95 % t interval, n = {n} seeds" if n >= FEWEST else f"n = {n}: no interval"
    framed = "framed: the best mean" + (", and what is not distinguished from it (paired 95 % t interval)" if n >= FEWEST else "")
    style.footer(page, settings, variants.images_note(table, settings), "model after the last epoch", cells, "darker is better", framed)
    return page
