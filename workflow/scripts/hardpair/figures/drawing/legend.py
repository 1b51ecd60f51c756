"""Names of variants beside their lines where they fit, else one legend for the whole figure."""

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from hardpair.figures.drawing.style import INK, Look, wrapped

FONT = 7  # points
SPACING = 1.3 * FONT / 72  # inches from one direct label to the next


def name_lines(figure: Figure, ax: Axes, lines: dict[str, Line2D], looks: dict[str, Look]) -> None:
    """Label the ends of ``lines`` in ``ax``, the rightmost panel, if every drawn variant is there and fits; else add a legend above."""
    if set(lines) != set(looks) or not label_ends(figure, ax, lines, looks):
        variants_above(figure, looks)


def label_ends(figure: Figure, ax: Axes, lines: dict[str, Line2D], looks: dict[str, Look]) -> bool:
    """Write each label at the right end of its line; return False, and draw nothing, where they would crowd or leave their lines."""
    if len(lines) > 5 or max(len(look.label) for look in looks.values()) > 24:
        return False
    figure.draw_without_rendering()
    height = ax.get_window_extent().height / figure.dpi
    ends = {name: line.get_xydata()[-1] for name, line in lines.items()}
    heights = {name: height * (ax.transData - ax.transAxes).transform(end)[1] for name, end in ends.items()}
    names = sorted(lines, key=heights.__getitem__)
    ideal = np.array([heights[name] for name in names])
    places = spread(ideal, SPACING, height)
    if places is None or np.abs(places - ideal).max() > 1.6 * SPACING or np.diff(ideal).min(initial=SPACING) < 0.3 * SPACING:
        return False
    for name, place in zip(names, places, strict=True):
        arrow = {"arrowstyle": "-", "relpos": (0, 0.5), "color": looks[name].colour, "linewidth": 0.7, "shrinkA": 1, "shrinkB": 2}
        text = ax.annotate(looks[name].label, xy=ends[name], xytext=(1.09, place / height), textcoords="axes fraction", va="center",
                           fontsize=FONT, color=INK, arrowprops=arrow, annotation_clip=False)  # fmt: skip
        text.set_in_layout(True)
    return True


def spread(ideal: np.ndarray, gap: float, height: float) -> np.ndarray | None:
    """Places nearest to ``ideal`` (sorted) in the mean square, at least ``gap`` apart, in [0, ``height``]; None where there is no room."""
    from scipy.optimize import isotonic_regression

    steps = gap * np.arange(len(ideal))
    room = height - steps[-1]
    return None if room < 0 else isotonic_regression(ideal - steps).x.clip(0, room) + steps


def variants_above(figure: Figure | SubFigure, looks: dict[str, Look], lines: bool = True) -> float:
    """One legend of all variants above the panels."""
    width, marks = 64 if len(looks) <= 3 else 36, {} if lines else {"linestyle": "none"}
    return put_above(figure, [Line2D([], [], **look.line | marks | {"label": wrapped(look.label, width)}) for look in looks.values()])


def put_above(figure: Figure | SubFigure, handles: list[Artist]) -> float:
    """A legend of labelled ``handles`` above the panels with the most columns that the figure has room for; the figure grows by its height.

    Returns:
        Its height in inches.
    """
    root = figure.figure
    renderer = root.canvas.get_renderer()
    for columns in range(min(len(handles), 8), 0, -1):
        legend = figure.legend(handles=handles, loc="outside upper left", ncols=columns, labelcolor=INK, columnspacing=1.6,
                               borderaxespad=0.6, borderpad=0)  # fmt: skip
        box = legend.get_window_extent(renderer)
        if box.width <= figure.bbox.width * 0.98 or columns == 1:
            break
        legend.remove()
    root.set_figheight(root.get_figheight() + box.height / root.dpi)
    return box.height / root.dpi
