"""Verdicts on claims, and their reasons, in words; ``claims`` has their numbers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hardpair.comparison.verdicts import EQUIVALENT, NOT_SETTLED, NOT_TESTED, REFUTED, SMALLER
from hardpair.measures import significance
from hardpair.measures.intervals import mean_interval, shown_interval
from hardpair.measures.metric_names import decimal
from hardpair.measures.power import MOST

if TYPE_CHECKING:
    from hardpair.comparison.claims import Decision, Part


@dataclass(frozen=True)
class Unit:
    """How differences of a measure are written: times ``factor``, with so many ``digits``, and ``name`` after it."""

    factor: float = 100
    name: str = " pp"
    digits: int = 2

    def number(self, value: float, signed: bool = True) -> str:
        """A difference without its unit."""
        return decimal(self.factor * value, self.digits, signed)


PERCENTAGE_POINTS = Unit()


def name(part: "Part") -> str:
    """``A against B, accuracy``."""
    return f"{part.pair}, {part.measure}"


def beside(p: float, threshold: float) -> str:
    """p with two digits or, where these would not be on the same side of the threshold as p is, with as many as needed."""
    shown = (f"{p:.{digits}g}" for digits in range(2, 17))
    return next((text for text in shown if (float(text) <= threshold) == (p <= threshold)), repr(p))


def relation(p: float, threshold: float = 1) -> str:
    """``= 0.012``, as ``beside``, or ``< 1e-300`` for a p so small that its value is the limit of its computation."""
    return "< 1e-300" if p < 1e-300 else f"= {beside(p, threshold)}"


def difference(part: "Part", *, with_p: bool = True) -> str:
    """A part with its difference, its interval and p, as far as it has them."""
    summary, p = shown_interval(part.sign * part.gains), significance.t_test(part.gains) if with_p else np.nan
    interval = "" if np.isnan(summary["low"]) else f" {_ends(part, summary)}"
    return f"{_mean(part, summary)}{interval}" + ("" if np.isnan(p) else f", p {relation(p)}")


def _mean(part: "Part", summary: dict) -> str:
    return f"{name(part)} {part.unit.number(summary['mean'])}{part.unit.name}"


def _ends(part: "Part", summary: dict) -> str:
    return f"[{part.unit.number(summary['low'])}, {part.unit.number(summary['high'])}]"


def _equivalence(decision: "Decision") -> str:
    """Each part with the interval that lies within its margin exactly if both one-sided tests reject, and p of these tests."""
    level = 1 - 2 * decision.threshold_equivalent
    summaries = [(part, mean_interval(part.sign * part.gains, level)) for part in decision.parts]
    every = "; ".join(f"{_mean(part, summary)}, {100 * level:.3g} % interval {_ends(part, summary)}" for part, summary in summaries)
    p = f"p {relation(decision.p_equivalent, decision.threshold_equivalent)}, threshold {decision.threshold_equivalent:.3g}"
    return f"{every}: within {_margins(decision.parts)} (two one-sided tests, {p})"


def reason(decision: "Decision", complete: list["Part"], looks: tuple[int, ...], fewest: int | None) -> str:
    """Why a claim has its verdict.

    Args:
        complete: the parts of the claim, with all seeds so far.
        looks: of the study.
        fewest: seeds from which a verdict is given, if these are too few.
    """
    count, parts = len(complete[0].gains), decision.parts
    ahead = [look for look in looks if look > count]
    upcoming = f"; the next look is at {ahead[0]} seeds" if ahead else ""
    if fewest:
        some = "no seed is complete" if count == 0 else f"{count} seed{' is' if count == 1 else 's are'} complete"
        return f"{some}, and verdicts need {fewest}{upcoming}"
    at = f"after {decision.seeds} of {looks[-1]} seeds, " if looks else ""
    if decision.verdict == NOT_TESTED:
        part, early = next(part for part in parts if part.never_varies), at if decision.seeds < count else ""
        if part.never_differs:
            return f"{early}{name(part)}: the variants did not differ in these runs{upcoming}"
        return f"{early}{difference(part)}, the same with every seed: check that the runs depend on their seeds{upcoming}"
    one_p = bool(looks) and len(parts) == 1  # p of the claim is that of its part, and not adjusted
    if looks:
        p = f"p{'' if one_p else ' of the claim'} {relation(decision.p, decision.threshold)}, threshold {decision.threshold:.12g}"
    else:
        p = f"adjusted p {relation(decision.p_adjusted, decision.threshold)}"
    if decision.verdict == NOT_SETTLED:
        return f"{at}{_outlook(decision, looks, p, with_p=not one_p)}{upcoming}"
    if decision.verdict == REFUTED:
        return f"{at}{difference(decision.most_against, with_p=not one_p)}: significant the other way ({p})"
    if decision.verdict == EQUIVALENT:
        return f"{at}{_equivalence(decision)}"
    every = "; ".join(difference(part, with_p=not one_p) for part in parts)
    limits = f", but within {_margins(parts)}" if decision.verdict == SMALLER else ""
    return f"{at}{every}: significant as claimed ({p}){limits}"


def _margins(parts: list["Part"]) -> str:
    shown = {part.measure: f"± {part.unit.factor * part.margin:g}{part.unit.name}" for part in parts}
    return " and ".join(f"{margin} of {measure}" for measure, margin in shown.items())


def _outlook(decision: "Decision", looks: tuple[int, ...], p: str, *, with_p: bool) -> str:
    """The part of which most is missing, the claim's ``p``, and what so many seeds would do if differences and sd stay as they are."""
    outlook = decision.outlook(looks)
    seeds, end = f"{'a new study of ' * outlook.new_study}about {outlook.seeds} seeds", "would settle it"
    if outlook.seeds is None:
        seeds, end = f"more than {MOST:,} seeds", "would be needed to settle it"
    elif outlook.equivalent:
        end = "would show it to be within the margin"
    return f"{difference(outlook.part, with_p=with_p)} ({p}); {seeds} {end}, if differences stay as they are"
