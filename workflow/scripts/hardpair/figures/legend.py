"""Names of variants beside their lines where they fit, else one legend for the whole figure."""

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from hardpair.figures.style import INK, Look, wrapped

FONT = 7  # points
SPACING = 1.3 * FONT / 72  # inches from one direct label to the next


def name_lines(figure: Figure, ax: Axes, lines: dict[str, Line2D], looks: dict[str, Look]) -> None:
    """Label the ends of ``lines`` in ``ax``, the rightmost panel, if every drawn variant is there and fits; else add a legend above."""
    if set(lines) != set(looks) or not label_ends(figure, ax, lines, looks):
        legend_above(figure, looks)


def label_ends(figure: Figure, ax: Axes, lines: dict[str, Line2D], looks: dict[str, Look]) -> bool:
    """Write each label at the right end of its line; return False, and draw nothing, where they would crowd or leave their lines."""
    if len(lines) > 5 or max(len(look.label) for look in looks.values()) > 24:
        return False
    figure.draw_without_rendering()
    height = ax.get_window_extent().height / figure.dpi
    ends = {name: (line.get_xdata()[-1], line.get_ydata()[-1]) for name, line in lines.items()}
    wanted = {name: ax.transAxes.inverted().transform(ax.transData.transform(end))[1] for name, end in ends.items()}
    names = sorted(lines, key=wanted.__getitem__)
    places = spread(np.array([wanted[name] for name in names]) * height, SPACING, height)
    if places is None:
        return False
    ideal = np.array([wanted[name] for name in names]) * height
    if np.abs(places - ideal).max() > 1.6 * SPACING or np.diff(ideal).min(initial=SPACING) < 0.3 * SPACING:
        return False
    for name, place in zip(names, places, strict=True):
        text = ax.annotate(
            looks[name].label,
            xy=ends[name],
            xytext=(1.09, place / height),
            textcoords="axes fraction",
            va="center",
            fontsize=FONT,
            color=INK,
            arrowprops={"arrowstyle": "-", "relpos": (0, 0.5), "color": looks[name].colour, "linewidth": 0.7, "shrinkA": 1, "shrinkB": 2},
            annotation_clip=False,
        )
        text.set_in_layout(True)
    return True


def spread(wanted: np.ndarray, gap: float, height: float) -> np.ndarray | None:
    """Places nearest to ``wanted`` (sorted), at least ``gap`` apart, within [0, ``height``]; None where there is no room.

    Neighbours that overlap are merged into a block centred on the mean of what they want, until none do.
    """
    if (len(wanted) - 1) * gap > height:
        return None
    blocks: list[list[float]] = []  # centre, count
    for place in wanted:
        blocks.append([float(place), 1])
        while True:
            centre, count = blocks[-1]
            reach = (count - 1) * gap / 2
            blocks[-1][0] = min(max(centre, reach), height - reach)
            if len(blocks) < 2 or blocks[-1][0] - reach - (blocks[-2][0] + (blocks[-2][1] - 1) * gap / 2) >= gap:
                break
            (first, many), (second, more) = blocks[-2], blocks[-1]
            blocks[-2:] = [[(first * many + second * more) / (many + more), many + more]]
    return np.concatenate([centre + gap * (np.arange(count) - (count - 1) / 2) for centre, count in blocks])


def legend_above(figure: Figure | SubFigure, looks: dict[str, Look]) -> float:
    """One legend of all variants above the panels, in as many columns as fit."""
    handles = [
        Line2D([], [], color=look.colour, linestyle=look.dashes, marker=look.marker, markeredgecolor="white", markeredgewidth=0.3)
        for look in looks.values()
    ]
    width = 64 if len(looks) <= 3 else 36
    return put_above(figure, handles, [wrapped(look.label, width) for look in looks.values()])


def put_above(figure: Figure | SubFigure, handles: list[Artist], labels: list[str]) -> float:
    """A legend above the panels with the most columns that the figure has room for; the figure grows by its height.

    Returns:
        Its height in inches.
    """
    root = figure.figure if isinstance(figure, SubFigure) else figure
    renderer = root.canvas.get_renderer()
    for columns in range(min(len(labels), 8), 0, -1):
        legend = figure.legend(
            handles, labels, loc="outside upper left", ncols=columns, labelcolor=INK, columnspacing=1.6, borderaxespad=0.6, borderpad=0
        )
        box = legend.get_window_extent(renderer)
        if box.width <= figure.bbox.width * 0.98 or columns == 1:
            break
        legend.remove()
    root.set_figheight(root.get_figheight() + box.height / root.dpi)
    return box.height / root.dpi


def key_above(figure: Figure | SubFigure, marks: dict[str, Artist]) -> float:
    """A legend of what marks mean, above the panels."""
    return put_above(figure, list(marks.values()), list(marks))
