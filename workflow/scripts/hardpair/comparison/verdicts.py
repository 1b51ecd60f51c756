"""Verdicts on claims. Pure functions on arrays: one study, or many simulated ones at once (benchmarks/coverage.py)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hardpair.measures import significance

ALPHA = 0.05  # of all claims together
FEWEST_FOR_VERDICT = 6  # seeds from which a verdict is given: with fewer, no test without the normal distribution can have p < 0.05
NOT_SETTLED, SUPPORTED, SMALLER, REFUTED, EQUIVALENT, NOT_TESTED, NO_VERDICT = range(7)
UNDECIDED = (NOT_SETTLED, NOT_TESTED, NO_VERDICT)  # more seeds may give another verdict
SIGNS = "?✓≈✗=–○"  # of the verdicts in their order
WORDS = ("not settled", "supported", "smaller than the margin", "refuted", "equivalent", "not tested", "no verdict yet")


@dataclass(frozen=True)
class Tested:
    """What tests of one claim say, arrays (…) of one shape.

    Attributes:
        p: of the claim as one hypothesis.
        favours: whether every part points in the claimed direction, so that p is about support and not about refutation.
        p_equivalent: of the hypothesis that every part lies within its margin.
        small: whether the 95 % interval of every part lies within its margin.
    """

    p: np.ndarray
    favours: np.ndarray
    p_equivalent: np.ndarray
    small: np.ndarray


def tested(gains: np.ndarray, margins: np.ndarray) -> Tested:
    """Test a claim.

    A claim holds only if each of its parts does, so it is supported with the largest p of its parts (intersection-union test, Berger
    1982), and refuted with the smallest p of the parts that point the other way, times the number of parts (Bonferroni). Equivalence of
    every part is an intersection-union test too.

    Args:
        gains: float (…, parts, n), paired differences that are positive where they are as claimed.
        margins: float (parts,), in the units of gains.
    """
    means = gains.mean(-1)
    p = np.nan_to_num(significance.t_test(gains), nan=1.0)
    favours = (means > 0).all(-1)
    refuted = np.minimum(gains.shape[-2] * np.where(means < 0, p, 1).min(-1), 1)
    p_equivalent = np.nan_to_num(significance.equivalence(gains, margins), nan=1.0).max(-1)
    # A 95 % interval lies within a margin where both one-sided tests have p < 2.5 %.
    return Tested(np.where(favours, p.max(-1), refuted), favours, p_equivalent, p_equivalent < 0.025)


def verdict(claim: Tested, significant: np.ndarray, equivalent: np.ndarray) -> np.ndarray:
    """Verdicts int (…), given where the claim and its equivalence are significant, bool (…)."""
    favours = claim.favours
    cases = [significant & favours & claim.small, significant & favours, significant & ~favours, equivalent]
    return np.select(cases, [SMALLER, SUPPORTED, REFUTED, EQUIVALENT], NOT_SETTLED)


def by_holm(claims: Sequence[Tested]) -> tuple[np.ndarray, np.ndarray]:
    """Verdicts int (…, m) on a study's m claims after its last seed, and their p adjusted over claims (Holm), float (…, m).

    Equivalence is tested beside direction, of each claim at ``ALPHA`` / m.
    """
    adjusted = significance.holm(np.stack([claim.p for claim in claims], -1))
    share = ALPHA / len(claims)
    found = [verdict(claim, adjusted[..., place] <= ALPHA, claim.p_equivalent <= share) for place, claim in enumerate(claims)]
    return np.stack(found, -1), adjusted


def by_looks(gains: np.ndarray, margins: np.ndarray, thresholds: dict[int, float], alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Verdicts int (…) on one claim, and the look that each was given at, int (…); the last look reached where it is not settled.

    A claim is decided at the first look at which its p is at most the threshold there, and called equivalent at the last look alone.

    Args:
        gains, margins: as ``tested`` takes them, in the order of seeds.
        thresholds: p by number of seeds, rising.
        alpha: level of equivalence.
    """
    verdicts, looks = (np.zeros(gains.shape[:-2], int) for _ in range(2))
    for count, p in thresholds.items():
        if count > gains.shape[-1]:
            break
        claim = tested(gains[..., :count], margins)
        now = verdict(claim, claim.p <= p, (claim.p_equivalent <= alpha) & (count == max(thresholds)))
        undecided = verdicts == NOT_SETTLED
        verdicts, looks = np.where(undecided, now, verdicts), np.where(undecided, count, looks)
    return verdicts, looks
