import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from hardpair.errors import UserError
from hardpair.measures.intervals import mean_interval, paired_difference

numbers = st.floats(-1e3, 1e3).map(lambda value: round(value, 6))


@settings(deadline=None)
@given(st.lists(numbers, min_size=2, max_size=12), st.floats(0.5, 0.999))
def test_an_interval_is_that_of_scipys_t_test(values, level):
    assume(np.ptp(values) > 1e-3)
    got = mean_interval(np.array(values), level)
    expected = stats.ttest_1samp(values, 0).confidence_interval(level)
    assert (got["n"], got["mean"], got["sd"]) == (len(values), pytest.approx(np.mean(values)), pytest.approx(stats.tstd(values)))
    assert (got["low"], got["high"]) == (pytest.approx(expected.low, rel=1e-9, abs=1e-9), pytest.approx(expected.high, rel=1e-9, abs=1e-9))


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 99), st.tuples(numbers, numbers), min_size=2, max_size=12), st.randoms())
def test_a_difference_is_that_of_scipys_paired_t_test_whatever_the_order_of_seeds(pairs, random):
    first, second = ({seed: values[side] for seed, values in pairs.items()} for side in (0, 1))
    assume(np.ptp([a - b for a, b in pairs.values()]) > 1e-3)
    shuffled = random.sample(list(second), len(second))
    got = paired_difference(pd.Series(first), {seed: second[seed] for seed in shuffled})
    expected = stats.ttest_rel(list(first.values()), list(second.values())).confidence_interval(0.95)
    assert got["mean"] == pytest.approx(np.mean(list(first.values())) - np.mean(list(second.values())), rel=1e-9, abs=1e-9)
    assert (got["low"], got["high"]) == (pytest.approx(expected.low, rel=1e-9, abs=1e-9), pytest.approx(expected.high, rel=1e-9, abs=1e-9))


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ({0: 0.1, 1: 0.2}, {0: 0.1}, "seed 1 has 1 and 0 runs"),
        ({0: 0.1}, {0: 0.1, 4: 0.3}, "seed 4 has 0 and 1 runs"),
        ({0: 0.1, 1: 0.2}, {2: 0.1, 3: 0.2}, "seed 0 has 1 and 0 runs"),
        (pd.Series([0.1, 0.2], [0, 0]), pd.Series([0.1, 0.2], [0, 0]), "seed 0 has 2 and 2 runs"),
        (pd.Series([0.1, 0.2, 0.3], [0, 1, 1]), {0: 0.1, 1: 0.2}, "seed 1 has 2 and 1 runs"),
        ({}, {}, "neither variant has a run"),
    ],
)
def test_runs_without_a_partner_are_refused(first, second, problem):
    with pytest.raises(UserError, match=f"^runs are compared in pairs, but {problem}"):
        paired_difference(first, second)


def test_a_missing_value_is_not_left_out_in_silence():
    got = paired_difference({0: 0.1, 1: float("nan"), 2: 0.3}, {0: 0.1, 1: 0.2, 2: 0.1})
    assert got["n"] == 3
    assert np.isnan([got["mean"], got["sd"], got["low"], got["high"]]).all()


def test_one_value_has_a_mean_but_no_interval():
    got = mean_interval(np.array([0.25]))
    assert (got["n"], got["mean"]) == (1, 0.25)
    assert np.isnan([got["sd"], got["low"], got["high"]]).all()
    assert np.isnan(paired_difference({5: 1.0}, {5: 2.0})["low"])


def test_equal_values_have_an_interval_of_no_width():
    assert mean_interval(np.full(3, 0.5)) == {"n": 3, "mean": 0.5, "sd": 0.0, "low": 0.5, "high": 0.5}
