"""Paired differences: a row a comparison, a panel a measure, right is better; with what they come to."""

from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.ticker import FuncFormatter

from hardpair.comparison import verdicts
from hardpair.figures.drawing import difference_key, fitting, style
from hardpair.figures.drawing.difference_key import BAND, BESIDE, BESIDE_MEAN, DOTS, INTERVAL, MEAN, OFF, PUBLISHED
from hardpair.figures.drawing.places import Places, limits, locator, places, tick_text, ticks, written
from hardpair.figures.drawing.sheet import Block, Cell, Panel, Row, Sheet

# Colours of a verdict: text and frame, tint.
TONES = {verdicts.SUPPORTED: ("#0b6b46", "#e3f1ea"), verdicts.REFUTED: ("#9a3412", "#fce8df")}
TONES |= {verdict: ("#2b4f86", "#e4ecf7") for verdict in (verdicts.SMALLER, verdicts.EQUIVALENT)}
TONES |= {verdict: ("#555555", "#f0f0ec") for verdict in verdicts.UNDECIDED}
EDGE, LABELS, NUMBERS, VERDICTS, LEAST = 0.12, 1.7, 0.7, 1.5, 1.0  # inches: margin, columns, width of a panel
SHORTER = {verdicts.SMALLER: "small"}
TITLE, SENTENCE, BODY, SMALL = 11.5, 9.5, 8.5, 7.5  # points
MANY = 100  # seeds beyond which dots are kept as pixels in the SVG
ROW, GAP = 0.4, 0.1  # inches: height of a row, room between blocks


@dataclass(frozen=True)
class _Columns:
    """Left ends of columns in inches, and widths of the claims' numbers (0 without), panels, the numbers beside them and the page."""

    claim: float

    panels: tuple[float, ...]
    panel: float
    numbers: float
    verdict: float
    page: float


def figure(sheet: Sheet) -> Figure:
    """The page; as high as its rows need."""
    page = style.new_page(style.WIDTH, 1)
    columns = _columns(page, sheet)
    page.set_figwidth(columns.page)
    page.set_layout_engine("none")
    y, texts = EDGE, []
    for text, size, weight, colour in (
        (sheet.title, TITLE, "bold", style.INK),
        *((each, SMALL, "normal", style.MUTED) for each in sheet.subtitle),
    ):
        rows = fitting.lines(page, text, columns.page - 2 * EDGE, size, weight)
        texts.append((EDGE, y, rows, size, {"weight": weight, "color": colour}))
        y += fitting.height(len(rows), size) + 0.04
    y += 0.06
    ends = [*(x - 0.1 for x in columns.panels[1:]), columns.page - EDGE]  # of titles: the last may reach above the verdicts
    heads = [fitting.lines(page, panel.title, end - x, BODY) for panel, x, end in zip(sheet.panels, columns.panels, ends, strict=True)]
    if sheet.rows:
        below = y + fitting.height(max(map(len, heads)), BODY)
        for x, head in zip(columns.panels, heads, strict=True):
            texts.append((x, below, head, BODY, {"va": "bottom", "color": style.INK}))
        y = below + 0.05
    placed = list(_placed(page, sheet, columns, y))
    bottom = placed[-1].end if placed else y
    key = difference_key.marks(sheet)
    height = bottom + 0.42 + difference_key.height(page, key, columns.page - 2 * EDGE)
    source = fitting.lines(page, sheet.footer, columns.page - 2 * EDGE, 6)
    page.set_figheight(height + fitting.height(len(source), 6) + 0.06)
    for x, at, rows, size, look in texts:
        fitting.put(page, x, at, rows, size, **look)
    if placed:
        _rule(page, y, columns, style.MUTED)
        _draw(page, sheet, columns, placed, y, bottom)
    difference_key.draw(page, key, EDGE, bottom + 0.42, columns.page - 2 * EDGE)
    fitting.put(page, EDGE, height, source, 6, color=style.MUTED)
    return page


def _columns(page: Figure, sheet: Sheet) -> _Columns:
    judged = any(block.verdict is not None for block in sheet.blocks)
    count, verdict = len(sheet.panels), VERDICTS if judged else 0.0
    means = {_mean(panel, cell) for place, panel in enumerate(sheet.panels) for cell in sheet.cells(place)}
    numbers = max([NUMBERS, *(fitting.inches(page, mean, BODY, "bold") + 0.34 for mean in means)])
    wide = max(style.WIDTH, 2 * EDGE + LABELS + verdict + count * (LEAST + numbers))
    panel = (wide - 2 * EDGE - LABELS - verdict) / count - numbers
    lefts = tuple(EDGE + LABELS + place * (panel + numbers) for place in range(count))
    widest = max((fitting.inches(page, block.number, SENTENCE, "bold") for block in sheet.blocks if block.number), default=None)
    claim = 0.0 if widest is None else max(0.2, widest + 0.08)
    return _Columns(claim, lefts, panel, numbers, wide - EDGE - verdict + 0.12, wide)


def _mean(panel: Panel, cell: Cell) -> str:
    return written(panel.unit, float(cell.gains.mean()))


@dataclass(frozen=True)
class _Placed:
    """A block with its lines of text, and upper ends in inches: of the block, and of each row with its height and lines."""

    block: Block
    start: float
    end: float
    sentence: list[str]
    rows: list[tuple[Row, float, float, list[str]]]


def _placed(page: Figure, sheet: Sheet, columns: _Columns, y: float) -> Iterator[_Placed]:
    for block in sheet.blocks:
        start, room = y, columns.verdict - 0.1 - EDGE - columns.claim
        sentence = fitting.lines(page, block.sentence, room, SENTENCE, "bold") if block.sentence else []
        y += GAP * 0.7 + (fitting.height(len(sentence), SENTENCE) if sentence else 0)
        rows = []
        for row in block.rows:
            label = fitting.lines(page, row.label, LABELS - _indent(row, columns) - 0.06, BODY)
            tall = max(ROW, fitting.height(len(label), BODY) + 0.06)
            rows.append((row, y, tall, label))
            y += tall
        chip = 0.34 + fitting.height(len(_reason(page, block)), SMALL) if block.verdict is not None else 0
        y = max(y, start + chip) + GAP * 0.3
        yield _Placed(block, start, y, sentence, rows)


def _indent(row: Row, columns: _Columns) -> float:
    return columns.claim + (0.14 if row.control else 0.0)


def _reason(page: Figure, block: Block) -> list[str]:
    return fitting.lines(page, block.reason, VERDICTS - 0.12, SMALL) if block.reason else []


def _rule(page: Figure, y: float, columns: _Columns, colour: str) -> None:
    at = 1 - y / page.get_figheight()
    page.add_artist(Rectangle((EDGE / columns.page, at), 1 - 2 * EDGE / columns.page, 0, edgecolor=colour, linewidth=0.7))


def _draw(page: Figure, sheet: Sheet, columns: _Columns, placed: list[_Placed], top: float, bottom: float) -> None:
    high = page.get_figheight()
    axes = []
    for place, (left, panel) in enumerate(zip(columns.panels, sheet.panels, strict=True)):
        ax = page.add_axes((left / columns.page, 1 - bottom / high, columns.panel / columns.page, (bottom - top) / high))
        _dress(ax, panel, sheet.cells(place), (bottom, top))
        axes.append(ax)
    for number, at in enumerate(placed):
        if number and (at.sentence or placed[number - 1].sentence):
            _rule(page, at.start, columns, style.FAINT)
        if at.sentence:
            if at.block.number:
                fitting.put(page, EDGE, at.start + GAP * 0.7, [at.block.number], SENTENCE, weight="bold", color=style.MUTED)
            fitting.put(page, EDGE + columns.claim, at.start + GAP * 0.7, at.sentence, SENTENCE, weight="bold")
        if at.block.verdict is not None:
            _chip(page, columns.verdict, at.start + GAP * 0.7, at.block.verdict)
            fitting.put(page, columns.verdict, at.start + 0.32, _reason(page, at.block), SMALL, color=style.INK)
        for row, y, tall, label in at.rows:
            _draw_row(page, columns, (row, y, tall, label))
            for ax, panel, cell, left in zip(axes, sheet.panels, row.cells, columns.panels, strict=True):
                _mark_row(ax, panel, y, tall)
                if cell:
                    marks = places(cell, panel, ax.get_xlim())
                    _draw_cell(ax, marks, cell, y + tall / 2)
                    _number(page, left + columns.panel + columns.numbers, y + tall / 2, panel, cell, marks.beyond)


def _draw_row(page: Figure, columns: _Columns, placed: tuple[Row, float, float, list[str]]) -> None:
    row, y, tall, label = placed
    colour = style.MUTED if row.control else style.INK
    middle = {"va": "center", "color": colour}
    if row.control:
        fitting.put(page, EDGE + _indent(row, columns) - 0.14, y + tall / 2, ["↳"], BODY, **middle)
    fitting.put(page, EDGE + _indent(row, columns), y + tall / 2, label, BODY, **middle)
    if row.verdict is not None:
        text = f"{verdicts.SIGNS[row.verdict]} {word(row.verdict)}"
        fitting.put(page, columns.verdict, y + tall / 2, [text], SMALL, va="center", color=TONES[row.verdict][0])


def word(verdict: int) -> str:
    """The word of a verdict that fits a column."""
    return SHORTER.get(verdict, verdicts.WORDS[verdict])


def _chip(page: Figure, x: float, y: float, verdict: int) -> None:
    colour, tint = TONES[verdict]
    text, size = f"{verdicts.SIGNS[verdict]}  {word(verdict)}", BODY
    wide, tall = fitting.inches(page, text, size, "bold") + 0.16, 0.2
    box = FancyBboxPatch((x, page.get_figheight() - y - tall), wide, tall, boxstyle="round,pad=0,rounding_size=0.06", facecolor=tint,
                         edgecolor=colour, linewidth=0.8, transform=page.dpi_scale_trans)  # fmt: skip
    page.add_artist(box)
    fitting.put(page, x + 0.08, y + tall / 2, [text], size, weight="bold", va="center", color=colour)


def _dress(ax: Axes, panel: Panel, cells: list[Cell], ends: tuple[float, float]) -> None:
    """An axis whose vertical coordinate is inches from the top of the page."""
    ax.patch.set_visible(False)
    ax.set_ylim(*ends)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlim(*limits(panel, cells))
    ax.xaxis.set_major_locator(locator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))
    for ha, x, text in (("left", 0, "← worse"), ("right", 1, "better →")):
        ax.annotate(text, (x, 0), (0, -15), xycoords="axes fraction", textcoords="offset points", ha=ha, va="top", fontsize=SMALL - 0.5,
                    color=style.MUTED)  # fmt: skip


def _mark_row(ax: Axes, panel: Panel, y: float, tall: float) -> None:
    """Zero, the margin and the grid in the height of a row."""
    start, end = y + 0.02, y + tall - 0.02
    margin = panel.unit.factor * panel.margin
    if margin:
        ax.add_patch(Rectangle((-margin, start), 2 * margin, end - start, color=BAND, linewidth=0, zorder=0.4, label="_margin"))
    ax.vlines(ticks(ax.get_xlim()), start, end, color=style.FAINT, linewidth=0.5, zorder=0.3)
    ax.vlines([0], start, end, color=style.MUTED, linewidth=0.8, zorder=0.6)


def _draw_cell(ax: Axes, marks: Places, cell: Cell, y: float) -> None:
    pale, count = {} if cell.decides else BESIDE, len(marks.seeds)
    shrunk = min((30 / max(count, 1)) ** 0.5, 1)
    look = DOTS | {"markersize": max(DOTS["markersize"] * shrunk, 1.2), "rasterized": count > MANY} | pale
    ax.plot(marks.seeds, y + 0.09 + 0.14 * marks.heights, label="_seeds", **look)
    if marks.interval:
        ax.plot(marks.interval, [y - 0.1] * 2, label="_interval", **(INTERVAL | pale))
        for end, marker, cut in zip(marks.interval, "<>", marks.cut, strict=True):
            if cut:
                ax.plot([end], [y - 0.1], marker=marker, color=style.INK, markersize=3.5, clip_on=False, **pale)
    if marks.off:
        end = ax.get_xlim()[marks.off > 0]
        ax.plot([end], [y - 0.1], label="_off", **(OFF | {"marker": "<>"[marks.off > 0]} | pale))
    else:
        tested = MEAN | ({} if cell.decided else {"markerfacecolor": "white"})
        ax.plot([marks.mean], [y - 0.1], label="_mean", **(tested if cell.decides else BESIDE_MEAN))
    if marks.published is not None:
        ax.vlines([marks.published], y - 0.18, y - 0.02, zorder=2.6, label="_published", **(PUBLISHED | pale))


def _number(page: Figure, x: float, y: float, panel: Panel, cell: Cell, beyond: str) -> None:
    """The mean left of ``x``, bold where it decides, with the sign of its verdict; below it a published value that is off the axis."""
    look = {
        "weight": "bold" if cell.decides and cell.verdict is not None else "normal",
        "color": style.INK if cell.decides else style.MUTED,
    }
    fitting.put(page, x - 0.26, y, [_mean(panel, cell)], BODY, ha="right", va="center", **look)
    if cell.verdict is not None:
        fitting.put(page, x - 0.15, y, [verdicts.SIGNS[cell.verdict]], BODY, ha="center", va="center", weight="bold",
                    color=TONES[cell.verdict][0])  # fmt: skip
    if beyond:
        fitting.put(page, x - 0.26, y + 0.07, [f"publ. {beyond}"], SMALL - 1, ha="right", color=PUBLISHED["color"])
