"""What figures show, for tests of them."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text


def drawn(lines, label):
    """x and y of the line with this label."""
    [line] = [line for line in lines if line.get_label() == label]
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


def overlaps(boxes):
    """Pairs of boxes (in pixels) that share more than a pixel."""
    return [
        (first, second)
        for place, first in enumerate(boxes)
        for second in boxes[place + 1 :]
        if min(first.x1, second.x1) - max(first.x0, second.x0) > 1 and min(first.y1, second.y1) - max(first.y0, second.y0) > 1
    ]


def texts_drawn(page):
    """All texts of a page but the labels of ticks that an axis keeps without drawing them."""
    idle = set()
    for ax in page.findobj(Axes):
        for axis in (ax.xaxis, ax.yaxis):
            drawn = axis._update_ticks() if ax.get_visible() and ax.axison else []
            idle |= {text for tick in [*axis.majorTicks, *axis.minorTicks] if tick not in drawn for text in (tick.label1, tick.label2)}
        idle |= set() if ax.get_visible() else set(ax.findobj(Text))
    return [text for text in page.findobj(Text) if text.get_text().strip() and text.get_visible() and text not in idle]
