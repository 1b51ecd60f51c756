"""What the focal weights did: their mean, the scale of the loss, and how many images the sampler really uses."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hardpair.figures import legend, lines, style

PANELS = {
    "loss_mean_weight": ("Mean weight, loss", 1),
    "loss_scale": ("Scale of the loss", 1),
    "sampler_mean_weight": ("Mean weight, sampler", 1),
    "sampler_effective_share": ("Effective share of images (%)", 100),
}


def present(table: pd.DataFrame) -> list[str]:
    """Columns of ``Runs.refreshes`` that some variant has."""
    return [column for column in PANELS if table[column].notna().any()]


def draw_weight(ax: Axes, table: pd.DataFrame, column: str, looks: dict) -> dict:
    """One quantity of the weights at each refresh; the axis is logarithmic where the values span much. Returns the line of each variant."""
    title, factor = PANELS[column]
    drawn = lines.draw_lines(ax, table, column, looks, factor)
    ax.set_title(title)
    if factor == 1 and table[column].min() > 0 and table[column].max() / table[column].min() > 5:
        ax.set_yscale("log")
        lines.log_axis(ax.yaxis)
    return drawn


def figure(table: pd.DataFrame, settings: dict) -> Figure:
    """A panel for each quantity that some variant has; a note where none has any.

    Args:
        table: ``Runs.refreshes``.
        settings: study, variants, seeds.
    """
    looks, columns = style.looks(settings["variants"]), present(table)
    having = {name for column in columns for name in table.loc[table[column].notna(), "variant"]}
    across = min(len(columns), 2) or 1
    page = style.new_page(style.WIDTH, 2.3 * (-(-len(columns) // across) or 0.5) + 0.3)
    if not columns:
        note(page, "No variant of this study weighs images by difficulty.")
    style.footer(
        page, style.origin(settings), style.range_note(settings) if columns else "", "at each refresh of the weights" if columns else ""
    )
    if columns:
        axes = page.subplots(-(-len(columns) // across), across, squeeze=False)
        for ax, column in zip(axes.flat, columns, strict=False):
            drawn = draw_weight(ax, table, column, looks)
        for ax in axes.flat[len(columns) :]:
            ax.set_visible(False)
        legend.name_lines(page, axes.flat[len(columns) - 1], drawn, {name: look for name, look in looks.items() if name in having})
    return page


def note(page: Figure, text: str) -> None:
    """A figure that has nothing to show says so."""
    ax = page.subplots()
    ax.set_axis_off()
    ax.text(0.5, 0.5, text, ha="center", va="center", color=style.MUTED)
