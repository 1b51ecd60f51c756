"""Training curves: loss, accuracy and confusion of the pair by epoch."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hardpair.figures import reading
from hardpair.figures.drawing import bands, legend, lines, style
from hardpair.measures.metric_names import about

read = reading.of_runs("epochs")

SPIKE = 300  # a loss whose range is wider is drawn on a logarithmic axis: a run came close to diverging
ZOOM_FROM = 10  # epochs; of longer runs the last half is shown again, larger


def panels(table: pd.DataFrame, pair: list[str]) -> list[tuple[str, str, float]]:
    """(column, title, factor) of what the runs recorded; without validation images only training is left."""
    a, b = map(style.class_name, pair)
    if table["validation_accuracy"].notna().any():
        shown = [("validation_accuracy", "Validation accuracy (%)", 100)]
        if table["confusion"].notna().any():
            shown.append(("confusion", style.wrapped(f"{a}–{b} confusion (%)", 28), 100))
    else:
        shown = [("train_accuracy", "Training accuracy (%)", 100)]
    return [*shown, ("train_loss", "Training loss (each variant's own)", 1)]


def draw_course(ax: Axes, table: pd.DataFrame, column: str, looks: dict, factor: float = 1) -> dict:
    """One quantity by epoch; dotted verticals where the learning rate drops. Returns the line of each variant."""
    for epoch in learning_rate_drops(table):
        ax.axvline(epoch + 0.5, color=style.MUTED, linewidth=0.7, linestyle=(0, (1, 2)), zorder=0.5)
    drawn = lines.draw_lines(ax, table, column, looks, factor)
    values = table[column].dropna()
    if column == "train_loss" and values.min() > 0 and values.max() / values.min() > SPIKE:
        ax.set_yscale("log")
        lines.log_axis(ax.yaxis)
    elif factor == 100 and drawn:
        lines.share_limits(ax, "y", *ax.get_ylim())
    return drawn


def draw_references(ax: Axes, column: str, settings: dict) -> None:
    """What others reach in the confusion of the first pair, as labelled lines."""
    for reference in about(settings["references"], settings["pairs"][:1]) if column == "confusion" else []:
        value = 100 * reference["confusion"]
        ax.axhline(value, zorder=0.8, label="_reference", **style.REFERENCE)
        low, high = ax.get_ylim()
        lines.share_limits(ax, "y", min(low, value - 0.05 * (high - value)), max(high, value + 0.05 * (value - low)))
        # At the left, where an untrained network's courses are far above it.
        ax.annotate(style.reference_label(reference), (0.015, value), xycoords=("axes fraction", "data"), xytext=(0, 1.5),
                    textcoords="offset points", fontsize=6.5, color=style.REFERENCE["color"], path_effects=style.HALO)  # fmt: skip


def learning_rate_drops(table: pd.DataFrame) -> list[int]:
    """Epochs after which the learning rate of all variants drops by the schedule ``steps``."""
    found = []
    for _, rows in table.groupby("variant"):
        rates = rows[rows["schedule"] == "steps"].drop_duplicates("epoch").sort_values("epoch")
        found.append({int(epoch) - 1 for epoch in rates.loc[rates["learning_rate"].diff() < 0, "epoch"]})
    return sorted(set.intersection(*found))


def drops_note(table: pd.DataFrame) -> str:
    """What dotted verticals mean, for the footer, if there are any."""
    return "dotted vertical: the learning rate drops" if learning_rate_drops(table) else ""


def figure(table: pd.DataFrame, settings: dict) -> Figure:
    """Courses of all variants, and below them their last half where runs are long enough.

    Args:
        table: ``Runs.epochs``.
    """
    looks, shown = style.looks(settings["variants"]), panels(table, settings["pairs"][0])
    last = int(table["epoch"].max())
    parts = [table] if last < ZOOM_FROM else [table, table[table["epoch"] > last // 2]]
    page = style.new_page(style.WIDTH, 2.3 * len(parts) + 0.3)
    axes = page.subplots(len(parts), len(shown), squeeze=False)
    for row, part in zip(axes, parts, strict=True):
        for ax, (column, title, factor) in zip(row, shown, strict=True):
            drawn = draw_course(ax, part, column, looks, factor)
            if part is table:
                draw_references(ax, column, settings)
            ax.set_title(title if part is table else f"last {last - last // 2} epochs", color=style.INK if part is table else style.MUTED)
            if part is table and len(parts) > 1:
                ax.set_xlabel("")
    page.align_ylabels()
    held_out = "accuracy and confusion on validation images" if shown[0][0] == "validation_accuracy" else ""
    style.footer(page, settings, bands.note(settings), held_out, drops_note(table))
    legend.name_lines(page, axes[0, -1], drawn, looks)
    return page
