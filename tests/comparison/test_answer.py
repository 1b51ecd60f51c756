"""The sentence of the finding: true for any verdicts, and short."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from scipy import stats

from claimed_study import AHEAD, BOTH, claim, made, settings
from hardpair.comparison import answer, claims
from hardpair.comparison.answer import Finding
from hardpair.comparison.verdicts import NO_VERDICT, NOT_SETTLED, NOT_TESTED, REFUTED, SUPPORTED, WORDS

MEASURES = {"accuracy": "accuracy", "confusion": "cat–dog confusion"}


def found(runs, declared):
    """Parts, decisions and headline of a study."""
    parts = [claims.parts_of(each, runs, declared) for each in declared["claims"]]
    decisions = claims.decisions(declared["claims"], parts, tuple(declared["looks"]))
    findings = answer.of_claims(declared, decisions, MEASURES)
    verdicts = [decision.verdict for decision, each in zip(decisions, declared["claims"], strict=True) if not each["control"]]
    fewest = claims.too_few(decisions[0], parts[0], tuple(declared["looks"]))
    return parts, decisions, answer.headline(verdicts, findings, len(parts[0][0].gains), fewest)


@pytest.mark.parametrize(
    ("means", "noise", "sentence"),
    [
        (AHEAD, 0.001, "A beats B in accuracy and cat–dog confusion"),
        ({"a": (0.84, 0.12), "b": (0.86, 0.12)}, 0.001, "A is worse than B in accuracy"),
        ({"a": (0.84, 0.14), "b": (0.86, 0.12)}, 0.001, "A is worse than B in accuracy and cat–dog confusion"),
        ({"a": (0.86, 0.12), "b": (0.86, 0.12)}, 0.0001, "A equals B in accuracy and cat–dog confusion, within the margin"),
        ({"a": (0.861, 0.119), "b": (0.86, 0.12)}, 0.0002, "A is ahead of B in accuracy and cat–dog confusion, by less than the margin"),
        ({"a": (0.875, 0.12), "b": (0.86, 0.12)}, 0.01, "Not settled after 10 seeds: whether A beats B in cat–dog confusion"),
        ({"a": (0.86, 0.12), "b": (0.86, 0.12)}, 0, "Not tested: a difference did not vary over 10 seeds"),
    ],
)
def test_one_claim_is_one_sentence(means, noise, sentence):
    assert found(made(10, noise=noise, **means), settings(claim(("a", "b", BOTH))))[2] == sentence


@pytest.mark.parametrize(("seeds", "looks", "expected"), [(2, (), "2 of at least 6"), (7, (8, 10), "7 of at least 8")])
def test_too_few_seeds_are_the_answer(seeds, looks, expected):
    declared = settings(claim(("a", "b", BOTH)), seeds=10, looks=looks)
    assert found(made(seeds, **AHEAD), declared)[2] == f"Too few seeds for a verdict: {expected}"


def test_claims_on_one_comparison_are_named_together_and_a_control_is_mentioned_where_it_does_not_confirm():
    runs = made(10, noise=0.0005, a=(0.87, 0.10), b=(0.86, 0.12), c=(0.87, 0.10))
    declared = [claim(("a", "b", ["accuracy"])), claim(("a", "b", ["confusion"]), name="second")]
    assert found(runs, settings(*declared))[2] == "A beats B in accuracy and cat–dog confusion"
    control = claim(("a", "c", ["accuracy"]), name="control", control=True)
    assert found(runs, settings(declared[0], control))[2] == "A beats B in accuracy, but not the control, C"
    confirmed = claim(("a", "b", ["accuracy"]), name="control", control=True)
    assert found(runs, settings(declared[0], confirmed))[2] == "A beats B in accuracy"


def test_a_control_is_mentioned_with_the_variant_that_it_is_about():
    runs = made(10, noise=0.0005, a=(0.87, 0.12), c=(0.88, 0.12), b=(0.86, 0.12))
    declared = claim(("a", "b", ["accuracy"]), ("c", "b", ["accuracy"]))
    control = claim(("a", "c", ["accuracy"]), name="control", control=True)
    assert found(runs, settings(declared, control))[2] == "A beats B in accuracy, but not the control, C; C beats B in accuracy"


@pytest.mark.parametrize(
    ("c", "measures", "ending"),
    [
        ((0.87, 0.12), ["accuracy"], ""),  # of another measure than the claim
        ((0.88, 0.12), BOTH, ""),  # refuted by accuracy, confirmed in confusion
        ((0.87, 0.10), ["confusion"], ", but not the control, C"),
        ((0.87, 0.102), ["confusion"], " (smaller than the margin against the control, C)"),
    ],
)
def test_a_control_explains_the_measure_of_the_claim(c, measures, ending):
    runs = made(10, noise=0.0003, a=(0.87, 0.10), b=(0.87, 0.12), c=c)
    control = claim(("a", "c", measures), name="control", control=True)
    assert found(runs, settings(claim(("a", "b", ["confusion"])), control))[2] == f"A beats B in cat–dog confusion{ending}"


def test_the_reason_names_the_part_that_did_not_vary():
    accuracy = 0.86 + np.linspace(0.01, 0.02, 10)
    for confusion, expected in ((0.12, "confusion did not differ"), (0.11, "confusion did not vary")):
        runs = made(10, noise=0, a=(accuracy, confusion), b=(0.86, 0.12))
        parts, [decision], headline = found(runs, settings(claim(("a", "b", BOTH))))
        assert answer.reason(decision, parts[0]) == expected
        assert headline == "Not tested: a difference did not vary over 10 seeds"


@hypothesis(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(st.sampled_from(range(len(WORDS))), st.integers(1, 60)),
        min_size=1,
        max_size=12,
    )
)
def test_the_headline_is_short_and_accounts_for_every_claim(drawn):
    verdicts = [verdict for verdict, _ in drawn]
    findings = [
        Finding(verdict, f"v{place}" * length, "base", ("accuracy",), frozenset([place]))
        for place, (verdict, length) in enumerate(drawn)
        if verdict != NOT_TESTED
    ]
    text = answer.headline(verdicts, findings, 10)
    assert answer.width(text) <= answer.LONGEST
    unnamed = [verdict for place, (verdict, length) in enumerate(drawn) if f"v{place}" * length not in text]
    for verdict in {*unnamed}:
        if len(drawn) > 1 and not text.startswith("None of "):
            assert f"{unnamed.count(verdict)} {answer.STATES[verdict]}" in text
    assert not any(place in text for place in ("  ", ";;", "None of 1 "))


@pytest.mark.parametrize(
    ("gain", "claims", "expected"), [(0.02, 1, SUPPORTED), (0.0037, 1, NOT_SETTLED), (0.0043, 1, SUPPORTED), (0.0043, 2, NOT_SETTLED)]
)
def test_a_part_of_an_unsettled_claim_is_adjusted_for_the_parts_and_the_claims(gain, claims, expected):
    runs = made(10, noise=0.004, a=(0.86 + gain, 0.12), b=(0.86, 0.12), c=(0.86, 0.12))
    declared = [claim(("a", "b", BOTH)), claim(("c", "b", BOTH), name="other")][:claims]
    parts, [decision, *_], _ = found(runs, settings(*declared))
    p = [stats.ttest_1samp(part.gains, 0).pvalue for part in parts[0]]
    assert p[0] < 0.05 < p[1], "the first part alone would be significant"
    assert (p[0] <= 0.05 / claims / 2) == (expected == SUPPORTED)
    assert answer.by_part(decision) == [expected, NOT_SETTLED]


def test_a_part_as_claimed_is_supported_in_a_refuted_claim():
    runs = made(10, noise=0.001, a=(0.84, 0.10), b=(0.86, 0.12))
    _, [decision], _ = found(runs, settings(claim(("a", "b", BOTH))))
    assert decision.verdict == REFUTED
    assert answer.by_part(decision) == [REFUTED, SUPPORTED]


def test_a_part_that_never_varies_is_not_settled_in_a_refuted_claim():
    runs = made(10, noise=0, a=(0.84 + 0.001 * np.sin(np.arange(10)), 0.11), b=(0.86, 0.12))
    _, [decision], _ = found(runs, settings(claim(("a", "b", BOTH))))
    assert decision.verdict == REFUTED
    assert answer.by_part(decision) == [REFUTED, NOT_SETTLED]


def test_parts_of_a_claim_refuted_at_four_seeds_have_their_own_verdicts():
    gain = 0.02 + 0.0002 * np.sin(np.arange(6))
    runs = made(6, noise=0, a=(0.86 - gain, 0.12 - gain), b=(0.86, 0.12))
    for looks in ((4, 6), (6, 10)):
        _, [decision], _ = found(runs, settings(claim(("a", "b", BOTH)), seeds=6, looks=looks))
        assert (decision.verdict, decision.seeds) == (REFUTED, looks[0])
        assert answer.by_part(decision) == [REFUTED, SUPPORTED]


def test_parts_have_no_verdict_before_their_claim():
    few = found(made(5, noise=0.0001, a=(0.88, 0.12), b=(0.86, 0.12)), settings(claim(("a", "b", BOTH)), seeds=5))[1][0]
    assert answer.by_part(few) == [NO_VERDICT] * 2


@hypothesis(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.floats(-0.03, 0.03), st.floats(-0.03, 0.03), st.sampled_from([(), (6, 10)]))
def test_parts_agree_with_the_verdict_and_reasons_are_short(seed, up, down, looks):
    rng = np.random.default_rng(seed)
    values = {name: (0.8 + rng.normal(0, 0.01, 10), 0.2 + rng.normal(0, 0.01, 10)) for name in "bc"}
    runs = made(10, noise=0, a=(0.8 + up + rng.normal(0, 0.01, 10), 0.2 + down + rng.normal(0, 0.01, 10)), **values)
    declared = settings(claim(("a", "b", BOTH), ("a", "c", ["accuracy"])), claim(("b", "c", BOTH), name="other"), looks=looks)
    parts, decisions, text = found(runs, declared)
    for complete, decision in zip(parts, decisions, strict=True):
        given_ = answer.by_part(decision)
        assert (set(given_) == {decision.verdict}) or (decision.verdict in (REFUTED, NOT_SETTLED) and decision.verdict in given_)
        assert all(
            (part.gains.mean() > 0) != (verdict == REFUTED)
            for part, verdict in zip(decision.parts, given_, strict=True)
            if verdict == REFUTED
        )
        assert answer.width(answer.reason(decision, complete, looks)) <= answer.SHORT
    assert answer.width(text) <= answer.LONGEST


@pytest.mark.parametrize(
    ("declared", "gain", "reasons"),
    [
        ([claim(("a", "b", ["accuracy"]))], 0.004, ["p = "]),
        ([claim(("a", "b", ["accuracy"])), claim(("a", "c", ["accuracy"]), name="other")], 0.004, ["p = ", "adjusted p = "]),
        ([claim(("a", "b", BOTH))], -0.004, ["adjusted p = "]),
    ],
)
def test_a_reason_calls_p_adjusted_if_it_is_another_number_than_that_of_the_test(declared, gain, reasons):
    wobble = np.where(np.arange(10) % 2, 1, -1) * 0.0035
    runs = made(10, noise=0, a=(0.86 + gain + wobble, 0.12), b=(0.86, 0.12 + wobble / 9), c=(0.8585, 0.12))
    parts, decisions, _ = found(runs, settings(*declared, margins=(0.001, 0.001)))
    shown = [answer.reason(decision, each) for decision, each in zip(decisions, parts, strict=True)]
    for text, decision, each, start in zip(shown, decisions, parts, reasons, strict=True):
        assert text == f"{start}{decision.p_adjusted:.2g}"
        raw = stats.ttest_1samp(each[0].gains, 0).pvalue
        assert (decision.p_adjusted == pytest.approx(raw)) == (start == "p = ")


def test_a_comparison_without_a_verdict_is_counted_in_the_headline():
    findings = [
        answer.Finding(verdict, better, "C", ("accuracy",), frozenset([place]))
        for place, (verdict, better) in enumerate([(SUPPORTED, "A"), (NOT_SETTLED, "B"), (NO_VERDICT, "D")])
    ]
    text = answer.headline([SUPPORTED, NOT_SETTLED, NO_VERDICT], findings, 10, noun="comparison")
    assert text == "A beats C in accuracy; of 3 comparisons, 1 without a verdict yet and 1 not settled"


@pytest.mark.parametrize("count", [59, 12_345, 99_999, 100_000])
@pytest.mark.parametrize(("equivalent", "new_study"), [(False, False), (True, False), (False, True), (True, True)])
def test_a_reason_says_what_more_seeds_may_do(monkeypatch, count, equivalent, new_study):
    parts, [decision], _ = found(made(10, noise=0.004, a=(0.861, 0.12), b=(0.86, 0.12)), settings(claim(("a", "b", BOTH))))
    assert decision.verdict == NOT_SETTLED
    outlook = claims.Outlook(parts[0][0], count, equivalent, new_study)
    monkeypatch.setattr(claims.Decision, "outlook", lambda *_: outlook)
    text = answer.reason(decision, parts[0])
    seeds = f"≈ {count:,} seeds"
    full = f"equivalent at {seeds}" if equivalent else f"{seeds} may settle it"
    full = f"{seeds} in a new study" if new_study else full
    assert text == (full if len(full) <= answer.SHORT else seeds)
    monkeypatch.setattr(claims.Decision, "outlook", lambda *_: claims.Outlook(parts[0][0], None))
    assert answer.reason(decision, parts[0]) == "> 100,000 seeds to settle it"


def test_a_control_belongs_to_the_claim_about_its_variant_and_measure():
    declared = [
        claim(("a", "b", ["confusion"]), name="first"),
        claim(("a", "b", ["accuracy"]), name="second"),
        claim(("a", "c", ["accuracy"]), name="control", control=True),
        claim(("c", "b", ["accuracy"]), name="of none", control=True),
    ]
    assert answer.controls(declared) == {1: [2], None: [3]}
