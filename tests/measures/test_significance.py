import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from hardpair.measures import significance

shares = st.integers(-40, 40).map(lambda value: value / 10_000)  # differences of accuracies, with ties


@settings(deadline=None)
@given(st.lists(shares, min_size=2, max_size=9).filter(lambda values: len(set(values)) > 1))
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
    for count in (2, 5, 10, 30, 40):
        assert significance.sign_flip(np.linspace(1, 2, count)) == 2 / 2**count
    assert significance.sign_flip(np.array([1.0, -1.0])) == 1


@pytest.mark.parametrize("differences", [[], [0.01], [0.0] * 4, [0.01] * 10, [0.01, float("nan")]])
def test_differences_that_do_not_vary_test_nothing(differences):
    assert math.isnan(significance.sign_flip(np.array(differences)))
    assert math.isnan(significance.t_test(np.array(differences)))


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


def test_many_families_are_adjusted_at_once():
    p_values = np.random.default_rng(0).random((2, 3, 5))
    expected = [[multipletests(family, method="holm")[1] for family in row] for row in p_values]
    np.testing.assert_allclose(significance.holm(p_values), expected)


varied = st.lists(st.floats(-1, 1).map(lambda value: round(value, 3)), min_size=2, max_size=9).filter(lambda values: np.ptp(values) > 0.01)


@settings(deadline=None)
@given(varied)
def test_the_paired_t_test_is_scipys(differences):
    expected = stats.ttest_rel(np.array(differences) + 5, np.full(len(differences), 5.0)).pvalue
    assert significance.t_test(np.array(differences)) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@settings(deadline=None)
@given(varied, st.floats(0.01, 2))
def test_equivalence_is_that_of_statsmodels(differences, margin):
    first = np.array(differences) + 5
    expected = ttost_paired(first, np.full(len(first), 5.0), -margin, margin)[0]
    assert significance.equivalence(np.array(differences), margin) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_many_studies_are_tested_at_once():
    differences = np.random.default_rng(0).normal(0.2, 1, (3, 2, 7))
    np.testing.assert_allclose(significance.t_test(differences), stats.ttest_1samp(differences, 0, axis=-1).pvalue)
    for margin in (1.0, np.array([0.5, 2.0])):
        limits = np.broadcast_to(margin, 2)
        one_by_one = [[significance.equivalence(row, limit) for row, limit in zip(study, limits, strict=True)] for study in differences]
        np.testing.assert_allclose(significance.equivalence(differences, margin), one_by_one)


def test_differences_without_spread_test_nothing_but_equivalence():
    assert np.isnan(significance.t_test(np.array([np.zeros(4), np.full(4, 0.1), np.full(4, -0.1)]))).all()
    assert [significance.equivalence(np.full(4, value), 0.1) for value in (0.0, 0.05, 0.2)] == [0, 0, 1]


@pytest.mark.parametrize("differences", [[], [0.3], [0.1, np.nan, 0.2]])
def test_a_single_seed_or_a_missing_value_has_no_p(differences):
    assert np.isnan(significance.t_test(np.array(differences)))
    assert np.isnan(significance.equivalence(np.array(differences), 0.5))


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


@pytest.mark.parametrize("count", [5, 10, 30])
def test_t_intervals_cover_and_sign_flips_reject_as_often_as_they_say(count):
    """Simulated: 4,000 studies of so many seeds without a true difference."""
    draws = np.random.default_rng(count).normal(size=(4000, count))
    half = stats.t.ppf(0.975, count - 1) * draws.std(1, ddof=1) / count**0.5
    assert np.mean(np.abs(draws.mean(1)) <= half) == pytest.approx(0.95, abs=0.012)
    rejected = np.mean([significance.sign_flip(row) < 0.05 for row in draws[: 4000 if count < 30 else 200]])
    assert rejected <= 0.05 + (0.012 if count < 30 else 0.05)
