"""Claims that are judged at declared numbers of seeds, against a plain loop over the rules of docs/study/full/registration.md."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from scipy import stats

from claimed_study import AHEAD, BOTH, claim, judged, made, settings
from hardpair.comparison import answer, claims, listed_claims, verdicts
from hardpair.comparison.claims import Part
from hardpair.comparison.claims_in_words import beside
from hardpair.measures.looks import thresholds
from registration_rules import LOOKS, registered


def test_every_verdict_of_the_registration():
    rng, found, margins = np.random.default_rng(0), [], np.array([0.3, 0.5])
    limits = dict(zip(LOOKS, claims.thresholds(tuple(LOOKS), 0.05 / 4), strict=True))
    assert limits == LOOKS
    for _ in range(1500):
        parts, seeds = rng.integers(1, 3), rng.integers(4, 13)
        gains = rng.choice([-1, -0.2, 0, 0.1, 0.5, 1], (parts, 1)) + rng.choice([0.02, 0.1, 0.4]) * rng.normal(size=(parts, seeds))
        verdict, look = verdicts.by_looks(gains, margins[:parts], limits, 0.05 / 4)
        found.append((verdicts.WORDS[verdict], int(look)))
        assert found[-1] == registered(gains, margins[:parts])
    assert {word for word, _ in found} == set(verdicts.WORDS) - {"not tested", "no verdict yet"}
    assert {look for word, look in found if word == "supported"} == set(LOOKS)


@pytest.mark.parametrize("seeds", [6, 7, 8, 9, 10, 12])
def test_a_claim_is_decided_by_the_seeds_of_its_look_alone(seeds):
    runs = made(seeds, noise=0.003, **AHEAD)
    declared = settings(claim(("a", "b", BOTH)), seeds=seeds, looks=LOOKS)
    row = claims.claims_table(runs, declared).iloc[0]
    assert (row["verdict"], row["seeds"], row["threshold"]) == ("supported", 6, claims.thresholds(tuple(LOOKS), 0.05)[1])
    assert row["why"].startswith("after 6 of 10 seeds, A against B, accuracy +")
    assert np.isnan(row["p_adjusted"])
    runs.loc[runs["seed"] > 5, ["accuracy", "confusion:cat-dog"]] = 0.5
    assert claims.claims_table(runs, declared).iloc[0].equals(row), "later seeds do not change it"


@pytest.mark.parametrize(
    ("noise", "looks", "early"), [(0.003, LOOKS, True), (0.02, LOOKS, False), (0.003, {10: 0.05}, False), (0.003, (), False)]
)
def test_a_decision_before_the_last_look_is_said_to_exaggerate(noise, looks, early):
    declared = settings(claim(("a", "b", BOTH)), looks=looks)
    table = claims.claims_table(made(10, noise=noise, **AHEAD), declared)
    assert ("larger than the true ones" in listed_claims.exaggeration(table, declared["looks"])) == early


def test_between_looks_the_last_look_stands_and_the_next_is_named():
    runs = made(9, noise=0.02, **AHEAD)
    verdict, why = judged(runs, settings(claim(("a", "b", BOTH)), seeds=9, looks=LOOKS))
    assert verdict == "not settled"
    assert why.startswith("after 8 of 10 seeds, A against B, ")
    assert why.endswith("; the next look is at 10 seeds")
    assert judged(runs, settings(claim(("a", "b", BOTH)), seeds=8, looks=LOOKS)) == (verdict, why), "the ninth seed is not looked at"


@pytest.mark.parametrize(("seeds", "upcoming"), [(1, 4), (3, 4), (5, 6)])
def test_before_six_seeds_nothing_is_decided_and_the_next_look_is_named(seeds, upcoming):
    some = "1 seed is" if seeds == 1 else f"{seeds} seeds are"
    assert judged(made(seeds, **AHEAD), settings(claim(("a", "b", BOTH)), seeds=seeds, looks=LOOKS)) == (
        "no verdict yet",
        f"{some} complete, and verdicts need 6; the next look is at {upcoming} seeds",
    )


def test_the_first_look_may_be_later_than_the_fewest_seeds():
    why = judged(made(7, **AHEAD), settings(claim(("a", "b", BOTH)), seeds=7, looks=(8, 12)))[1]
    assert why == "7 seeds are complete, and verdicts need 8; the next look is at 8 seeds"


def test_each_of_several_claims_has_the_same_threshold_and_controls_too():
    declared = [claim(("a", "b", [measure]), name=f"{measure}{place}") for measure in BOTH for place in range(2)]
    declared.append(claim(("a", "c", BOTH), name="control", control=True))
    table = claims.claims_table(made(10, noise=0.02, **AHEAD), settings(*declared, looks=LOOKS))
    assert set(table["threshold"]) == {0.01}
    assert set(table["seeds"]) == {10}


@pytest.mark.parametrize(("gain", "expected"), [(0.0022, 8), (0.0016, 10), (0.0001, None)])
def test_the_seeds_that_would_settle_a_claim_are_those_of_a_look_to_come(gain, expected):
    wobble = np.where(np.arange(6) % 2, 1, -1) * 0.0012
    runs = made(6, noise=0, a=(0.86 + gain + wobble, 0.12), b=(0.86, 0.12))
    _, why = judged(runs, settings(claim(("a", "b", ["accuracy"]), name="c"), seeds=6, looks=(6, 8, 10), margins=(0.01, 0.01)))
    count = int(re.search(r"about ([\d,]+) seeds would", why)[1].replace(",", ""))
    assert count == expected if expected else count > 10
    assert ("a new study of about" in why) == (expected is None)
    assert why.endswith("; the next look is at 8 seeds")


@pytest.mark.parametrize("margin", [1e-6, 0.01])
def test_after_the_last_look_only_a_new_study_can_settle_a_claim(margin):
    wobble = np.where(np.arange(10) % 2, 1, -1) * 0.012
    declared = settings(claim(("a", "b", ["accuracy"])), seeds=10, looks=LOOKS, margins=(margin, margin))
    verdict, why = judged(made(10, noise=0, a=(0.8608 + wobble, 0.12), b=(0.86, 0.12)), declared)
    assert verdict == "not settled"
    assert re.search(r"; a new study of about \d+ seeds would (settle it|show it to be within the margin), if", why)


def test_p_is_shown_on_its_side_of_the_threshold():
    wobble = stats.zscore(np.array([-1, 1, -1, 1, -1, 1, -1, 1, 3, 3]), ddof=1)  # earlier looks do not reject
    limit = thresholds(tuple(LOOKS), 0.05)[-1]
    gain = stats.t.isf(limit * 1.002 / 2, 9) / 10**0.5  # p a little above the threshold
    _, why = judged(
        made(10, noise=0, a=(0.86 + 0.001 * (gain + wobble), 0.12), b=(0.86, 0.12)),
        settings(claim(("a", "b", ["accuracy"])), seeds=10, looks=LOOKS, margins=(1e-6, 1e-6)),
    )
    p, threshold = map(float, re.search(r"\(p = ([\d.]+), threshold ([\d.]+)\)", why).groups())
    assert threshold == limit < p == pytest.approx(1.002 * limit, rel=1e-3)
    assert why.count("p = ") == 1, "the part's p is that of the claim"


@hypothesis(deadline=None)
@given(st.floats(1e-12, 1), st.sampled_from([0.05, 0.01, 0.00005]), st.sampled_from([1, 1 + 1e-9, 1 - 1e-9, 1.004]))
def test_every_p_is_shown_on_its_side(p, threshold, near):
    for value in (p, threshold * near):
        assert (float(beside(value, threshold)) <= threshold) == (value <= threshold)
        assert float(beside(value, threshold)) == pytest.approx(value, rel=0.05)


@pytest.mark.parametrize("gain", [0, 0.01])
@pytest.mark.parametrize(("seeds", "tested"), [(7, False), (8, True)])
def test_a_difference_that_is_the_same_with_every_seed_of_the_look_is_not_tested_until_the_next(gain, seeds, tested):
    runs = made(seeds, noise=0, a=(0.86 + np.where(np.arange(seeds) < 6, gain, 0.02), 0.12), b=(0.86, 0.12))
    declared = settings(claim(("a", "b", ["accuracy"])), seeds=seeds, looks=(6, 8, 10))
    row = claims.claims_table(runs, declared).iloc[0]
    if tested:
        p = stats.ttest_rel([gain] * 6 + [0.02] * 2, np.zeros(8)).pvalue
        assert (row["seeds"], row["p"]) == (8, pytest.approx(p))
        return
    assert (row["verdict"], row["seeds"]) == ("not tested", 6)
    assert np.isnan(row["p"])
    same = r"\+1\.00 pp.*, the same with every seed: check that the runs depend on their seeds"
    words = f" {same}" if gain else ": the variants did not differ in these runs"
    assert re.fullmatch(f"after 6 of 10 seeds, A against B, accuracy{words}; the next look is at 8 seeds", row["why"])


@hypothesis(deadline=None, max_examples=150)
@given(
    st.lists(st.lists(st.sampled_from([-0.01, 0.0, 0.01, 0.02]), min_size=12, max_size=12), min_size=2, max_size=2),
    st.integers(0, 12),
    st.sampled_from([(), (3, 7), (4, 6, 8), (6, 8, 10)]),
)
def test_no_reason_has_a_number_that_is_none(gains, count, looks):
    parts = [[Part("A against B", measure, np.array(each[:count]), 1, 0.003) for measure, each in zip(BOTH, gains, strict=True)]]
    declared = [claim(("a", "b", BOTH))]
    row = claims.judged(declared, parts, looks).iloc[0]
    [decision] = claims.decisions(declared, parts, looks)
    assert not re.search(r"\b(nan|inf)\b", f"{row['why']} {answer.reason(decision, parts[0], looks)}")
    if row["verdict"] != "refuted" and count >= max([6, *looks[:1]]):
        constant = any(len({*each[: row["seeds"]]}) == 1 for each in gains)
        assert (row["verdict"] == "not tested") == constant
