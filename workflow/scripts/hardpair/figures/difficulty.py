"""Shares of easy and hard training images by epoch."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hardpair.figures import reading
from hardpair.figures.drawing import bands, legend, lines, style

read = reading.of_runs("difficulty")


def draw_share(ax: Axes, table: pd.DataFrame, column: str, settings: dict, looks: dict) -> dict:
    """Share of ``column``, easy or hard, in per cent by epoch. Returns the line of each variant."""
    drawn = lines.draw_lines(ax, table, column, looks, 100)
    lines.draw_published(ax, column, settings, looks, 100)
    sign = ">" if column == "easy" else "<"
    ax.set_title(f"{column.capitalize()} images, pₜ {sign} {settings['difficulty'][column]:g} (%)")
    ax.set_ylim(bottom=0)
    return drawn


def figure(table: pd.DataFrame, settings: dict) -> Figure:
    """Easy and hard side by side.

    Args:
        table: ``Runs.difficulty``.
    """
    looks = style.looks(settings["variants"])
    page = style.new_page(style.WIDTH, 2.7)
    axes = page.subplots(1, 2, sharey=True)
    for ax, column in zip(axes, ("easy", "hard"), strict=True):
        drawn = draw_share(ax, table, column, settings, looks)
        ax.tick_params(labelleft=True)
    axes[0].set_ylim(0, 100)
    images = "training images, model in evaluation mode, not augmented"
    style.footer(page, settings, bands.note(settings), images, lines.published_note(page))
    legend.name_lines(page, axes[-1], drawn, looks)
    return page
