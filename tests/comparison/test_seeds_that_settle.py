"""The number of seeds that is said to settle a claim does so in 80 % of studies, simulated with the tests that judge real ones."""

import numpy as np
import pytest
from scipy import stats

from hardpair.comparison import claims, verdicts
from hardpair.comparison.claims import Part
from hardpair.comparison.verdicts import EQUIVALENT, REFUTED, SMALLER, SUPPORTED
from hardpair.measures.looks import thresholds

SD, STUDIES = 0.01, 4000
SHAPE = stats.zscore(np.arange(8.0), ddof=1)


def outlook(mean, count, margin, looks=(), claims_beside=0):
    """What is said of a claim of parts with this mean and ``SD``."""
    gains = [mean + SD * np.roll(SHAPE, place) for place in range(count)]
    parts = [[Part("A against B", f"part {place}", each, 1, margin) for place, each in enumerate(gains)]] * (1 + claims_beside)
    [decision, *_] = claims.decisions([{"control": False}] * len(parts), parts, looks)
    assert decision.verdict == verdicts.NOT_SETTLED
    return decision.outlook(looks), decision


def drawn(mean, count, seeds):
    return mean + SD * np.random.default_rng(5).standard_normal((STUDIES, count, seeds))


def assert_enough(settled, most):
    error = np.sqrt(0.8 * 0.2 / STUDIES)
    assert 0.8 - 3 * error < np.mean(settled) < most


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize(("mean", "margin"), [(0, 0.003), (0.0003, 0.003), (0.0015, 0.005)])
def test_that_every_part_is_within_its_margin(mean, margin, count):
    found, decision = outlook(mean, count, margin)
    assert found.equivalent
    tests = verdicts.tested(drawn(mean, count, found.seeds), np.full(count, margin))
    assert_enough(tests.p_equivalent <= decision.threshold_equivalent, 0.86)


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("beside", [0, 1])
def test_that_every_part_is_as_claimed(count, beside):
    found, decision = outlook(0.004, count, 1e-6, claims_beside=beside)
    assert not found.equivalent
    tests = verdicts.tested(drawn(0.004, count, found.seeds), np.full(count, 1e-6))
    assert decision.level == 0.05 / (1 + beside)
    assert_enough(np.isin(verdicts.verdict(tests, tests.p <= decision.level, tests.favours & False), (SUPPORTED, SMALLER)), 0.86)


@pytest.mark.parametrize("count", [1, 2])
def test_that_one_part_refutes_a_claim(count):
    found, decision = outlook(-0.004, count, 1e-6)
    tests = verdicts.tested(drawn(-0.004, count, found.seeds), np.full(count, 1e-6))
    assert_enough(verdicts.verdict(tests, tests.p <= decision.level, tests.favours & False) == REFUTED, 1)


def test_an_earlier_look_that_settles_a_direction_comes_before_equivalence_at_the_last():
    """Also where equivalence needs fewer seeds: only the last look judges it, and it judges the direction first."""
    looks, mean, margin = (6, 8, 10), 0.014, 0.027
    gains = mean + SD * stats.zscore(np.arange(6.0), ddof=1)
    [decision] = claims.decisions([{"control": False}], [[Part("A against B", "part", gains, 1, margin)]], looks)
    assert decision.verdict == verdicts.NOT_SETTLED
    needed = decision.parts[0].seeds_for_equivalence(0.05, 0.8)
    assert needed < decision.parts[0].seeds_needed(0.05, 0.8), "equivalence needs fewer"
    found = decision.outlook(looks)
    assert (found.seeds, found.equivalent, found.new_study) == (8, False, False)
    limits = dict(zip(looks, thresholds(looks, 0.05), strict=True))
    given, _ = verdicts.by_looks(drawn(mean, 1, 8), np.full(1, margin), {seeds: limits[seeds] for seeds in (6, 8)}, 0.05)
    assert np.isin(given, (SUPPORTED, SMALLER)).mean() > 0.8 - 0.02


@pytest.mark.parametrize(("mean", "margin", "words"), [(0.007, 1e-6, (SUPPORTED,)), (0.0004, 0.008, (EQUIVALENT,))])
@pytest.mark.parametrize("count", [1, 2])
def test_a_look_to_come_settles_a_claim_at_its_own_threshold(mean, margin, words, count):
    looks = (8, 20, 24, 28, 40)
    found, decision = outlook(mean, count, margin, looks)
    assert found.seeds in looks
    limits = dict(zip(looks, thresholds(looks, 0.05), strict=True))
    given, _ = verdicts.by_looks(drawn(mean, count, found.seeds), np.full(count, margin), limits, decision.threshold_equivalent)
    assert np.isin(given, words).mean() > 0.8 - 0.02
