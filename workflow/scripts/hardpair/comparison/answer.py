"""What a study found: one sentence made of its verdicts, and the reason of each in a few characters."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hardpair.comparison.claims import Decision, Part, too_few
from hardpair.comparison.verdicts import (
    EQUIVALENT,
    NO_VERDICT,
    NOT_SETTLED,
    NOT_TESTED,
    REFUTED,
    SMALLER,
    SUPPORTED,
    WORDS,
)
from hardpair.measures import significance
from hardpair.measures.power import MOST
from hardpair.wording import counted, joined, labels_of

STATES = (*WORDS[:NO_VERDICT], "without a verdict yet")  # in which claims are
LONGEST, SHORT = 170, 28  # characters of a headline and of a reason
VERBS = {SUPPORTED: ("beats", "beat"), SMALLER: ("is ahead of", "are ahead of"), REFUTED: ("is worse than", "are worse than")}
VERBS |= {EQUIVALENT: ("equals", "equal")}
ORDER = tuple(VERBS)  # in which a headline has them
ENDINGS = {SMALLER: ", by less than the margin", EQUIVALENT: ", within the margin"}


@dataclass(frozen=True)
class Finding:
    """A verdict on a comparison of two variants.

    Attributes:
        verdict: its place in ``verdicts.WORDS``.
        better, than: names of the variants.
        measures: in words.
        claims: places of the claims that say it.
        control: what the better variant was compared with to explain the finding, and the verdict on that; empty if it was not.
    """

    verdict: int
    better: str
    than: str
    measures: tuple[str, ...]
    claims: frozenset[int]
    control: tuple[str, int] | tuple[()] = ()


def headline(verdicts: Sequence[int], findings: list[Finding], seeds: int, fewest: int | None = None, noun: str = "claim") -> str:
    """The answer in about ``LONGEST`` characters: what was found, and how many claims came to another verdict.

    Args:
        verdicts: of each claim, without controls; at least one.
        findings: what the claims say of which variants; of a claim that is not settled only where one comparison is all of it.
        seeds: that the verdicts are given after; with too few, those that all variants have.
        fewest: seeds from which a verdict is given, if there are too few.
        noun: what is judged.
    """
    if fewest:
        return f"Too few seeds for a verdict: {f'{seeds} of at least {fewest}' if seeds else 'none is complete'}"
    clauses = _clauses([finding for finding in findings if finding.verdict in VERBS])
    questions = [f"whether {_said(finding, 'beats')}" for finding in findings if finding.verdict == NOT_SETTLED]
    candidates = []
    if clauses and len(questions) == list(verdicts).count(NOT_SETTLED) > 0 and not {NOT_TESTED, NO_VERDICT} & {*verdicts}:
        candidates.append("; ".join([*(text for text, _ in clauses), f"not settled: {joined(questions)}"]))
    for count in range(len(clauses), 0, -1):  # what is not said is counted
        said = {claim for _, claims in clauses[:count] for claim in claims}
        rest = _counts([verdict for claim, verdict in enumerate(verdicts) if claim not in said], len(verdicts), noun)
        candidates.append("; ".join([*(text for text, _ in clauses[:count]), *rest]))
    if len(verdicts) == len(questions) == 1:
        candidates.append(f"Not settled after {counted(seeds, 'seed')}: {questions[0]}")
    if {*verdicts} == {NOT_SETTLED} and len(verdicts) > 1:
        candidates.append(f"None of {len(verdicts)} {noun}s is settled after {counted(seeds, 'seed')}")
    if verdicts == [NOT_TESTED]:
        candidates.append(f"Not tested: a difference did not vary over {counted(seeds, 'seed')}")
    elif len(verdicts) == 1:
        candidates.append(f"The {noun} is {STATES[verdicts[0]]} after {counted(seeds, 'seed')}")
    else:
        candidates.append(f"Of {'; '.join(_counts(list(verdicts), len(verdicts), noun)).partition('of ')[2]}")
    return next((text for text in candidates if width(text) <= LONGEST), candidates[-1])


def _counts(verdicts: list[int], total: int, noun: str) -> list[str]:
    """``of 4 claims, 1 refuted and 2 not settled``; nothing of no verdict."""
    counts = [f"{verdicts.count(place)} {word}" for place, word in enumerate(STATES) if place in verdicts]
    counts = counts[1:] + counts[:1] if NOT_SETTLED in verdicts else counts
    return [f"of {counted(total, noun)}, {joined(counts)}"] if counts else []


def width(text: str) -> int:
    """Characters of a text; Chinese, Japanese and Korean ones take two places."""
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in text)


def _clauses(findings: list[Finding]) -> list[tuple[str, set[int]]]:
    """A clause for each verdict on the same comparison, and the claims that it is about: measures, and then variants, of equal findings are
    named together."""
    measures: dict[tuple, list[Finding]] = {}
    for finding in findings:
        measures.setdefault((finding.verdict, finding.than, finding.control, finding.better), []).append(finding)
    variants: dict[tuple, list[Finding]] = {}
    for same in measures.values():
        names = tuple(dict.fromkeys(name for finding in same for name in finding.measures))
        merged = replace(same[0], measures=names, claims=frozenset().union(*(finding.claims for finding in same)))
        variants.setdefault((merged.verdict, merged.than, merged.control, names), []).append(merged)
    clauses = []
    for same in sorted(variants.values(), key=lambda same: ORDER.index(same[0].verdict)):
        first, better = same[0], joined([finding.better for finding in same])
        text = _said(replace(first, better=better), VERBS[first.verdict][len(same) > 1])
        text += ENDINGS.get(first.verdict, "") + _explained(first.control)
        clauses.append((text, set().union(*(finding.claims for finding in same))))
    return clauses


def _said(finding: Finding, verb: str) -> str:
    return f"{finding.better} {verb} {finding.than} in {joined(finding.measures)}"


def _explained(control: tuple) -> str:
    """The result of the control for a finding, where it does not confirm it."""
    if not control or control[1] == SUPPORTED:
        return ""
    name, verdict = control
    if verdict in (REFUTED, EQUIVALENT):
        return f", but not the control, {name}"
    return f" ({WORDS[verdict]} against the control, {name})"


def reason(decision: Decision, complete: list[Part], looks: tuple[int, ...] = ()) -> str:
    """Why a verdict is what it is, in at most ``SHORT`` characters.

    Args:
        complete: parts of the claim with all complete seeds.
        looks: of the study.
    """
    count = len(complete[0].gains)
    if fewest := too_few(decision, complete, looks):
        return f"{counted(count, 'seed')} of at least {fewest}" if count else "no seed is complete"
    if decision.verdict == NOT_TESTED:
        same = [part for part in decision.parts if part.never_varies]
        if len(same) < len(decision.parts):
            return f"{same[0].measure} did not {'differ' if same[0].never_differs else 'vary'}"
        return "the variants did not differ" if any(part.never_differs for part in same) else "the same with every seed"
    if decision.verdict == NOT_SETTLED:
        outlook = decision.outlook(looks)
        if outlook.seeds is None:
            return f"> {MOST:,} seeds to settle it"
        seeds = f"≈ {outlook.seeds:,} seeds"
        text = f"equivalent at {seeds}" if outlook.equivalent else f"{seeds} may settle it"
        text = f"{seeds} in a new study" if outlook.new_study else text
        return text if width(text) <= SHORT else seeds
    if decision.verdict == EQUIVALENT:
        return "within the margin"
    p = decision.p if looks else decision.p_adjusted
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    # For the number of claims, or of the parts of a refuted one: the raw p of a part is another number.
    adjusted = not looks and (p != decision.p or (decision.verdict == REFUTED and len(decision.parts) > 1))
    if decision.verdict == SMALLER:
        return f"{'adj. ' * adjusted}{shown}, in margin"
    return f"{shown} at {decision.seeds} seeds" if looks else f"{'adjusted ' * adjusted}{shown}"


def by_part(decision: Decision) -> list[int]:
    """The verdict on each part of a claim.

    It is the claim's, unless the claim is refuted or not settled. Then each part is supported or refuted whose own p, times the number of
    parts and adjusted for the number of claims, is at most the claim's threshold; the others are not settled, also those without p.
    """
    if decision.verdict not in (REFUTED, NOT_SETTLED) or len(decision.parts) == 1:
        return [decision.verdict] * len(decision.parts)
    tests = [(part.gains.mean() > 0, float(significance.t_test(part.gains))) for part in decision.parts]
    level = min(decision.level, decision.threshold)
    if decision.verdict == REFUTED:
        level = decision.threshold / (decision.p_adjusted / decision.p if decision.p_adjusted > 0 and decision.p > 0 else 1)
    limit = level / len(decision.parts) * (1 + 1e-9)
    return [(SUPPORTED if ahead else REFUTED) if p <= limit else NOT_SETTLED for ahead, p in tests]


def against(claims: list[dict], decisions: list[Decision], better: str, than: str) -> dict[str, int]:
    """By measure the verdict of the first claim (controls are none) that one variant is better than another; only what was claimed."""
    found: dict[str, int] = {}
    for claim, decision in zip(claims, decisions, strict=True):
        for contrast, measure, verdict in _parts(claim, decision):
            if (contrast["better"], contrast["than"]) == (better, than) and not claim["control"]:
                found.setdefault(measure, verdict)
    return found


def controls(claims: list[dict]) -> dict[int | None, list[int]]:
    """Places of the controls (``control``) by the place of the claim that each explains: the first about the same variant and measure, or
    about the same variant; None where there is none."""
    found: dict[int | None, list[int]] = {}
    for place, control in enumerate(claims):
        if control["control"]:
            same = [other for other, claim in enumerate(claims) if not claim["control"] and _about(claim, control, measures=True)]
            near = [other for other, claim in enumerate(claims) if not claim["control"] and _about(claim, control, measures=False)]
            found.setdefault(next(iter(same + near), None), []).append(place)
    return found


def _about(claim: dict, control: dict, measures: bool) -> bool:
    """Whether a control has the better variant of a claim, with one of its ``measures``."""
    return any(
        ours["better"] == theirs["better"] and (not measures or {*ours["measures"]} & {*theirs["measures"]})
        for ours in claim["contrasts"]
        for theirs in control["contrasts"]
    )


def of_claims(settings: dict, decisions: list[Decision], measures: dict[str, str]) -> list[Finding]:
    """Findings of the claims of ``settings``, for ``headline``; a part of a claim that the claim does not settle is no finding.

    Args:
        measures: accuracy and confusion in words.
    """
    labels = labels_of(settings["variants"])
    every, explained = settings["claims"], controls(settings["claims"])
    judged = [place for place, claim in enumerate(every) if not claim["control"]]
    findings = []
    for number, place in enumerate(judged):
        claim, decision = every[place], decisions[place]
        if decision.verdict == NOT_SETTLED and len(claim["contrasts"]) > 1:
            continue
        tried: dict[tuple, tuple] = {}  # the control of each variant and measure
        for control in explained.get(place, []) if decision.verdict in (SUPPORTED, SMALLER) else []:
            for contrast, measure, verdict in _parts(every[control], decisions[control]):
                tried.setdefault((contrast["better"], measure), (labels[contrast["than"]], verdict))
        found: dict[tuple, list[str]] = {}
        for contrast, measure, verdict in _parts(claim, decision):
            if verdict == decision.verdict:
                pair = labels[contrast["better"]], labels[contrast["than"]]
                found.setdefault((*pair, tried.get((contrast["better"], measure), ())), []).append(measures[measure])
        for (better, than, control), names in found.items():
            findings.append(Finding(decision.verdict, better, than, tuple(names), frozenset([number]), control))
    return findings


def _parts(claim: dict, decision: Decision) -> Iterator[tuple[dict, str, int]]:
    """Contrast, measure and verdict of each part of a claim."""
    verdicts = iter(by_part(decision))
    for contrast in claim["contrasts"]:
        for measure in contrast["measures"]:
            yield contrast, measure, next(verdicts)
