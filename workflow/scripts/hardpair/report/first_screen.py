"""The report's first screen: what the final figure shows, for a page that is read on a phone, on a dark screen or on paper."""

import numpy as np
import pandas as pd

from hardpair.comparison import answer, verdicts
from hardpair.comparison.tables import networks
from hardpair.comparison.warnings import warnings
from hardpair.figures import final
from hardpair.figures.drawing import difference_key, differences
from hardpair.figures.drawing.places import Places, limits, places, tick_text, ticks, written
from hardpair.figures.drawing.sheet import Block, Cell, Panel, Row, Sheet
from hardpair.measures.intervals import shown_interval
from hardpair.measures.metric_names import about, percent
from hardpair.wording import counted, labels_of, size_of_study

DOTS = 100  # seeds of a row that are drawn
TONES = {verdicts.SUPPORTED: "good", verdicts.REFUTED: "bad", verdicts.SMALLER: "same", verdicts.EQUIVALENT: "same"}


def first_screen(runs: pd.DataFrame, settings: dict, images: dict[str, int]) -> dict:
    """What the template of the first screen shows.

    Args:
        runs: as ``final.figure`` takes them.
        settings: those of the final figure.
        images: evaluated on, by class.
    """
    sheet = final.sheet(runs, settings)
    axes = [_axis(panel, limits(panel, sheet.cells(place))) for place, panel in enumerate(sheet.panels)]
    labels = labels_of(settings["variants"])
    levels = {name: final.level(runs, settings, name) for name in labels}
    cards = _cards(sheet, settings, labels, levels)
    return {
        "size": [
            size_of_study(settings),
            counted(sum(images.values()), f"{settings['evaluated_on']} image"),
        ],
        "headline": sheet.title,
        "context": _context(runs, settings, labels, levels),
        "warnings": list(warnings(runs, settings, sheet.fewest, images)),
        "cards": cards,
        "axes": axes,
        "blocks": [_block(block, sheet.panels, axes) for block in sheet.blocks],
        "judged": any(block.verdict is not None for block in sheet.blocks),
        "key": difference_key.marks(sheet) + _signs(cards),
    }


def _context(runs: pd.DataFrame, settings: dict, labels: dict, levels: dict) -> list[str]:
    """Sentences on the baseline, on what others reach and on the budget."""
    a, b = (name.replace("_", " ") for name in settings["pairs"][0])
    others = [f"{entry['label']}: {percent(entry['confusion'], 1)} %" for entry in about(settings["references"], settings["pairs"][:1])]
    share = f"{percent(levels[settings['baseline']][1], 1)} %"
    beside = f" ({'; '.join(others)})" if others else ""
    return [
        f"With {labels[settings['baseline']]}, {share} of {a} and {b} images are called the other class{beside}.",
        f"Budget: {', '.join([*final.budget(runs, settings), networks(runs)])}.",
    ]


def _cards(sheet: Sheet, settings: dict, labels: dict, levels: dict) -> list[dict]:
    """A card for each variant: confusion, accuracy, and where a claim compares it with the baseline the sign of its verdict."""
    cards = []
    for name in levels:
        given = answer.against(settings["claims"], sheet.decisions, name, settings["baseline"])
        accuracy, confusion = (
            {"text": f"{percent(share, 1)} %", "verdict": _verdict(given.get(measure))}
            for measure, share in zip(final.MEASURES, levels[name], strict=True)
        )
        cards.append({"label": labels[name], "baseline": name == settings["baseline"], "accuracy": accuracy, "confusion": confusion})
    return cards


def _signs(cards: list[dict]) -> list[tuple[str, str]]:
    """The entry of the key that explains the signs of the cards, if there are any; "not settled" last."""
    found = {verdict["sign"]: verdict["word"] for card in cards for measure in final.MEASURES if (verdict := card[measure]["verdict"])}
    order = sorted(found, key=lambda sign: verdicts.SIGNS.index(sign) or len(verdicts.SIGNS))
    without = any(not card["baseline"] and not (card["accuracy"]["verdict"] and card["confusion"]["verdict"]) for card in cards)
    rest = "; without a sign: no claim" if without else ""
    return [("", f"claims against the baseline: {', '.join(f'{sign} {found[sign]}' for sign in order)}{rest}")] if found else []


def _verdict(place: int | None) -> dict | None:
    """Sign, word and tone of a verdict."""
    if place is None:
        return None
    return {"sign": verdicts.SIGNS[place], "word": differences.word(place), "tone": TONES.get(place, "open")}


def _axis(panel: Panel, ends: tuple[float, float]) -> dict:
    """A panel with its ticks and its margin in per cent of its width."""
    low, high = ends
    margin = panel.unit.factor * panel.margin
    return {
        "title": panel.title,
        "ends": ends,
        "zero": _at(0, ends),
        "margin": (_at(-margin, ends), round(100 * 2 * margin / (high - low), 2)),
        "ticks": [(_at(tick, ends), tick_text(tick)) for tick in ticks(ends)],
    }


def _at(value: float, ends: tuple[float, float]) -> float:
    """Place of a value between the ends of an axis, in per cent."""
    return round(100 * (float(value) - ends[0]) / (ends[1] - ends[0]), 2)


def _block(block: Block, panels: tuple[Panel, ...], axes: list[dict]) -> dict:
    rows = [_row(row, panels, axes) for row in block.rows]
    return {"number": block.number, "sentence": block.sentence, "verdict": _verdict(block.verdict), "reason": block.reason, "rows": rows}


def _row(row: Row, panels: tuple[Panel, ...], axes: list[dict]) -> dict:
    cells = [_cell(cell, panel, axis) if cell else None for cell, panel, axis in zip(row.cells, panels, axes, strict=True)]
    return {"label": row.label, "control": row.control, "verdict": _verdict(row.verdict), "cells": cells}


def _cell(cell: Cell, panel: Panel, axis: dict) -> dict:
    """Marks of a cell in per cent of the panel's width, and what they say."""
    marks, ends = places(cell, panel, axis["ends"]), axis["ends"]
    order = np.argsort(marks.seeds, kind="stable")
    shown = order[np.unique(np.linspace(0, len(order) - 1, min(len(order), DOTS)).round().astype(int))]
    return {
        "seeds": [(_at(marks.seeds[place], ends), round(float(marks.heights[place]), 2)) for place in shown],
        "mean": None if marks.off else _at(marks.mean, ends),
        "interval": marks.interval and [_at(end, ends) for end in marks.interval],
        "arrows": _arrows(marks, ends),
        "published": None if marks.published is None else _at(marks.published, ends),
        "beyond": marks.beyond,
        "number": written(panel.unit, float(cell.gains.mean())),
        "verdict": _verdict(cell.verdict),
        "decides": cell.decides,
        "hollow": not cell.decided,
        "says": _sentence(cell, panel),
    }


def _arrows(marks: Places, ends: tuple[float, float]) -> list[tuple[float, str]]:
    """Place and direction of the arrows of an interval that is cut, or of a cell that is off the axis."""
    if marks.off:
        return [(100.0, "-") if marks.off > 0 else (0.0, "")]
    return [(_at(end, ends), way) for end, way, cut in zip(marks.interval or (), ("", "-"), marks.cut, strict=False) if cut]


def _sentence(cell: Cell, panel: Panel) -> str:
    """The cell in words, for screen readers."""
    found = shown_interval(cell.gains)
    said = f"{panel.title}: mean {written(panel.unit, found['mean'])}"
    if np.isfinite(found["low"]):
        said += ", 95 % interval " + " to ".join(written(panel.unit, found[end]) for end in ("low", "high"))
    if cell.published is not None:
        said += f", published {written(panel.unit, cell.published)}"
    seeds = counted(len(cell.gains), "seed")
    return f"{said}; {seeds}" + ("" if cell.verdict is None else f"; {verdicts.WORDS[cell.verdict]}")
