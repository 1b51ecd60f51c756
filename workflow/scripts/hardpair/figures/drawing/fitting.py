"""Text in places of a known size: measured, broken into lines, placed in inches from the upper left corner of the page."""

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

SIZES = 2, 10  # times as large as which a text is measured: in the pixels of the PNG, and without steps of pixels, as in the SVG
LINE = 1.28  # height of a line in sizes of its font


def inches(page: Figure, text: str, size: float, weight: str = "normal") -> float:
    """Width of one line of text, where it is widest."""
    measure = page.canvas.get_renderer().get_text_width_height_descent
    fonts = {times: FontProperties(size=times * size, weight=weight) for times in SIZES}
    return max(measure(text, font, ismath=False)[0] / page.dpi / times for times, font in fonts.items())


def lines(page: Figure, text: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """``text`` in lines of at most ``width`` inches, broken between words, and within those that are longer than a line."""
    found = [""]
    for word in text.split(" "):
        longer = f"{found[-1]} {word}" if found[-1] else word
        if inches(page, longer, size, weight) <= width:
            found[-1] = longer
            continue
        if found[-1]:
            found.append("")
        for character in word:
            if found[-1] and inches(page, found[-1] + character, size, weight) > width:
                found.append("")
            found[-1] += character
    return found


def wrapped(page: Figure, text: str, width: float, size: float) -> str:
    """``text`` with a break after each of its ``lines``."""
    return "\n".join(lines(page, text, width, size))


def height(count: int, size: float) -> float:
    """Inches of so many lines."""
    return count * size * LINE / 72


def put(page: Figure, x: float, y: float, rows: list[str], size: float, **style) -> Text:
    """Write lines whose upper end is ``y`` inches below the top of the page."""
    style = {"ha": "left", "va": "top"} | style
    return page.text(
        x / page.get_figwidth(), 1 - y / page.get_figheight(), "\n".join(rows), fontsize=size, linespacing=LINE * 0.86, **style
    )
