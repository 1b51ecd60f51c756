"""Training at a glance: what the variants reach, how training went, what the weights did."""

import pandas as pd
from matplotlib.figure import Figure

from hardpair.figures import curves, difficulty, reading, variants, weights
from hardpair.figures.drawing import bands, legend, style

read = reading.of_runs("measures", "epochs", "refreshes", "difficulty")

WEIGHTS = ("loss_scale", "sampler_mean_weight", "loss_mean_weight")  # the most informative first


def figure(measures: pd.DataFrame, epochs: pd.DataFrame, refreshes: pd.DataFrame, shares: pd.DataFrame, settings: dict) -> Figure:
    """Measures by variant above; below them courses of training, and of weights and difficulty.

    Args:
        measures, epochs, refreshes, shares: ``measures`` (last model), ``epochs``, ``refreshes`` and ``difficulty`` of ``Runs``.
    """
    looks = style.looks(settings["variants"])
    page = style.new_page(style.WIDTH, 1)
    high, low = variants.height(page, settings, looks) + 0.15, 4.3
    page.set_figheight(high + low)
    halves = page.add_gridspec(2, 1)
    top, bottom = map(page.add_subfigure, halves)
    variants.draw_measures(top, measures, settings, looks)

    # At most two courses of the weights, as far as variants have them; shares of hard and easy images in the panels left.
    courses = curves.panels(epochs, settings["pairs"][0])
    of_weights = [column for column in WEIGHTS if column in weights.present(refreshes)][:2]
    below = of_weights + ["hard", "easy"][: max(len(courses) - len(of_weights), 1)]
    rows = [
        [bottom.add_subplot(place) for place in row.subgridspec(1, count)]
        for row, count in zip(bottom.add_gridspec(2, 1), (len(courses), len(below)), strict=True)
    ]
    for ax, (column, title, factor) in zip(rows[0], courses, strict=True):
        curves.draw_course(ax, epochs, column, looks, factor)
        curves.draw_references(ax, column, settings)
        ax.set_title(title, wrap=True)
    for ax, column in zip(rows[1], below, strict=True):
        if column in of_weights:
            weights.draw_weight(ax, refreshes, column, settings, looks)
        else:
            difficulty.draw_share(ax, shares, column, settings, looks)
    for letter, ax in zip("abcdefgh", page.axes, strict=False):
        ax.set_title(f"{letter}   {ax.get_title('left')}", loc="left")

    held_out = f"{', '.join('cd'[: len(courses) - 1])}: validation images" if courses[0][0] == "validation_accuracy" else ""
    style.footer(
        page,
        settings,
        f"a, b: {variants.images_note(measures, settings)}, model after the last epoch",
        variants.numbers_note(settings),
        held_out,
        bands.note(settings),
        curves.drops_note(epochs),
    )
    high += legend.put_above(top, variants.marks(settings, looks))
    low += legend.variants_above(bottom, looks)
    halves.set_height_ratios((high, low))
    return page
