"""The marks of a figure of differences, and the line that explains them."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from hardpair.comparison.verdicts import WORDS
from hardpair.figures.drawing import fitting, style
from hardpair.figures.drawing.places import off_axis
from hardpair.figures.drawing.sheet import Sheet
from hardpair.measures.intervals import FEWEST
from hardpair.wording import counted

BAND = "#cfd8e6"
DOTS = {"linestyle": "none", "marker": "o", "markersize": 3.2, "color": "#7b8794", "alpha": 0.8, "markeredgewidth": 0}
MEAN = {"linestyle": "none", "marker": "D", "markersize": 4.4, "color": style.INK, "zorder": 3}
BESIDE = {"alpha": 0.45}  # of what is not part of the claim
BESIDE_MEAN = {"linestyle": "none", "marker": "|", "markersize": 6.5, "markeredgewidth": 1.6, "color": style.INK, "zorder": 3} | BESIDE
OFF = {"linestyle": "none", "marker": ">", "markersize": 5, "color": style.INK, "markeredgewidth": 0, "clip_on": False}
INTERVAL = {"color": style.INK, "linewidth": 1.6, "solid_capstyle": "butt"}
PUBLISHED = {"color": style.PUBLISHED, "linewidth": 2.2}
SIZE, MARK, BETWEEN = 7, 0.2, 0.16  # points; inches of a mark, and between entries
MARGINS = 3  # of more panels with different margins, none is written


def marks(sheet: Sheet) -> list[tuple[str, str]]:
    """(kind, text) of every mark that the figure has."""
    every = [cell for row in sheet.rows for cell in row.cells if cell]
    cells = [cell for cell in every if cell.decides]
    counts = sorted({len(cell.gains) for cell in cells})
    if not counts:
        return []
    found = [("seed", "one seed")]
    filled, hollow = ([cell for cell in cells if cell.decided is kind] for kind in (True, False))
    mean = "mean" if counts[0] < FEWEST else "mean and 95 % t interval"
    tested = any(cell.verdict is not None for cell in cells)
    if filled:
        found.append(("mean" if counts[-1] >= FEWEST else "bare", mean + (": decided" if hollow else "")))
    if hollow:
        text = " or ".join(sorted({"no verdict" if cell.verdict is None else WORDS[cell.verdict] for cell in hollow}))
        found.append(("hollow", text) if filled else ("hollow mean" if counts[-1] >= FEWEST else "hollow", f"{mean}: {text}"))
    if counts[0] < FEWEST:
        found.append(("", f"no interval below {counted(FEWEST, 'seed')}"))
    if any(off_axis(panel, sheet.cells(place)) for place, panel in enumerate(sheet.panels)):
        found.append(("off", "off the axis"))
    if any(cell.published is not None for cell in every):
        found.append(("published", "published, one run each"))
    if sizes := [f"± {panel.unit.factor * panel.margin:g}" for panel in sheet.panels if panel.margin]:
        shown = sizes[:1] if len({*sizes}) == 1 else sizes  # in the order of the panels
        found.append(("margin", f"margin: {' and '.join(shown)}{sheet.panels[0].unit.name}" if len(shown) <= MARGINS else "margin"))
    if tested and len(cells) < len(every):
        found.append(("beside" if counts[-1] >= FEWEST else "bare beside", "not part of the claim"))
    return found


def _flow(page: Figure, key: list[tuple[str, str]], width: float) -> list[tuple[float, int]]:
    """Left end and line of each entry."""
    places, x, line = [], 0.0, 0
    for kind, text in key:
        wide = (MARK + 0.06 if kind else 0) + fitting.inches(page, text, SIZE)
        if x and x + wide > width:
            x, line = 0.0, line + 1
        places.append((x, line))
        x += wide + BETWEEN
    return places


def height(page: Figure, key: list[tuple[str, str]], width: float) -> float:
    """Inches that the key takes."""
    return fitting.height(_flow(page, key, width)[-1][1] + 1, SIZE + 1) + 0.04 if key else 0


def draw(page: Figure, key: list[tuple[str, str]], left: float, top: float, width: float) -> None:
    """Write the key in as many lines as it needs."""
    for (kind, text), (x, line) in zip(key, _flow(page, key, width), strict=True):
        middle = top + fitting.height(line, SIZE + 1) + 0.07
        x += left
        if kind:
            _mark(page, kind, x, page.get_figheight() - middle)
        fitting.put(page, x + (MARK + 0.06 if kind else 0), middle, [text], SIZE, va="center", color=style.MUTED)


def _mark(page: Figure, kind: str, x: float, y: float) -> None:
    scale = {"transform": page.dpi_scale_trans}
    if kind == "margin":
        page.add_artist(Rectangle((x, y - 0.055), MARK, 0.11, color=BAND, linewidth=0, **scale))
    elif kind == "off":
        page.add_artist(Line2D([x + MARK / 2], [y], **OFF, **scale))
    elif kind == "published":
        page.add_artist(Line2D([x + MARK / 2] * 2, [y - 0.07, y + 0.07], **PUBLISHED, **scale))
    elif kind == "seed":
        for shift, rise in ((0.03, -0.025), (0.1, 0.025), (0.17, -0.015)):
            page.add_artist(Line2D([x + shift], [y + rise], **DOTS, **scale))
    else:
        if kind in ("mean", "hollow mean", "beside"):
            page.add_artist(Line2D([x, x + MARK], [y, y], **INTERVAL | (BESIDE if kind == "beside" else {}), **scale))
        look = BESIDE_MEAN if "beside" in kind else MEAN | ({"markerfacecolor": "white"} if "hollow" in kind else {})
        page.add_artist(Line2D([x + MARK / 2], [y], **look, **scale))
