"""What the focal weights did: their mean, the scale of the loss, how many images have most of it, and what share the pair has."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hardpair.figures import reading
from hardpair.figures.drawing import bands, legend, lines, style

read = reading.of_runs("refreshes")

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


def figure(table: pd.DataFrame, settings: dict) -> Figure:
    """A panel for each quantity that some variant has; a note where none has any.

    Args:
        table: ``Runs.refreshes``.
    """
    looks, columns = style.looks(settings["variants"]), present(table)
    if not columns:
        page = style.new_page(style.WIDTH, 1.4)
        style.footer(page, settings)
        page.text(0.5, 0.5, "No variant of this study weighs images by difficulty.", ha="center", va="center", color=style.MUTED)
        return page
    across = min(len(columns), 2)
    down = -(-len(columns) // across)
    page = style.new_page(style.WIDTH, 2.0 * down + 0.4)
    axes = page.subplots(down, across, squeeze=False).flat
    for ax, column in zip(axes, columns, strict=False):
        drawn = draw_weight(ax, table, column, settings, looks)
    for ax in axes[len(columns) :]:
        ax.set_visible(False)
    style.footer(page, settings, bands.note(settings), "at each refresh of the weights", lines.published_note(page))
    weighting = set(table.loc[table[columns].notna().any(axis=1), "variant"])
    legend.name_lines(page, axes[len(columns) - 1], drawn, {name: look for name, look in looks.items() if name in weighting})
    return page
