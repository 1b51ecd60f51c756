"""The final figure: what was found. A block a claim, with the paired differences that decide it, its control and its verdict."""

from collections.abc import Set
from dataclasses import replace
from itertools import product
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from hardpair.comparison import answer, claims
from hardpair.comparison.claims import Decision, Part
from hardpair.comparison.claims_in_words import Unit
from hardpair.comparison.verdicts import FEWEST_FOR_VERDICT
from hardpair.errors import UserError
from hardpair.figures.drawing import differences, style
from hardpair.figures.drawing.sheet import Block, Cell, Panel, Row, Sheet
from hardpair.files.readers import read_table
from hardpair.measures.metric_names import about, measures_of, percent
from hardpair.measures.pair_name import shown_pair
from hardpair.wording import counted, size_of_study

MEASURES = ("accuracy", "confusion")
POINTS = Unit(name=" points")


def read(files: dict[str, Path], settings: dict) -> list[pd.DataFrame]:
    """The table of runs that ``compare`` wrote.

    Raises:
        UserError: it lacks a measure or a run.
    """
    key = "variant", "seed", "model"
    table = read_table(files["table"], *key, "epochs", *measures_of(settings).values(), key=key)
    present = set(table[table["model"] == "last"][["variant", "seed"]].itertuples(index=False, name=None))
    for variant, seed in product((variant["name"] for variant in settings["variants"]), settings["seeds"]):
        if (variant, seed) not in present:
            raise UserError(f"{files['table']} lacks the last model of {variant} with seed {seed}: run compare again")
    return [table]


def figure(runs: pd.DataFrame, settings: dict) -> Figure:
    """The claims of a study; without claims its contrasts.

    Args:
        runs: ``tables.runs_table``: columns variant, seed, model, epochs, accuracy and the confusion of the first pair.
    """
    return differences.figure(sheet(runs, settings))


def sheet(runs: pd.DataFrame, settings: dict) -> Sheet:
    """What the figure shows, as ``figure`` takes it."""
    settings = settings | {"variants": [{**variant, "label": _label(variant)} for variant in settings["variants"]]}
    pair = style.plain(shown_pair(*settings["pairs"][0]))
    names = {"accuracy": "accuracy", "confusion": f"{pair} confusion"}  # as the title calls them
    titles = ("Accuracy gained (points)", f"{pair[:1].upper()}{pair[1:]} confusion avoided (points)")
    panels = tuple(Panel(title, settings["margins"][measure] / 100, POINTS) for title, measure in zip(titles, MEASURES, strict=True))
    parts = [claims.parts_of(claim, runs, settings) for claim in settings["claims"]]
    decisions = claims.decisions(settings["claims"], parts, tuple(settings["looks"]))
    blocks = _claimed(runs, settings, parts, decisions) if parts else _contrasts(runs, settings)
    judged = [place for place, claim in enumerate(settings["claims"]) if not claim["control"]] or list(range(len(parts)))
    if parts:
        fewest = claims.too_few(decisions[judged[0]], parts[judged[0]], tuple(settings["looks"]))
        findings = answer.of_claims(settings, decisions, names)
        seeds = len(parts[0][0].gains) if fewest else max(decisions[place].seeds for place in judged)
        title = answer.headline([decisions[place].verdict for place in judged], findings, seeds, fewest)
    else:
        fewest = FEWEST_FOR_VERDICT if len(settings["seeds"]) < FEWEST_FOR_VERDICT else None
        title = _untitled(settings, len(blocks[0].rows) if blocks else 0)
    source = style.origin({key: settings[key] for key in ("study", "made") if key in settings})
    subtitle = _about(runs, settings), _levels(runs, settings, pair)
    return Sheet(title, subtitle, panels, blocks, source, fewest, tuple(decisions))


def _label(variant: dict) -> str:
    return style.plain(variant.get("label") or variant["name"])


def _untitled(settings: dict, contrasts: int) -> str:
    if not contrasts:
        return "No claim and no contrast was declared"
    return f"No claim is judged: {counted(contrasts, 'contrast')} of {counted(len(settings['variants']), 'variant')}"


def _claimed(runs: pd.DataFrame, settings: dict, parts: list[list[Part]], decisions: list[Decision]) -> tuple[Block, ...]:
    """A block for each claim, its controls below it; controls of no claim come last."""
    declared, looks = settings["claims"], tuple(settings["looks"])
    explained = answer.controls(declared)
    shown = [place for place, claim in enumerate(declared) if not claim["control"]] + explained.get(None, [])
    blocks = []
    for number, place in enumerate(shown, 1):
        claim, decision = declared[place], decisions[place]
        rows, better = _rows(runs, settings, claim, decision), {contrast["better"] for contrast in claim["contrasts"]}
        controls = explained.get(place, [])
        for control in controls:
            rows += _rows(runs, settings, declared[control], decisions[control], better)
        if not controls:
            rows += [_row(runs, settings, pair, {}, better) for pair in _controlled(settings, better)]
        sentence = style.plain(claim["sentence"]).strip().removesuffix(".")
        why = "" if claims.too_few(decision, parts[place], looks) else answer.reason(decision, parts[place], looks)
        blocks.append(Block(tuple(rows), sentence, str(number) if len(shown) > 1 else "", decision.verdict, why))
    return tuple(blocks)


def _controlled(settings: dict, better: set[str]) -> list[list[str]]:
    """Declared contrasts in no claim that explain one: of a ``better`` variant of it with one that differs in its recipe."""
    own = {variant["name"] for variant in settings["variants"] if variant.get("recipe")}
    claimed = [{part["better"], part["than"]} for each in settings["claims"] for part in each["contrasts"]]
    return [pair for pair in settings["contrasts"] if pair[0] in better - own and pair[1] in own and set(pair) not in claimed]


def _contrasts(runs: pd.DataFrame, settings: dict) -> tuple[Block, ...]:
    rows = tuple(_row(runs, settings, pair, {}) for pair in settings["contrasts"])
    return (Block(rows),) if rows else ()


def _rows(runs: pd.DataFrame, settings: dict, claim: dict, decision: Decision, explains: Set[str] = frozenset()) -> list[Row]:
    """A row for each contrast of a claim, with the seeds that decided it; ``explains`` as ``_row`` takes it."""
    verdicts, rows = iter(answer.by_part(decision)), []
    for contrast in claim["contrasts"]:
        given = {measure: next(verdicts) for measure in contrast["measures"]}
        row = _row(runs, settings, [contrast["better"], contrast["than"]], given, explains, decision.verdict if explains else None)
        rows.append(replace(row, cells=tuple(cell and replace(cell, gains=cell.gains[: decision.seeds or None]) for cell in row.cells)))
    return rows


def _row(
    runs: pd.DataFrame, settings: dict, pair: list[str], given: dict[str, int], explains: Set[str] = frozenset(), verdict: int | None = None
) -> Row:
    """Two variants in both measures.

    Args:
        given: the verdict in each measure that is claimed.
        explains: of a control, the better variants of the claim that it explains.
        verdict: of that control.
    """
    variants = {variant["name"]: variant for variant in settings["variants"]}
    better, than = (variants[name] for name in pair)
    contrast = {"better": pair[0], "than": pair[1], "measures": MEASURES}
    cells = []
    for part in claims.parts_of({"name": "", "contrasts": [contrast]}, runs, settings):
        published = [variant.get("published") for variant in (better, than)]
        difference = part.sign * (published[0][part.measure] - published[1][part.measure]) if all(published) else None
        decides = part.measure in given or not (given or explains)
        cells.append(Cell(part.gains, given.get(part.measure), decides, difference) if len(part.gains) else None)
    if explains == {pair[0]}:
        label = f"vs control: {than['label']}"
    else:
        label = "control: " * bool(explains) + f"{better['label']} vs\N{NO-BREAK SPACE}{than['label']}"
    return Row(label, tuple(cells), bool(explains), verdict)


def _about(runs: pd.DataFrame, settings: dict) -> str:
    images = f"{settings['evaluated_on']} images"
    return f"{size_of_study(settings)} · {', '.join([*budget(runs, settings), images])} · a dot is one seed: gain of first over second"


def budget(runs: pd.DataFrame, settings: dict) -> list[str]:
    """What runs were trained on and how long, as far as it is known: ``fake``, ``400 training images``, ``50 epochs``."""
    epochs = sorted({int(value) for value in runs["epochs"]}) if "epochs" in runs else []
    lasted = "" if not epochs else counted(epochs[0], "epoch") if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]} epochs"
    trained = settings["trained_on"]
    images = counted(trained["images"], "training image") if trained["images"] else ""
    return list(filter(None, (style.plain(trained["name"]), images, lasted)))


def level(runs: pd.DataFrame, settings: dict, variant: str) -> tuple[float, float]:
    """Mean accuracy and confusion of the first pair over a variant's seeds, shares."""
    last = runs[(runs["model"] == "last") & (runs["variant"] == variant) & runs["seed"].isin(settings["seeds"])]
    accuracy, confusion = (last[column].mean() for column in measures_of(settings).values())
    return accuracy, confusion


def _levels(runs: pd.DataFrame, settings: dict, pair: str) -> str:
    """Where the baseline stands, and what others reach."""
    accuracy, confusion = (percent(share, 1) for share in level(runs, settings, settings["baseline"]))
    label = next(variant["label"] for variant in settings["variants"] if variant["name"] == settings["baseline"])
    others = "".join(f" ({style.reference_label(reference)})" for reference in about(settings["references"], settings["pairs"][:1]))
    return f"Baseline {label}: {accuracy} % accuracy, {confusion} % {pair} confusion{others}"
