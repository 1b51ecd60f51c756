"""What declared claims come to. ``verdicts`` has the rules; here runs become their numbers, and verdicts words."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hardpair.comparison import verdicts
from hardpair.comparison.verdicts import ALPHA, EQUIVALENT, FEWEST_FOR_VERDICT, NOT_SETTLED, NOT_TESTED, REFUTED, SMALLER, WORDS
from hardpair.errors import UserError
from hardpair.measures import significance
from hardpair.measures.intervals import paired, shown_interval
from hardpair.measures.looks import thresholds
from hardpair.measures.metric_names import metrics_of
from hardpair.measures.power import MOST, seeds_needed

COLUMNS = ["name", "sentence", "control", "verdict", "seeds", "p", "p_adjusted", "threshold", "why"]


@dataclass(frozen=True)
class Unit:
    """How differences of a measure are written: times ``factor``, with so many ``digits``, and ``name`` behind."""

    factor: float = 100
    name: str = " pp"
    digits: int = 2

    def number(self, value: float, signed: bool = True) -> str:
        """A difference without its unit."""
        return f"{self.factor * value:{'+' if signed else ''}.{self.digits}f}"


@dataclass(frozen=True)
class Part:
    """One comparison of a claim.

    Attributes:
        pair: both variants, in words.
        measure: in words.
        gains: float64 (n,) by seed, positive where the difference is as claimed.
        sign: of the claimed difference, better − than.
        margin: in the units of gains.
        unit: in which it is written.
    """

    pair: str
    measure: str
    gains: np.ndarray
    sign: int
    margin: float
    unit: Unit = Unit()

    @property
    def text(self) -> str:
        return f"{self.pair}, {self.measure}"

    def __str__(self) -> str:
        summary, p = shown_interval(self.sign * self.gains), significance.t_test(self.gains)
        mean, low, high = (self.unit.number(summary[key]) for key in ("mean", "low", "high"))
        interval = "" if np.isnan(summary["low"]) else f" [{low}, {high}]"
        return f"{self.text} {mean}{self.unit.name}{interval}" + ("" if np.isnan(p) else f", p = {p:.2g}")


@dataclass(frozen=True)
class Decision:
    """The verdict on a claim.

    Attributes:
        verdict: its place in ``verdicts.WORDS``.
        parts: of the claim, with the seeds that decide.
        p: of the claim; NaN with one seed.
        p_adjusted: for the number of claims; NaN where looks adjust the threshold instead.
        threshold: which p or p_adjusted has to reach.
        level: two-sided error of the test that would decide the claim, were there more seeds.
        share: of the error, at which equivalence is tested.
    """

    verdict: int
    parts: list[Part]
    p: float
    p_adjusted: float
    threshold: float
    level: float
    share: float

    @property
    def seeds(self) -> int:
        return len(self.parts[0].gains)


def claims_table(runs: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """A row per claim, judged on the models after the last epoch, by the seeds with which every variant has a run.

    Returns:
        ``name``, ``sentence``, ``control``, ``verdict``, ``seeds`` (that decide), ``p`` of the claim and ``p_adjusted`` for the number of
        claims (Holm), which is compared with ``threshold``, as p itself is where the config declares looks; ``why``.

    Raises:
        UserError: a variant has two runs of a seed, or a run lacks a measure.
    """
    return judged(settings["claims"], [parts_of(claim, runs, settings) for claim in settings["claims"]], tuple(settings["looks"]))


def judged(claims: list[dict], parts: list[list[Part]], looks: tuple[int, ...] = ()) -> pd.DataFrame:
    """The table of ``claims_table`` of claims (``name``, ``sentence``, ``control``) and the parts of each."""
    rows = []
    for claim, complete, decision in zip(claims, parts, decisions(claims, parts, looks), strict=True):
        row = {key: claim[key] for key in ("name", "sentence", "control")} | {"verdict": WORDS[decision.verdict]}
        row |= {key: getattr(decision, key) for key in ("seeds", "p", "p_adjusted", "threshold")}
        rows.append(row | {"why": _explained(decision, complete, looks)})
    return pd.DataFrame(rows, columns=COLUMNS)


def decisions(claims: list[dict], parts: list[list[Part]], looks: tuple[int, ...] = ()) -> list[Decision]:
    """The verdict on each of the claims (``control``), given the parts of each with all complete seeds."""
    count = len(parts[0][0].gains) if claims else 0
    if not count:
        return [_undecided(each, 0) for each in parts]
    decide = _at_looks if looks else _after_all_seeds
    found = decide(parts, [not claim["control"] for claim in claims], looks)
    return [replace(decision, verdict=_given(decision, each, looks)) for decision, each in zip(found, parts, strict=True)]


def _given(decision: Decision, complete: list[Part], looks: tuple[int, ...]) -> int:
    """The verdict that is given: none on too few seeds, or where runs do not differ."""
    if too_few(decision, complete, looks):
        return NOT_SETTLED
    return NOT_TESTED if decision.verdict != REFUTED and _same(complete) else decision.verdict


def _same(parts: list[Part]) -> Part | None:
    """The first part in which no run differs."""
    return next((part for part in parts if (part.gains == 0).all()), None)


def too_few(decision: Decision, complete: list[Part], looks: tuple[int, ...]) -> int | None:
    """The number of seeds from which a verdict is given, if the complete ones are fewer."""
    few = len(complete[0].gains) < FEWEST_FOR_VERDICT or not decision.seeds
    return max(FEWEST_FOR_VERDICT, looks[0] if looks else 0) if few else None


def parts_of(claim: dict, runs: pd.DataFrame, settings: dict) -> list[Part]:
    """The comparisons of a claim (``name``, ``contrasts``) by contrast and measure, with the seeds of which every variant has a run.

    Raises:
        UserError: a variant has two runs of a seed, or a run lacks a measure.
    """
    last, seeds = runs[runs["model"] == "last"], settings["seeds"]
    by_variant = {name: rows.set_index("seed") for name, rows in last.groupby("variant", sort=False)}
    names = [variant["name"] for variant in settings["variants"]]
    complete = [seed for seed in seeds if all(name in by_variant and seed in by_variant[name].index for name in names)]
    labels = {variant["name"]: variant.get("label") or variant["name"] for variant in settings["variants"]}
    columns = dict(zip(("accuracy", "confusion"), metrics_of(settings)[:2], strict=True))
    parts = []
    for contrast in claim["contrasts"]:
        pair = contrast["better"], contrast["than"]
        for measure in contrast["measures"]:
            sign = 1 if measure == "accuracy" else -1
            better, than = paired(*(by_variant[name][columns[measure]].loc[complete] for name in pair)) if complete else np.zeros((2, 0))
            if np.isnan(better - than).any():
                raise UserError(f"claim {claim['name']} needs the {measure} of every run, which one lacks: evaluate the runs again")
            shown = f"{labels[pair[0]]} against {labels[pair[1]]}"
            parts.append(Part(shown, measure, sign * (better - than), sign, settings["margins"][measure] / 100))
    return parts


def _arrays(parts: list[Part]) -> tuple[np.ndarray, np.ndarray]:
    """Gains (parts, n) and margins (parts,)."""
    return np.array([part.gains for part in parts]), np.array([part.margin for part in parts])


def _undecided(parts: list[Part], count: int) -> Decision:
    return Decision(NOT_SETTLED, [replace(part, gains=part.gains[:count]) for part in parts], *[float("nan")] * 5)


def _after_all_seeds(parts: list[list[Part]], family: list[bool], looks: tuple) -> list[Decision]:
    """Verdicts after the last seed; those of controls at the level of a claim among all, without being one of them."""
    tests = [verdicts.tested(*_arrays(each)) for each in parts]
    claims = [test for test, counted in zip(tests, family, strict=True) if counted]
    found, adjusted = verdicts.by_holm(claims) if claims else (np.zeros(0, int), np.zeros(0))
    remaining = max(int((found == NOT_SETTLED).sum()), 1)
    share = ALPHA / max(len(claims), 1)
    of_claims = zip(found, adjusted, strict=True)
    decisions = []
    for each, test, counted in zip(parts, tests, family, strict=True):
        if counted:
            verdict, p_adjusted = next(of_claims)
        else:
            verdict, p_adjusted = verdicts.verdict(test, test.p <= share, test.p_equivalent <= share), min(test.p * ALPHA / share, 1)
        p, p_adjusted = (float(test.p), float(p_adjusted)) if len(each[0].gains) > 1 else (float("nan"),) * 2
        decisions.append(Decision(int(verdict), each, p, p_adjusted, ALPHA, ALPHA / remaining if counted else share, share))
    return decisions


def _at_looks(parts: list[list[Part]], family: list[bool], looks: tuple[int, ...]) -> list[Decision]:
    """Verdicts at the first look that decides, each claim with the same share of the error."""
    share = ALPHA / max(sum(family), 1)
    limits = dict(zip(looks, thresholds(looks, share), strict=True))
    decisions = []
    for each in parts:
        gains, margins = _arrays(each)
        verdict, look = map(int, verdicts.by_looks(gains, margins, limits, share))
        decision = _undecided(each, look)
        if look:
            p = float(verdicts.tested(gains[:, :look], margins).p)
            decision = Decision(verdict, decision.parts, p, float("nan"), limits[look], limits[looks[-1]], share)
        decisions.append(decision)
    return decisions


def _explained(decision: Decision, complete: list[Part], looks: tuple[int, ...]) -> str:
    """The reason of a verdict in words."""
    count, parts = len(complete[0].gains), decision.parts
    ahead = [look for look in looks if look > count]
    upcoming = f"; the next look is at {ahead[0]} seeds" if ahead else ""
    if fewest := too_few(decision, complete, looks):
        some = "no seed is complete" if count == 0 else f"{count} seed{' is' if count == 1 else 's are'} complete"
        return f"{some}, and verdicts need {fewest}{upcoming}"
    if decision.verdict == NOT_TESTED:
        return f"{_same(complete).text}: the variants did not differ in these runs"
    at = f"at the look at {decision.seeds} of {looks[-1]} seeds, " if looks else ""
    p = f"p = {decision.p:.2g}, threshold {decision.threshold:.2g}" if looks else f"adjusted p = {decision.p_adjusted:.2g}"
    if decision.verdict == NOT_SETTLED:
        return f"{at}{_outlook(decision)}{upcoming}"
    if decision.verdict == REFUTED:
        against = max((part for part in parts if part.gains.mean() < 0), key=_nearness)
        return f"{at}{against}: significant the other way ({p})"
    every = "; ".join(map(str, parts))
    if decision.verdict == EQUIVALENT:
        return f"{at}{every}: within {_margins(parts)} (two one-sided tests)"
    limits = f", but within {_margins(parts)}" if decision.verdict == SMALLER else ""
    return f"{at}{every}: significant as claimed ({p}){limits}"


def _nearness(part: Part) -> float:
    """How far the test of a part is from 0: |t|, up to a factor."""
    mean, sd = abs(part.gains.mean()), part.gains.std(ddof=1)
    return np.inf if sd == 0 else mean / sd


def _margins(parts: list[Part]) -> str:
    shown = {part.measure: f"± {part.unit.factor * part.margin:g}{part.unit.name}" for part in parts}
    return " and ".join(f"{margin} of {measure}" for measure, margin in shown.items())


def _outlook(decision: Decision) -> str:
    """The part of which most is missing, and with how many seeds the claim would be settled if differences and sd stay as they are."""
    part, needed, equivalent = outlook(decision)
    if needed is None:
        return f"{part}; more than {MOST:,} seeds would be needed to settle it, if differences stay as they are"
    outcome = "show it to be within the margin" if equivalent else "settle it"
    return f"{part}; about {needed} seeds would {outcome}, if differences stay as they are"


def outlook(decision: Decision) -> tuple[Part, int | None, bool]:
    """Of a claim that is not settled, the part of which most is missing, the number of seeds that would settle the claim if differences and
    sd stay as they are (None: more than ``MOST``), and whether they would show equivalence."""
    parts, level = decision.parts, decision.level
    against = [part for part in parts if part.gains.mean() <= 0]
    if against:  # one part is enough to refute
        part = max(against, key=_nearness)
        needed = _needed(part.gains.mean(), part.gains, level / len(parts))
    else:
        needs = [_needed(part.gains.mean(), part.gains, level) for part in parts]
        needed = None if None in needs else max(needs)
        part = parts[needs.index(needed)]
    # The tests of equivalence are one-sided; the nearer edge of the margin decides, nearly.
    rooms = [_needed(max(part.margin - abs(part.gains.mean()), 0), part.gains, 2 * decision.share) for part in parts]
    equivalent = None not in rooms and (needed is None or max(rooms) < needed)
    if equivalent:
        needed, part = max(rooms), parts[rooms.index(max(rooms))]
    return part, None if needed is None else max(needed, FEWEST_FOR_VERDICT), equivalent


def _needed(difference: float, gains: np.ndarray, level: float) -> int | None:
    return seeds_needed(float(difference), float(gains.std(ddof=1)), alpha=level)
