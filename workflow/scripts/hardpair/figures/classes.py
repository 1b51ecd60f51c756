"""Accuracy of each class by variant; against its number of training images where classes differ in it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from hardpair.comparison.runs import Runs
from hardpair.data.arrays import load_part
from hardpair.figures.drawing import bands, legend, lines, style
from hardpair.files.json_text import read_json

UNEVEN = 2  # times as many training images in the largest class as in the smallest, from which on they are the axis
NAMED, GROUPS = 20, 10  # classes have names up to so many; more are drawn in so many groups
NAME = 20  # characters of a class name that are shown


@dataclass(frozen=True)
class Layout:
    """Where the classes stand.

    Attributes:
        place: of each class by name, float64; the classes of a group share one.
        ticks: what is written at which place; empty where the axis has numbers of its own.
        log: places are training images, on a logarithmic axis that falls to the right.
        title: of the axis.
        note: what a point is, for the footer.
        nominal: a place is one class, and nothing lies between two.
    """

    place: pd.Series
    ticks: dict[float, str]
    log: bool
    title: str
    note: str
    nominal: bool = False


def layout(accuracy: pd.Series, images: pd.Series) -> Layout:
    """Classes in label order if they have about as many training images each, else from many to few.

    The axis is then logarithmic in the number of images, unless names would stand on each other. Of more than ``NAMED`` classes, groups of
    neighbours are drawn; balanced ones are grouped by how hard they are for all variants together, so that no variant chooses the order.

    Args:
        accuracy: mean over all runs by class name.
        images: number of training images by class name, in label order.
    """
    uneven, many = images.max() >= UNEVEN * images.min(), len(images) > NAMED
    order = images.index
    if uneven:
        order = images.sort_values(ascending=False, kind="stable").index
    elif many:
        order = accuracy.reindex(order).sort_values(ascending=False, kind="stable").index
    groups = np.array_split(order.to_numpy(), GROUPS if many else len(order))
    sizes = np.exp([np.log(images[group].clip(lower=1)).mean() for group in groups])
    steps = -np.diff(np.log(sizes))
    log = uneven and (many or steps.min() >= 0.5 * steps.mean())  # names need about equal distances
    places = sizes if log else np.arange(1.0, len(groups) + 1)
    place = pd.Series({name: at for at, group in zip(places, groups, strict=True) for name in group})
    if many:
        ticks = {} if log else {at: f"{at:g}" for at in places}
        title = "Training images of a class" if log else "Tenth of the classes, from the easiest to the hardest for all variants together"
        counts = sorted(set(place.value_counts()))  # groups of equal size have one place
        several = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
        return Layout(place, ticks, log, title, f"point: mean of {several} classes")
    shown = {name: style.shortened(style.class_name(name), NAME) for name in order}
    ticks = {place[name]: f"{shown[name]}  {images[name]:,}" if uneven else shown[name] for name in order}
    return Layout(place, ticks, log, "Class and its number of training images" if uneven else "", "", nominal=True)


def read(files: dict[str, Path], settings: dict) -> tuple[pd.DataFrame, pd.Series]:
    """Accuracy of ``runs`` by class, and numbers of training images in ``data`` and ``split``."""
    names = read_json(files["data"] / "dataset.json")["classes"]
    _, labels = load_part(files["data"], "train")
    images = np.bincount(labels[read_json(files["split"])["training"]], minlength=len(names))
    runs = Runs.declared(files["runs"], settings)
    runs.refuse_other_data(files["data"])
    return runs.per_class(), pd.Series(images, names)


def figure(table: pd.DataFrame, images: pd.Series, settings: dict) -> Figure:
    """Accuracy of each class by variant with its band over seeds: dots, or lines through groups of many classes.

    Args:
        table: ``Runs.per_class`` of the model after the last epoch.
        images: number of training images by class name, in label order.
    """
    looks = style.looks(settings["variants"])
    where = layout(table.groupby("class")["accuracy"].mean(), images)
    placed = table.assign(place=table["class"].map(where.place)).groupby(["variant", "seed", "place"], as_index=False)["accuracy"].mean()
    page = style.new_page(style.WIDTH, 3.4)
    ax = page.subplots()
    if where.log:
        ax.set_xscale("log")
        ax.invert_xaxis()
    if where.nominal:
        _draw_dots(ax, placed, looks, where.log)
    else:
        drawn = lines.draw_lines(ax, placed, "accuracy", looks, 100, along="place")
    lines.share_limits(ax, "y", *ax.get_ylim())
    if where.ticks:
        texts = list(where.ticks.values())
        turned = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if max(map(len, texts)) > 2 else {}
        ax.set_xticks(list(where.ticks), texts, **turned)
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        lines.log_axis(ax.xaxis)
    ax.set_xlabel(where.title)
    ax.grid(axis="y")
    ax.set_title(f"{settings['evaluated_on'].capitalize()} accuracy of each class (%), higher is better")
    style.footer(page, settings, bands.note(settings, "dot" if where.nominal else "line"), where.note, "model after the last epoch")
    if where.nominal:
        legend.variants_above(page, looks, lines=False)
    else:
        legend.name_lines(page, ax, drawn, looks)
    return page


def _draw_dots(ax: Axes, placed: pd.DataFrame, looks: dict[str, style.Look], log: bool) -> None:
    """A dot with its band for each variant, side by side: no line joins two classes, since nothing lies between them."""
    placed = placed.dropna(subset=["accuracy"])
    # To distances from left to right, and back.
    forth, back = (lambda place: -np.log(place), lambda distance: np.exp(-distance)) if log else (np.positive, np.positive)
    stops = np.sort(forth(placed["place"].unique()))
    step, size = np.diff(stops).min(initial=1), 4 if len(looks) <= 4 else 3
    summary = bands.over_seeds(placed.groupby(["variant", "place"])["accuracy"], placed["seed"].nunique()).mul(100).reset_index()
    for name, look in looks.items():
        course = summary[summary["variant"] == name]
        at = back(forth(course["place"]) + 0.7 * step * ((look.place + 0.5) / len(looks) - 0.5))
        ax.vlines(at, course["low"], course["high"], color=look.colour, linewidth=1.1, alpha=0.7)
        ax.plot(at, course["mean"], **(look.line | {"linestyle": "none", "markersize": size}))
    for middle in back((stops[:-1] + stops[1:]) / 2):
        ax.axvline(middle, color=style.FAINT, linewidth=0.5, zorder=0.3)
    ax.set_xlim(back(stops[0] - step / 2), back(stops[-1] + step / 2))
