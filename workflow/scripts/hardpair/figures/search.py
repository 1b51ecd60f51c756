"""The hyperparameter search: what each trial reached, where it looked, and how flat the optimum is; a row a search."""

from pathlib import Path

import pandas as pd
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hardpair.comparison import recipes
from hardpair.errors import UserError
from hardpair.figures.drawing import legend, lines, style
from hardpair.search.keys import LOGARITHMIC
from hardpair.search.optimum import optimum
from hardpair.wording import counted

SEARCHED = {"learning_rate": "Learning rate", "weight_decay": "Weight decay", "momentum": "Momentum", "dropout": "Dropout"}
SEARCHED |= {"lr_factor": "Factor of drops", "warmup_epochs": "Warm-up (epochs)", "clip_gradient": "Norm of gradient"}
RECIPE = {"marker": "s", "markersize": 8, "markerfacecolor": "none", "color": style.INK, "markeredgewidth": 1, "linestyle": "none"}
BEST = {"marker": "o", "markersize": 9, "markerfacecolor": "none", "color": style.INK, "markeredgewidth": 1, "linestyle": "none"}
NEAR = {"color": style.MUTED, "alpha": 0.18, "linewidth": 0}
EDGE = {"color": style.MUTED, "linewidth": 0.9, "linestyle": (0, (1, 2))}
DIVERGED = {"marker": "x", "markersize": 5, "color": style.INK, "markeredgewidth": 1.1, "linestyle": "none"}


def prepared(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials in order, with ``percent``, boolean ``diverged`` and ``best``: the highest value so far of trials that did not diverge."""
    trials = trials.sort_values("trial").reset_index(drop=True)
    diverged = trials["diverged"].astype(bool)
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
    shade = colormaps["viridis"](0.58 - 0.25 * number / max(last, 1))  # what has 3:1 of contrast to white and to a dark page
    return {"marker": "o", "markersize": 4.5, "color": shade, "markeredgecolor": "white", "markeredgewidth": 0.4, "linestyle": "none"}


def read(files: dict[str, Path], settings: dict) -> list[list[pd.DataFrame]]:
    """The table of each search.

    Raises:
        UserError: there is no search, or a table cannot be read.
    """
    if not settings["searches"]:
        raise UserError("searches is empty, but the figure search needs at least one: see --help")
    return [recipes.read_trials(settings["searches"], recipes.files_of(settings["searches"], files["study"]))]


def figure(trials: list[pd.DataFrame], settings: dict) -> Figure:
    """A row a search: its course, then the value of its trials against each hyperparameter.

    Args:
        trials: search/trials.csv, or that of each variant's own search.
    """
    tables, searches = [prepared(table) for table in trials], settings["searches"]
    keys = [key for key in SEARCHED if any(key in search["space"] for search in searches)]
    page = style.new_page(style.WIDTH, 0.5 + (1.75 if len(tables) == 1 else 1.45) * len(tables))
    every = pd.concat(tables)
    rows = page.subplots(len(tables), 1 + len(keys), squeeze=False, sharex="col", sharey="row", width_ratios=(1.7, *(1 for _ in keys)))
    for axes, table, search in zip(rows, tables, searches, strict=True):
        _draw_search(dict(zip(("trial", *keys), axes, strict=True)), table, search)
    rows[-1, 0].set_xlabel("Trial")
    rows[-1, 0].xaxis.get_major_locator().set_params(integer=True)
    for column, key in zip(rows[:, 1:].T, keys, strict=True):
        ends = [end for search in searches for end in search["space"].get(key, ())]
        _dress([ax for ax in column if ax.axison][-1], key, pd.Series([*every[key].dropna(), *ends]))
    many = int(every["diverged"].sum())
    count = f"{counted(len(tables[0]), 'trial')} in {counted(tables[0]['round'].nunique(), 'round')}"
    if len(tables) > 1:
        count += f" for each of {counted(len(tables), 'variant')}"
    value = "value: mean validation accuracy at a trial's last epoch"
    style.footer(page, settings, count, f"{many or 'none'} diverged", value)
    legend.put_above(page, _marks(every))
    return page


def _draw_search(axes: dict[str, Axes], trials: pd.DataFrame, search: dict) -> None:
    """Panels of one search: ``trial``, the course, and one for each hyperparameter, its range near the best shaded."""
    outcome = optimum(search["label"], trials.to_dict("records"), search["space"], search["images"])
    course = axes["trial"]
    draw_trials(course, trials, "trial", best=True)
    course.set(ylabel="Accuracy (%)", xlim=(trials["trial"].min() - 0.6, trials["trial"].max() + 0.6))
    course.set_title(style.shortened(style.plain(search["label"]), 32))
    course.axhspan(100 * (outcome.best["value"] - outcome.tolerance), 100 * outcome.best["value"], **NEAR, label="_near")
    for key, ax in list(axes.items())[1:]:
        if key not in trials:  # the variant sets it itself
            ax.axis("off")
            continue
        draw_trials(ax, trials, key)
        if key in outcome.ranges:
            ax.axvspan(*outcome.ranges[key], **NEAR, label="_near")
        for end in search["space"].get(key, ()):
            ax.axvline(end, zorder=0.5, label="_edge", **EDGE)


def _dress(ax: Axes, key: str, values: pd.Series) -> None:
    """The horizontal axis of a hyperparameter, which the panels of a column share, on ``ax``, the lowest of them."""
    ax.set_xlabel(SEARCHED[key])
    ax.tick_params(labelbottom=True)
    ax.margins(x=0.08)
    if key in LOGARITHMIC and 0 < 3 * values.min() < values.max():  # in a narrow range both scales look alike, and round ticks are linear
        ax.set_xscale("log")
        lines.log_axis(ax.xaxis, 3)
    else:
        ax.locator_params(axis="x", nbins=3)


def _marks(trials: pd.DataFrame) -> list[Artist]:
    last = int(trials["round"].max())
    shown = range(last + 1) if last < 4 else (0, last)
    looks = {f"round {number}": _dot(number, last) for number in shown}
    looks |= {"best": BEST, "best so far": {"color": style.MUTED, "linewidth": 1}, "config's recipe (trial 0)": RECIPE}
    if trials["diverged"].any():
        looks["diverged"] = DIVERGED
    marks = [Line2D([], [], label=label, **look) for label, look in looks.items()]
    near = Patch(label="range of the trials within one standard error of the best", **NEAR)
    return [*marks, Line2D([], [], label="end of the searched space", **EDGE), near]
