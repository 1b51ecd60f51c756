"""The verdicts on declared claims: runs become the numbers that ``verdicts`` has rules for; ``claims_in_words`` words them."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hardpair.comparison import claims_in_words, verdicts
from hardpair.comparison.claims_in_words import PERCENTAGE_POINTS, Unit
from hardpair.comparison.verdicts import ALPHA, EQUIVALENT, FEWEST_FOR_VERDICT, NO_VERDICT, NOT_SETTLED, NOT_TESTED, REFUTED, WORDS
from hardpair.errors import UserError
from hardpair.measures import spread
from hardpair.measures.intervals import paired
from hardpair.measures.looks import thresholds
from hardpair.measures.metric_names import BETTER, measures_of
from hardpair.measures.power import POWER, seeds_for_equivalence, seeds_needed
from hardpair.wording import labels_of

TESTS = ("p", "p_adjusted", "threshold", "p_equivalent", "threshold_equivalent")  # numbers of a decision
COLUMNS = ["name", "sentence", "control", "verdict", "seeds", *TESTS, "why"]


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
    unit: Unit = PERCENTAGE_POINTS

    @property
    def never_differs(self) -> bool:
        """Whether all differences are 0, up to rounding."""
        return bool(spread.constant(np.append(self.gains, 0)))

    @property
    def never_varies(self) -> bool:
        """Whether all differences are the same, up to rounding, so that they test nothing."""
        return bool(spread.constant(self.gains))

    @property
    def size(self) -> float:
        """How far its test is from 0: |t|, up to a factor; 0 if the differences test nothing."""
        return 0.0 if self.never_varies else abs(self.gains.mean()) / self.gains.std(ddof=1)

    def seeds_needed(self, level: float, wanted: float) -> int | None:
        """Seeds that find a true difference of this size and sd with the wanted power; None if more than ``power.MOST``."""
        return seeds_needed(float(self.gains.mean()), float(spread.sd(self.gains)), wanted, level)

    def seeds_for_equivalence(self, level: float, wanted: float) -> int | None:
        """Seeds that show such a difference to be within the margin; None if more than ``power.MOST``."""
        return seeds_for_equivalence(float(self.gains.mean()), float(spread.sd(self.gains)), self.margin, wanted, level)


@dataclass(frozen=True)
class Outlook:
    """What would settle a claim, if differences and sd stay as they are.

    Attributes:
        part: of which most is missing.
        seeds: that would settle it; None if more than ``power.MOST``.
        equivalent: whether by showing it to be within its margin.
        new_study: whether these are seeds of another study, since no look of this one is left that would settle it.
    """

    part: Part
    seeds: int | None
    equivalent: bool = False
    new_study: bool = False


@dataclass(frozen=True)
class Decision:
    """The verdict on a claim.

    Attributes:
        verdict: its place in ``verdicts.WORDS``.
        parts: of the claim, with the seeds that decide.
        p: of the claim; NaN with one seed, and where a difference does not vary. Each number is NaN where nothing is decided.
        p_adjusted: for the number of claims; NaN where looks adjust the threshold instead.
        threshold: which p or p_adjusted has to reach.
        p_equivalent: of equivalence; NaN where p is.
        threshold_equivalent: the claim's share of the error, which p_equivalent has to reach.
        level: two-sided error of the test that would decide the claim, were there more seeds.
    """

    verdict: int
    parts: list[Part]
    p: float = math.nan
    p_adjusted: float = math.nan
    threshold: float = math.nan
    p_equivalent: float = math.nan
    threshold_equivalent: float = math.nan
    level: float = math.nan

    @property
    def seeds(self) -> int:
        return len(self.parts[0].gains)

    @property
    def most_against(self) -> Part | None:
        """Of the parts that do not point in the claimed direction, the one whose test is furthest from 0."""
        return max((part for part in self.parts if part.gains.mean() <= 0), key=lambda part: part.size, default=None)

    def outlook(self, looks: tuple[int, ...] = ()) -> Outlook:
        """What would settle the claim: if the study has ``looks``, the first of those left that would, or else a new study."""
        part, needed = self._seeds_for_direction(self.level)
        rooms = [part.seeds_for_equivalence(self.threshold_equivalent, self._power_of_each) for part in self.parts]
        room = None if None in rooms else max(rooms)
        of_room = self.parts[rooms.index(room)]
        if looks:
            for look, p in zip(looks, thresholds(looks, self.threshold_equivalent), strict=True):
                if look > self.seeds and (self._seeds_for_direction(p)[1] or math.inf) <= look:
                    return Outlook(part, look)
            if room is not None and self.seeds < looks[-1] and room <= looks[-1]:  # only the last look judges equivalence
                return Outlook(of_room, looks[-1], equivalent=True)
        if room is not None and (needed is None or room < needed):
            return Outlook(of_room, max(room, FEWEST_FOR_VERDICT), equivalent=True, new_study=bool(looks))
        return Outlook(part, None if needed is None else max(needed, FEWEST_FOR_VERDICT), new_study=bool(looks) and needed is not None)

    @property
    def _power_of_each(self) -> float:
        """The power of each test with which all succeed with ``POWER`` at least, however they depend on each other (Bonferroni)."""
        return 1 - (1 - POWER) / len(self.parts)

    def _seeds_for_direction(self, level: float) -> tuple[Part, int | None]:
        """The part that needs the most seeds to support or, where one points the other way, to refute the claim; and their number."""
        if against := self.most_against:  # one part is enough to refute
            return against, against.seeds_needed(level / len(self.parts), POWER)
        needs = [part.seeds_needed(level, self._power_of_each) for part in self.parts]
        needed = None if None in needs else max(needs)
        return self.parts[needs.index(needed)], needed


def claims_table(runs: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """A row per claim, judged on the models after the last epoch, by the seeds with which every variant has a run.

    Returns:
        ``name``, ``sentence``, ``control``, ``verdict``, ``seeds`` (that decide), ``p`` of the claim and ``p_adjusted`` for the number of
        claims (Holm), which is compared with ``threshold``, as p itself is where the config declares looks; ``p_equivalent`` and its
        ``threshold_equivalent``; ``why``. All p are NaN where nothing was tested.

    Raises:
        UserError: a variant has two runs of a seed, or a run lacks a measure.
    """
    return judged(settings["claims"], [parts_of(claim, runs, settings) for claim in settings["claims"]], tuple(settings["looks"]))


def judged(claims: list[dict], parts: list[list[Part]], looks: tuple[int, ...] = ()) -> pd.DataFrame:
    """The table of ``claims_table`` of claims (``name``, ``sentence``, ``control``) and the parts of each."""
    rows = []
    for claim, complete, decision in zip(claims, parts, decisions(claims, parts, looks), strict=True):
        row = {key: claim[key] for key in ("name", "sentence", "control")} | {"verdict": WORDS[decision.verdict], "seeds": decision.seeds}
        row["why"] = claims_in_words.reason(decision, complete, looks, too_few(decision, complete, looks))
        rows.append(row | {key: getattr(decision, key) for key in TESTS})
    return pd.DataFrame(rows, columns=COLUMNS)


def decisions(claims: list[dict], parts: list[list[Part]], looks: tuple[int, ...] = ()) -> list[Decision]:
    """The verdict on each of the claims (``control``), given the parts of each with all complete seeds."""
    count = len(parts[0][0].gains) if claims else 0
    family = [not claim["control"] for claim in claims]
    if not count:
        found = [_undecided(each, 0) for each in parts]
    else:
        found = _at_looks(parts, family, looks) if looks else _after_all_seeds(parts, family)
    return [_given(decision, each, looks) for decision, each in zip(found, parts, strict=True)]


def _given(decision: Decision, complete: list[Part], looks: tuple[int, ...]) -> Decision:
    """The decision that is given: none after too few seeds, and none without p where a difference does not vary over the seeds that decide,
    if nothing refutes: p = 1 stands for no test."""
    if decision.seeds and decision.verdict != REFUTED and any(part.never_varies for part in decision.parts):
        decision = replace(decision, verdict=NOT_TESTED, **dict.fromkeys(("p", "p_adjusted", "p_equivalent"), float("nan")))
    return replace(decision, verdict=NO_VERDICT) if too_few(decision, complete, looks) else decision


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
    labels = labels_of(settings["variants"])
    columns = measures_of(settings)
    parts = []
    for contrast in claim["contrasts"]:
        pair = contrast["better"], contrast["than"]
        for measure in contrast["measures"]:
            sign = BETTER[measure]
            better, than = paired(*(by_variant[name][columns[measure]].loc[complete] for name in pair)) if complete else np.zeros((2, 0))
            if np.isnan(better - than).any():
                raise UserError(f"claim {claim['name']} needs the {measure} of every run, but one run has none: evaluate the runs again")
            shown = f"{labels[pair[0]]} against {labels[pair[1]]}"
            parts.append(Part(shown, measure, sign * (better - than), sign, settings["margins"][measure] / 100))
    return parts


def _arrays(parts: list[Part]) -> tuple[np.ndarray, np.ndarray]:
    """Gains (parts, n) and margins (parts,)."""
    return np.array([part.gains for part in parts]), np.array([part.margin for part in parts])


def _undecided(parts: list[Part], count: int) -> Decision:
    return Decision(NOT_SETTLED, [replace(part, gains=part.gains[:count]) for part in parts])


def _after_all_seeds(parts: list[list[Part]], family: list[bool]) -> list[Decision]:
    """Verdicts after the last seed; those of controls at the level of a claim among all, without being one of them."""
    tests = [verdicts.tested(*_arrays(each)) for each in parts]
    claims = [test for test, counted in zip(tests, family, strict=True) if counted]
    found, adjusted = verdicts.by_holm(claims) if claims else (np.zeros(0, int), np.zeros(0))
    remaining = max(int(np.isin(found, (NOT_SETTLED, EQUIVALENT)).sum()), 1)  # that Holm has not rejected
    share = ALPHA / max(len(claims), 1)
    of_claims = zip(found, adjusted, strict=True)
    decisions = []
    for each, test, counted in zip(parts, tests, family, strict=True):
        if counted:
            verdict, p_adjusted = next(of_claims)
        else:
            verdict, p_adjusted = verdicts.verdict(test, test.p <= share, test.p_equivalent <= share), min(test.p * ALPHA / share, 1)
        found_p = (test.p, p_adjusted, test.p_equivalent) if len(each[0].gains) > 1 else [float("nan")] * 3
        p, p_adjusted, p_equivalent = map(float, found_p)
        level = ALPHA / remaining if counted else share
        decisions.append(Decision(int(verdict), each, p, p_adjusted, ALPHA, p_equivalent, share, level))
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
            test = verdicts.tested(gains[:, :look], margins)
            p, p_equivalent = float(test.p), float(test.p_equivalent)
            decision = Decision(verdict, decision.parts, p, float("nan"), limits[look], p_equivalent, share, limits[looks[-1]])
        decisions.append(decision)
    return decisions
