"""The figure of runs of any origin: each variant's differences to the baseline, with verdicts."""

import math

import pandas as pd
from matplotlib.figure import Figure

from hardpair.comparison import answer
from hardpair.comparison.measured_runs import Contrast
from hardpair.comparison.measured_unit import Scaled
from hardpair.comparison.verdicts import FEWEST_FOR_VERDICT, SIGNS, WORDS
from hardpair.figures.drawing import differences, style
from hardpair.figures.drawing.sheet import Block, Cell, Panel, Row, Sheet

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def figure(contrasts: list[Contrast], judged: pd.DataFrame, source: str) -> Figure:
    """A row a variant, a panel a measure.

    Args:
        contrasts: of all variants and measures.
        judged: ``measured_runs.verdicts_table`` of them.
        source: name of the file of the runs, for the footer.
    """
    found = [WORDS.index(word) for word in judged["verdict"]]
    measures = {entry.measure: entry for entry in contrasts}
    panels = tuple(_panel(name, [entry for entry in contrasts if entry.measure == name]) for name in measures)
    rows = []
    for variant in dict.fromkeys(entry.variant for entry in contrasts):
        cells = {
            entry.measure: Cell(entry.part.gains, verdict)
            for entry, verdict in zip(contrasts, found, strict=True)
            if entry.variant == variant
        }
        rows.append(Row(style.plain(variant), tuple(cells.get(measure) for measure in measures)))
    findings = [
        answer.Finding(verdict, style.plain(entry.variant), style.plain(entry.baseline), (style.plain(entry.measure),), frozenset([place]))
        for place, (entry, verdict) in enumerate(zip(contrasts, found, strict=True))
    ]
    counts = sorted({len(entry.differences) for entry in contrasts})
    fewest = FEWEST_FOR_VERDICT if counts[-1] < FEWEST_FOR_VERDICT else None
    title = answer.headline(found, findings, counts[-1], fewest, "comparison")
    seeds = f"n = {counts[0]} seeds" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]} seeds"
    subtitle = f"Differences from {style.plain(contrasts[0].baseline)}, {seeds}, paired · a dot is one seed · right is better"
    words = ", ".join(f"{SIGNS[verdict]} {WORDS[verdict]}" for verdict in dict.fromkeys(found))
    return differences.figure(Sheet(title, (subtitle, words), panels, (Block(tuple(rows)),), style.plain(source), fewest))


def _panel(measure: str, contrasts: list[Contrast]) -> Panel:
    """Of one measure; its title has the power of ten where numbers would need an exponent."""
    part, digits = contrasts[0].part, max(entry.part.unit.digits for entry in contrasts)
    exponent = math.floor(math.log10(part.unit.factor)) if part.unit.scientific else 0
    power = f" (×10{str(exponent).translate(SUPERSCRIPT)})" if exponent else ""
    unit = Scaled(part.unit.factor / 10.0**exponent, digits=min(max(digits + exponent, 0), 15))
    return Panel(f"{style.plain(measure)} {'gained' if part.sign > 0 else 'avoided'}{power}", part.margin, unit)
