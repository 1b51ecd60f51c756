import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from hardpair.measures.intervals import mean_interval, paired_difference

numbers = st.floats(-1e3, 1e3).map(lambda value: round(value, 6))


@settings(deadline=None)
@given(st.lists(numbers, min_size=2, max_size=12), st.floats(0.5, 0.999))
def test_an_interval_is_that_of_scipys_t_test(values, level):
    assume(np.ptp(values) > 1e-3)
    interval = mean_interval(np.array(values), level)
    expected = stats.ttest_1samp(values, 0).confidence_interval(level)
    assert (interval["n"], interval["mean"], interval["sd"]) == (
        len(values),
        pytest.approx(np.mean(values)),
        pytest.approx(stats.tstd(values)),
    )
    assert (interval["low"], interval["high"]) == (
        pytest.approx(expected.low, rel=1e-9, abs=1e-9),
        pytest.approx(expected.high, rel=1e-9, abs=1e-9),
    )


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=12))
def test_a_difference_is_that_of_scipys_paired_t_test(pairs):
    first, second = np.array(pairs).T
    assume(np.ptp(first - second) > 1e-3)
    interval = paired_difference(first, second)
    expected = stats.ttest_rel(first, second).confidence_interval(0.95)
    assert interval["mean"] == pytest.approx(first.mean() - second.mean(), rel=1e-9, abs=1e-9)
    assert (interval["low"], interval["high"]) == (
        pytest.approx(expected.low, rel=1e-9, abs=1e-9),
        pytest.approx(expected.high, rel=1e-9, abs=1e-9),
    )


def test_one_value_has_a_mean_but_no_interval():
    interval = mean_interval(np.array([0.25]))
    assert (interval["n"], interval["mean"]) == (1, 0.25)
    assert np.isnan([interval["sd"], interval["low"], interval["high"]]).all()
    assert np.isnan(paired_difference(np.array([1.0]), np.array([2.0]))["low"])


def test_equal_values_have_an_interval_of_no_width():
    assert mean_interval(np.full(3, 0.5)) == {"n": 3, "mean": 0.5, "sd": 0.0, "low": 0.5, "high": 0.5}
