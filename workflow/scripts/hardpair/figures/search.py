"""The hyperparameter search: what each trial reached, and where it looked."""

from pathlib import Path

import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hardpair.figures.drawing import legend, lines, style
from hardpair.files.readers import read_table
from hardpair.wording import counted

SEARCHED = {"learning_rate": "Learning rate", "weight_decay": "Weight decay", "momentum": "Momentum", "dropout": "Dropout"}
LOGARITHMIC = ("learning_rate", "weight_decay")
RECIPE = {"marker": "*", "markersize": 11, "markerfacecolor": "none", "color": "#8c1d40", "markeredgewidth": 1, "linestyle": "none"}
BEST = {"marker": "o", "markersize": 9, "markerfacecolor": "none", "color": style.INK, "markeredgewidth": 1, "linestyle": "none"}
DIVERGED = {"marker": "x", "markersize": 5, "color": style.INK, "markeredgewidth": 1.1, "linestyle": "none"}


def prepared(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials in order, with ``percent``, boolean ``diverged`` and ``best``: the highest value so far of trials that did not diverge."""
    trials = trials.sort_values("trial").reset_index(drop=True)
    diverged = trials["diverged"].astype(str).str.lower().isin(["1", "1.0", "true"])
    percent = 100 * trials["value"]
    return trials.assign(diverged=diverged, percent=percent, best=percent.where(~diverged).cummax().ffill())


def draw_trials(ax: Axes, trials: pd.DataFrame, column: str, best: bool = False) -> None:
    """Value of each trial against ``column``; trials that diverged lie on the lower edge.

    Args:
        trials: ``prepared`` ones.
        best: draw the best value so far as steps.
    """
    converged = trials[~trials["diverged"]]
    if best and len(converged):
        ax.step(trials[column], trials["best"], where="post", color=style.MUTED, linewidth=1, zorder=1.5, label="_best")
    for number, part in converged.groupby("round"):
        ax.plot(part[column], part["percent"], **_dot(number, trials["round"].max()), label=f"_round:{number}")
    if len(converged):
        top = converged.loc[converged["percent"].idxmax()]
        ax.plot([top[column]], [top["percent"]], **BEST)
        low, high = converged["percent"].min(), converged["percent"].max()
        room = max(high - low, 0.5)
        ax.set_ylim(low - 0.18 * room, high + 0.14 * room)
    for trial in trials[trials["diverged"]].itertuples():
        ax.plot([getattr(trial, column)], [0.045], transform=ax.get_xaxis_transform(), label="_diverged", **DIVERGED)
    first = trials[trials["trial"] == 0]
    if len(first) and not first["diverged"].iloc[0]:
        ax.plot(first[column], first["percent"], **RECIPE)
    ax.grid(axis="y")


def _dot(number: int, last: int) -> dict:
    shade = colormaps["viridis"](0.85 - 0.75 * number / max(last, 1)) if last else colormaps["viridis"](0.35)
    return {"marker": "o", "markersize": 4.5, "color": shade, "markeredgecolor": "white", "markeredgewidth": 0.4, "linestyle": "none"}


def read(files: dict[str, Path], settings: dict) -> list[pd.DataFrame]:
    """The table ``trials``."""
    return [read_table(files["trials"])]


def figure(trials: pd.DataFrame, settings: dict) -> Figure:
    """Course of the search above, its four hyperparameters below.

    Args:
        trials: search/trials.csv.
    """
    trials = prepared(trials)
    page = style.new_page(style.WIDTH, 4.2)
    axes = page.subplot_mosaic([["trial"] * len(SEARCHED), list(SEARCHED)], height_ratios=(1.15, 1), sharey=True)
    course = axes.pop("trial")
    draw_trials(course, trials, "trial", best=True)
    course.set(xlabel="Trial", ylabel="Validation accuracy (%)", xlim=(trials["trial"].min() - 0.6, trials["trial"].max() + 0.6))
    course.xaxis.get_major_locator().set_params(integer=True)
    for name, ax in axes.items():
        low, high = trials[name].min(), trials[name].max()
        if name in LOGARITHMIC and 0 < 3 * low < high:  # within a narrow range both scales look alike, and round ticks are linear
            ax.set_xscale("log")
        draw_trials(ax, trials, name)
        ax.set_xlabel(SEARCHED[name])
        ax.margins(x=0.08)
        if ax.get_xscale() == "log":
            lines.log_axis(ax.xaxis, 4)
        else:
            ax.locator_params(axis="x", nbins=3)
    axes["learning_rate"].set_ylabel("Validation accuracy (%)")
    diverged = int(trials["diverged"].sum())
    count = counted(len(trials), "trial") + f" in {counted(trials['round'].nunique(), 'round')}"
    value = "value: mean validation accuracy at a trial's last epoch"
    style.footer(page, settings, count, f"{diverged or 'none'} diverged", value)
    legend.put_above(page, _marks(trials))
    return page


def _marks(trials: pd.DataFrame) -> list[Line2D]:
    last = int(trials["round"].max())
    shown = range(last + 1) if last < 4 else (0, last)
    looks = {f"round {number + 1}": _dot(number, last) for number in shown}
    looks |= {"best": BEST, "best so far": {"color": style.MUTED, "linewidth": 1}, "config's recipe (trial 0)": RECIPE}
    if trials["diverged"].any():
        looks["diverged"] = DIVERGED
    return [Line2D([], [], label=label, **look) for label, look in looks.items()]
