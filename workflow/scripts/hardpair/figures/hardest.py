"""The images of the pair that models most often call the other class."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hardpair.comparison.runs import Runs, pair_indices
from hardpair.data.arrays import load_part
from hardpair.errors import UserError
from hardpair.figures.drawing import fitting, style
from hardpair.files.json_text import read_json
from hardpair.wording import counted

ACROSS = 10


def ranked(calls: pd.DataFrame, label: int) -> pd.DataFrame:
    """The images of true class ``label`` that most runs call the other class; ties by its mean probability, then by index.

    Args:
        calls: ``Runs.pair_calls``. Images that no run calls so are left out.
    """
    part = calls[(calls["label"] == label) & (calls["called"] > 0)]
    return part.sort_values(["called", "p_other", "index"], ascending=[False, False, True]).head(ACROSS)


def draw_image(ax: Axes, image: np.ndarray, caption: str) -> None:
    """A uint8 (3, H, W) image with a caption below."""
    ax.imshow(image.transpose(1, 2, 0), interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.set_xlabel(caption, fontsize=6, labelpad=2, linespacing=1.25)


def read(files: dict[str, Path], settings: dict) -> tuple[np.ndarray, list[str], pd.DataFrame]:
    """The images in ``data``, their classes, and what ``runs`` call them."""
    classes = read_json(files["data"] / "dataset.json")["classes"]
    images, labels = load_part(files["data"], "train" if settings["evaluated_on"] == "validation" else "test")
    runs = Runs.declared(files["runs"], settings)
    runs.refuse_other_data(files["data"])
    calls = runs.pair_calls(*pair_indices(classes, settings["pairs"][0]))
    if calls["index"].max() >= len(labels) or (labels[calls["index"]] != calls["label"]).any():
        raise UserError(f"{files['runs']} has predictions for other images than {settings['evaluated_on']} images: evaluate all runs again")
    return images, classes, calls


def figure(images: np.ndarray, classes: list[str], calls: pd.DataFrame, settings: dict) -> Figure:
    """Two rows: a called b, b called a.

    Args:
        images: uint8 (N, 3, H, W), what ``index`` of ``calls`` points into.
        classes: names in label order.
        calls: ``Runs.pair_calls`` of the model after the last epoch.
    """
    a, b = settings["pairs"][0]
    runs = len(settings["variants"]) * len(settings["seeds"])
    page, most = style.new_page(style.WIDTH, 2.75), 1
    for part, (true, other) in zip(page.subfigures(2, 1), ((a, b), (b, a)), strict=True):
        chosen = ranked(calls, classes.index(true))
        true, other = map(style.class_name, (true, other))
        counts = (chosen["called"] * runs).round().astype(int)
        same = f" by {counts.iloc[0]} of {counted(runs, 'run')} each" if counts.nunique() == 1 else ""
        titled = fitting.lines(page, f"{true}, called {other}{same}", style.WIDTH - 0.2, 8)
        most = max(most, len(titled))
        part.suptitle("\n".join(titled), x=0.008, ha="left", fontsize=8)
        axes = part.subplots(1, ACROSS)
        for ax in axes[len(chosen) :]:
            ax.set_axis_off()
        for ax, row, count in zip(axes, chosen.itertuples(), counts, strict=False):
            draw_image(ax, images[row.index], f"p = {row.p_other:.2f}" + ("" if same else f"\n{count} of {runs} runs"))
        if chosen.empty:
            axes[0].text(0, 0.5, "No run makes this error.", color=style.MUTED, va="center", transform=axes[0].transAxes)
    page.set_figheight(page.get_figheight() + 2 * fitting.height(most - 1, 8))
    images_note = f"{style.evaluated(len(calls), settings)} of the pair"
    below = "first those that most runs call so, then those of the highest p: the mean probability of that class over all runs"
    style.footer(page, settings, counted(runs, "run"), images_note, "model after the last epoch", below)
    return page
