"""Paired differences to a baseline: a row a variant, a panel a measure, with the verdicts."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from hardpair.comparison import verdicts
from hardpair.comparison.measured_runs import Contrast
from hardpair.comparison.verdicts import WORDS
from hardpair.figures.drawing import legend, style
from hardpair.measures.intervals import FEWEST

SIGNS = dict(zip(WORDS, verdicts.SIGNS, strict=True))
UNDECIDED = {WORDS[verdicts.NOT_SETTLED], WORDS[verdicts.NOT_TESTED]}
BAND = "#e3e9ef"


def figure(contrasts: list[Contrast], judged: pd.DataFrame, source: str) -> Figure:
    """A panel for each measure, whose axis is turned so that right is better.

    Args:
        contrasts: of all variants and measures.
        judged: ``measured_runs.verdicts_table`` of them.
        source: name of the file of the runs, for the footer.
    """
    measures = list(dict.fromkeys(entry.measure for entry in contrasts))
    variants = list(dict.fromkeys(entry.variant for entry in contrasts))
    page = style.new_page(style.WIDTH, 0.42 * len(variants) + 0.95)
    for ax, measure in zip(page.subplots(1, len(measures), sharey=True, squeeze=False).flat, measures, strict=True):
        rows = {
            entry.variant: (entry, row) for entry, (_, row) in zip(contrasts, judged.iterrows(), strict=True) if entry.measure == measure
        }
        _draw_measure(ax, rows, variants)
        better = "higher is better" if next(iter(rows.values()))[0].part.sign > 0 else "lower is better, axis turned"
        ax.set_title(
            style.wrapped(f"{style.plain(measure)}: difference to {style.plain(contrasts[0].baseline)} ({better})", int(88 / len(measures)))
        )
    page.axes[0].set_ylim(len(variants) - 0.5, -0.5)
    page.axes[0].set_yticks(range(len(variants)), [style.wrapped(style.plain(name), 24) for name in variants])
    counts = sorted({len(entry.differences) for entry in contrasts})
    seeds = f"n = {counts[0]} seeds" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]} seeds"
    style.footer(page, {"study": style.plain(source)}, f"{seeds}, paired", "right of 0 is better", _key(judged))
    legend.put_above(page, _marks(contrasts))
    return page


def _draw_measure(ax: Axes, rows: dict[str, tuple[Contrast, pd.Series]], variants: list[str]) -> None:
    rng = np.random.default_rng(0)
    margin = next(iter(rows.values()))[0].part.margin
    if margin:
        ax.axvspan(-margin, margin, color=BAND, linewidth=0, zorder=0)
    ax.axvline(0, color=style.MUTED, linewidth=0.7, zorder=0.5)
    for place, name in enumerate(variants):
        entry, row = rows[name]
        values = entry.differences
        jitter = (rng.permutation(len(values)) - (len(values) - 1) / 2) / max(len(values), 6) * 0.24
        ax.plot(values, place + 0.2 + jitter, linestyle="none", marker="o", markersize=3.2, color="#8a8a8a", markeredgewidth=0)
        decided = row["verdict"] not in UNDECIDED
        if np.isfinite(row["low"]):
            ax.plot([row["low"], row["high"]], [place - 0.15] * 2, color=style.INK, linewidth=1.4, solid_capstyle="butt")
        filling = style.INK if decided else "white"
        ax.plot([row["difference"]], [place - 0.15], linestyle="none", marker="D", markersize=4.2, color=style.INK, markerfacecolor=filling)
        text = f"{entry.part.unit.number(row['difference'])} {SIGNS[row['verdict']]}"
        ax.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=6.5, annotation_clip=False,
                    weight="bold" if decided else "normal")  # fmt: skip
    if next(iter(rows.values()))[0].part.sign < 0:
        ax.invert_xaxis()
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    ax.ticklabel_format(axis="x", useOffset=False, style="plain")


def _marks(contrasts: list[Contrast]) -> list[Line2D | Patch]:
    diamond = {"marker": "D", "markersize": 4.2, "color": style.INK}
    interval = any(len(entry.differences) >= FEWEST for entry in contrasts)
    marks = [
        Line2D([], [], label="one seed", linestyle="none", marker="o", markersize=3.2, color="#8a8a8a"),
        Line2D([], [], label="mean" + (" and 95 % t interval" if interval else ""), linewidth=1.4 if interval else 0, **diamond),
        Line2D([], [], label="not decided", linestyle="none", markerfacecolor="white", **diamond),
    ]
    return marks + ([Patch(label="margin", color=BAND)] if any(entry.part.margin for entry in contrasts) else [])


def _key(judged: pd.DataFrame) -> str:
    return ", ".join(f"{SIGNS[word]} {word}" for word in dict.fromkeys(judged["verdict"]))
