import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from hardpair.measures import significance

shares = st.integers(-40, 40).map(lambda value: value / 10_000)  # differences of accuracies, with ties


@settings(deadline=None)
@given(st.lists(shares, min_size=1, max_size=9))
def test_a_sign_flip_p_is_the_share_of_all_sign_patterns(differences):
    observed = abs(sum(differences))
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    expected = np.mean([total >= observed - 1e-12 for total in sums])
    assert significance.sign_flip(np.array(differences)) == pytest.approx(expected)


@pytest.mark.parametrize("count", [3, 8, 12])
def test_a_sign_flip_p_is_that_of_scipys_permutation_test(count):
    differences = np.random.default_rng(count).normal(0.3, 1, count)
    theirs = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert significance.sign_flip(differences) == pytest.approx(theirs.pvalue)


def test_differences_of_one_sign_have_the_smallest_p_there_is():
    for count in (1, 5, 10, 30, 40):
        assert significance.sign_flip(np.linspace(1, 2, count)) == 2 / 2**count
    assert significance.sign_flip(np.array([1.0, -1.0])) == significance.sign_flip(np.zeros(4)) == 1
    assert math.isnan(significance.sign_flip(np.array([])))


def test_many_differences_are_tested_by_random_patterns():
    differences = np.random.default_rng(1).normal(0.3, 1, 60)
    assert significance.sign_flip(differences) == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=0.3)
    assert significance.sign_flip(differences) == significance.sign_flip(differences)


@pytest.mark.parametrize(("count", "above"), [(41, 27), (60, 38), (2500, 1310)])
def test_random_patterns_give_the_exact_p_within_their_own_error(count, above):
    differences = np.repeat([0.01, -0.01], [above, count - above])  # of equal size: the test is then the sign test
    exact = stats.binomtest(above, count).pvalue
    assert significance.sign_flip(differences) == pytest.approx(exact, abs=4 * (exact / 100_000) ** 0.5 + 1e-5)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_p_values_are_those_of_statsmodels(p_values):
    expected = multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(significance.holm(np.array(p_values)), expected, atol=1e-12)


def test_a_missing_p_counts_as_a_test():
    np.testing.assert_allclose(significance.holm(np.array([0.01, np.nan, 0.02])), [0.03, np.nan, 0.04])


@pytest.mark.parametrize(("tests", "expected"), [(1, 6), (2, 7), (6, 8), (10, 9), (20, 10)])
def test_so_many_seeds_can_pass_holm(tests, expected):
    assert significance.seeds_for(tests) == expected
    for count, passes in ((expected, True), (expected - 1, False)):
        p = [significance.sign_flip(np.ones(count))] + [1.0] * (tests - 1)
        assert (significance.holm(np.array(p))[0] < 0.05) == passes


def test_the_bca_interval_is_scipys_and_needs_eight_seeds_that_vary():
    differences = np.random.default_rng(2).exponential(1, 10)
    low, high = significance.bca_interval(differences)
    theirs = stats.bootstrap((differences,), np.mean, method="BCa", n_resamples=50_000, rng=np.random.default_rng(5)).confidence_interval
    assert (low, high) == (pytest.approx(theirs.low, abs=0.03), pytest.approx(theirs.high, abs=0.03))
    assert low < differences.mean() < high
    assert (low, high) == significance.bca_interval(differences)
    assert np.isnan(significance.bca_interval(differences[:7])).all()
    assert np.isnan(significance.bca_interval(np.ones(9))).all()


@settings(deadline=None)
@given(st.lists(shares, min_size=1, max_size=8), st.lists(shares, min_size=1, max_size=8))
def test_superiority_is_mann_and_whitneys_u_over_all_pairs(first, second):
    u = stats.mannwhitneyu(first, second, method="asymptotic").statistic if len({*first, *second}) > 1 else len(first) * len(second) / 2
    assert significance.superiority(np.array(first), np.array(second)) == pytest.approx(u / len(first) / len(second))


def test_correlation_is_pearsons_and_needs_three_pairs_that_vary():
    first, second = np.random.default_rng(3).normal(size=(2, 6))
    assert significance.correlation(first, second) == pytest.approx(stats.pearsonr(first, second).statistic)
    assert math.isnan(significance.correlation(first[:2], second[:2]))
    assert math.isnan(significance.correlation(first, np.ones(6)))


@pytest.mark.parametrize("count", [2, 3, 10, 30])
@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_power_and_what_is_solved_from_it_are_those_of_statsmodels(count, alpha):
    theirs = TTestPower()
    for effect in (0.1, 0.5, 2.0):
        expected = theirs.power(effect, count, alpha)  # NaN where SciPy's lower tail is
        assert significance.power(0.01 * effect, 0.01, count, alpha) == pytest.approx(1 if np.isnan(expected) else expected, abs=1e-6)
        assert significance.power(-0.01 * effect, 0.01, count, alpha) == significance.power(0.01 * effect, 0.01, count, alpha)
    smallest = significance.detectable(0.01, count, alpha=alpha)
    one_sided = stats.nct.sf(stats.t.ppf(1 - alpha / 2, count - 1), count - 1, smallest / 0.01 * count**0.5)
    assert one_sided == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize(("difference", "sd"), [(0.005, 0.0026), (0.01, 0.005), (-0.0082, 0.0037), (0.003, 0.0026), (0.001, 0.01)])
def test_the_fewest_seeds_reach_the_power_and_one_fewer_does_not(difference, sd):
    count = significance.seeds_needed(difference, sd)
    assert TTestPower().power(abs(difference) / sd, count, 0.05) >= 0.8
    assert count == 2 or TTestPower().power(abs(difference) / sd, count - 1, 0.05) < 0.8


def test_at_most_a_hundred_thousand_seeds_are_reported():
    of_the_normal = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2
    assert significance.seeds_needed(0.01, 1.0) == pytest.approx(of_the_normal / 0.01**2, abs=10)  # 78,489
    assert of_the_normal / 0.0088**2 > significance.MOST == 100_000
    assert significance.seeds_needed(0.0088, 1.0) is None


def test_nothing_is_needed_where_nothing_can_be_found():
    assert significance.seeds_needed(0.0, 0.01) is None
    assert significance.seeds_needed(float("nan"), 0.01) is None
    assert significance.seeds_needed(1e-9, 1.0) is None
    assert significance.seeds_needed(0.01, 0.0) == 2
    assert significance.detectable(0.0, 5) == 0
    assert math.isnan(significance.detectable(float("nan"), 1))


@pytest.mark.parametrize("count", [5, 10, 30])
def test_t_intervals_cover_and_sign_flips_reject_as_often_as_they_say(count):
    """Simulated: 4,000 studies of so many seeds without a true difference."""
    draws = np.random.default_rng(count).normal(size=(4000, count))
    half = stats.t.ppf(0.975, count - 1) * draws.std(1, ddof=1) / count**0.5
    assert np.mean(np.abs(draws.mean(1)) <= half) == pytest.approx(0.95, abs=0.012)
    rejected = np.mean([significance.sign_flip(row) < 0.05 for row in draws[: 4000 if count < 30 else 200]])
    assert rejected <= 0.05 + (0.012 if count < 30 else 0.05)
