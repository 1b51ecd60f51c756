"""What all figures share: fonts, a fixed look per variant, text that is safe to draw, and files with the same bytes every time."""

import io
import textwrap
import unicodedata
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from hardpair.figures.drawing import dark, fonts
from hardpair.files.atomic import atomic_write, write_text
from hardpair.measures.metric_names import percent
from hardpair.wording import counted, labels_of, size_of_study

WIDTH = 7.2  # inches: two columns of a journal
INK, MUTED, FAINT = "#222222", "#666666", "#dddddd"
PUBLISHED = "#a3168a"  # what was published, and nothing else
REFERENCE = {"color": "#6a3d9a", "linewidth": 0.9, "linestyle": (0, (1, 1))}  # what others reach
FRAME = ("#212121", 2.6), ("#fefefe", 1.0)  # colour and width of the lines around a cell: no variant has these
HALO = [withStroke(linewidth=2, foreground="white")]  # keeps text readable on lines and bands

# Okabe & Ito (2008), which the usual kinds of colour blindness keep apart; grey stands for their yellow, and what has less than 3:1 of
# contrast to white is darkened.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B98000", "#3A94CF", "#000000", "#868686")
PIXELS = {"#000000": "#757575"}  # instead of a colour, where marks are kept as pixels: those are the same on dark pages
# Line styles and markers distinguish the same variants in grey print. Their counts share no factor with the colours' beyond 2.
DASHES = ((0, ()), (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (9, 2)), (0, (4, 1.2, 1, 1.2, 1, 1.2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", "h", ">", "d", "8")

STYLE = {
    "font.size": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,  # ticks are read as they stand
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "text.color": INK,
    "text.parse_math": False,  # names are drawn as they are written: a dollar starts no formula
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "legend.handlelength": 4.2,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
    "savefig.dpi": 200,
    "svg.fonttype": "path",  # looks the same where the font is not installed
    "svg.hashsalt": "hardpair",
}


@dataclass(frozen=True)
class Look:
    """How one variant looks in every figure of a study."""

    label: str
    colour: str
    dashes: tuple
    marker: str
    place: int

    @property
    def pixels(self) -> str:
        """Its colour for marks that are kept as pixels in the SVG, legible on light and dark pages."""
        return PIXELS.get(self.colour, self.colour)

    @property
    def line(self) -> dict:
        """Keywords of its ``Line2D``. Panels hold all of their data, and do not cut off a mark that lies on their edge."""
        style = {"color": self.colour, "linestyle": self.dashes, "marker": self.marker, "clip_on": False, "in_layout": False}
        return style | {"markeredgecolor": "white", "markeredgewidth": 0.3, "label": self.label}


def looks(variants: list[dict]) -> dict[str, Look]:
    """The look of each variant by name, fixed by its place in the config."""
    return {
        name: Look(plain(label), *(cycle[place % len(cycle)] for cycle in (COLOURS, DASHES, MARKERS)), place)
        for place, (name, label) in enumerate(labels_of(variants).items())
    }


def applied() -> AbstractContextManager[None]:
    """A block with Matplotlib's own defaults and ours, whatever the user's matplotlibrc sets."""
    return matplotlib.style.context(["default", STYLE])


def new_page(width: float, height: float) -> Figure:
    """An empty figure of so many inches that needs no display and no global state."""
    page = Figure(figsize=(width, height))
    FigureCanvasAgg(page)
    return page


def plain(text: str) -> str:
    """``text`` on one line, drawn as it is written: a leading underscore hides nothing from a legend.

    Control characters are escaped, and characters that no font has are numbered.
    """
    text = " ".join(fonts.replaced(text).split())
    text = "".join(ascii(mark)[1:-1] if unicodedata.category(mark) == "Cc" else mark for mark in text)
    return f" {text}" if text.startswith("_") else text


def class_name(name: str) -> str:
    """``maple_tree`` as ``maple tree``, safe to draw."""
    return plain(name.replace("_", " "))


def wrapped(text: str, width: int) -> str:
    """``text`` broken into lines of at most ``width`` characters."""
    return textwrap.fill(text, width)


def shortened(text: str, width: int) -> str:
    """``text`` up to the last word, or part of a long one, that ends within ``width`` characters."""
    return text if len(text) <= width else f"{textwrap.wrap(text, width - 1)[0]}…"


def grid(page: Figure, count: int, columns: int, xlabel: str, ylabel: str) -> list[Axes]:
    """``count`` panels of one scale, ``columns`` in a row; the labels of the axes stand at the left and below."""
    axes = page.subplots(-(-count // columns), columns, squeeze=False, sharex=True, sharey=True)
    for place, ax in enumerate(axes.flat):
        ax.set_visible(place < count)
        if place % columns == 0:
            ax.set_ylabel(ylabel)
        if place + columns >= count:
            ax.set_xlabel(xlabel)
            ax.tick_params(labelbottom=True)
    return list(axes.flat[:count])


def footer(figure: Figure, settings: dict, *parts: str) -> None:
    """A small line below everything: where the figure comes from and what its marks mean."""
    text = "\N{NO-BREAK SPACE}· ".join(plain(part) for part in (origin(settings), *parts) if part)
    line = figure.supxlabel(text, x=0.008, ha="left", fontsize=6.5, color=MUTED, linespacing=1.35)
    for characters in range(int(24 * figure.get_figwidth()), 20, -4):
        line.set_text(wrapped(text, characters))
        if line.get_window_extent(figure.canvas.get_renderer()).width < 0.984 * figure.bbox.width:
            break


def origin(settings: dict) -> str:
    """Study, size and, where they are known, hashes of settings and code, for the footer."""
    size = f", {size_of_study(settings)}" if "seeds" in settings else ""
    return f"study {settings['study']}{size}" + (f" ({settings['made']})" if "made" in settings else "")


def evaluated(images: int, settings: dict) -> str:
    """``10,000 test images``."""
    return counted(images, f"{settings['evaluated_on']} image")


def reference_label(reference: dict) -> str:
    """``humans 3.83 %``."""
    return f"{shortened(plain(reference['label']), 24)} {percent(reference['confusion'])} %"


def ink_on(colour) -> str:
    """Colour of text that reads best on a cell of ``colour`` (RGB, 0 to 1); like the cell, it stays the same on dark pages."""
    linear = np.asarray(colour[:3]) ** 2.2
    return "#212121" if linear @ (0.2126, 0.7152, 0.0722) > 0.22 else "#fefefe"


def frame(ax: Axes, x: float, y: float) -> None:
    """A dark and a light line around the cell from (x, y) to (x + 1, y + 1): one of them shows, whatever its colour, on dark pages too."""
    for order, (colour, width) in enumerate(FRAME, 3):  # the light lines of neighbours lie on their dark ones
        ax.add_patch(Rectangle((x, y), 1, 1, fill=False, edgecolor=colour, linewidth=width, zorder=order, clip_on=False))


def save(figure: Figure, output: str | Path) -> None:
    """Write ``output`` as PNG and, beside it, as SVG for light and dark pages; no time stamp or version enters the files."""
    settle(figure)
    with atomic_write(Path(output).with_suffix(".png")) as temporary:
        figure.savefig(temporary, metadata={"Software": None})
    drawing = io.StringIO()
    figure.savefig(drawing, format="svg", metadata={"Date": None, "Creator": None})
    write_text(Path(output).with_suffix(".svg"), dark.adapted(drawing.getvalue()))


def settle(figure: Figure) -> None:
    """Lay out the panels, and round their places: the last digits vary by process, and with them the names of clip paths in the SVG."""
    for _ in range(2 if figure.axes else 0):  # panels of a fixed shape have their places after the second time
        figure.get_layout_engine().execute(figure)
    figure.set_layout_engine("none")
    for ax in figure.axes:
        ax.set_position([round(value, 6) for value in ax.get_position(original=True).bounds], which="both")
