"""What the focal weights did: their mean, the scale of the loss, how many images bear them, and how much of them lies on the pair."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hardpair.comparison.runs import Runs
from hardpair.figures import bands, legend, lines, style

PANELS = {
    "loss_mean_weight": ("Mean weight, loss", 1),
    "loss_scale": ("Scale of the loss", 1),
    "loss_effective_share": ("Effective share of images, loss (%)", 100),
    "loss_pair_share": ("Weight on {}, loss (%)", 100),
    "sampler_mean_weight": ("Mean weight, sampler", 1),
    "sampler_distinct_share": ("Distinct images of an epoch, sampler (%)", 100),
    "sampler_effective_share": ("Effective share of images, sampler (%)", 100),
    "sampler_pair_share": ("Weight on {}, sampler (%)", 100),
}
PUBLISHED = {"loss_mean_weight": "mean_weight", "loss_scale": "scale"}  # what variants.published calls them


def present(table: pd.DataFrame) -> list[str]:
    """Columns of ``Runs.refreshes`` that some variant has."""
    return [column for column in PANELS if table[column].notna().any()]


def draw_weight(ax: Axes, table: pd.DataFrame, column: str, settings: dict, looks: dict) -> dict:
    """One quantity of the weights at each refresh; the axis is logarithmic where the values span much. Returns the line of each variant."""
    title, factor = PANELS[column]
    drawn = lines.draw_lines(ax, table, column, looks, factor)
    if column in PUBLISHED:
        lines.draw_published(ax, PUBLISHED[column], settings, looks, factor)
    pair = " and ".join(map(style.class_name, settings["pairs"][0]))
    ax.set_title(style.wrapped(title.format(pair), 44))
    if factor == 1 and table[column].min() > 0 and table[column].max() / table[column].min() > 5:
        ax.set_yscale("log")
        lines.log_axis(ax.yaxis)
    return drawn


def from_files(files: dict[str, Path], settings: dict) -> Figure:
    """``figure`` of ``runs``."""
    return figure(Runs.declared(files["runs"], settings).refreshes(settings["pairs"][0]), settings)


def figure(table: pd.DataFrame, settings: dict) -> Figure:
    """A panel for each quantity that some variant has; a note where none has any.

    Args:
        table: ``Runs.refreshes``.
        settings: the keys that ``catalogue`` lists.
    """
    looks, columns = style.looks(settings["variants"]), present(table)
    having = {name for column in columns for name in table.loc[table[column].notna(), "variant"]}
    across = min(len(columns), 2) or 1
    page = style.new_page(style.WIDTH, 2.0 * (-(-len(columns) // across) or 0.5) + 0.4)
    if not columns:
        style.footer(page, style.origin(settings))
        note(page, "No variant of this study weighs images by difficulty.")
    if columns:
        axes = page.subplots(-(-len(columns) // across), across, squeeze=False)
        for ax, column in zip(axes.flat, columns, strict=False):
            drawn = draw_weight(ax, table, column, settings, looks)
        for ax in axes.flat[len(columns) :]:
            ax.set_visible(False)
        notes = bands.note(settings), "at each refresh of the weights", lines.published_note(page)
        style.footer(page, style.origin(settings), *notes)
        legend.name_lines(page, axes.flat[len(columns) - 1], drawn, {name: look for name, look in looks.items() if name in having})
    return page


def note(page: Figure, text: str) -> None:
    """A figure that has nothing to show says so."""
    ax = page.subplots()
    ax.set_axis_off()
    ax.text(0.5, 0.5, text, ha="center", va="center", color=style.MUTED)
