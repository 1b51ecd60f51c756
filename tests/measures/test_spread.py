"""Numbers that differ by rounding alone do not vary, in every test that asks for spread."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardpair.comparison.claims import Part
from hardpair.measures import intervals, power, significance, spread

images = st.lists(st.integers(1000, 9000), min_size=3, max_size=12)  # correct ones of 10,000


def shares(counts):
    return np.array(counts) / 10_000


@given(images, st.integers(-900, 900))
def test_a_constant_shift_of_accuracies_is_constant_in_every_test(counts, shift):
    first, second = shares([count + shift for count in counts]), shares(counts)
    gains = first - second
    assert np.isnan(significance.t_test(gains))
    assert significance.equivalence(gains, 0.05) == (abs(Fraction(shift, 10_000)) >= Fraction(5, 100))
    assert np.isnan(significance.bca_interval(np.resize(gains, 9))).all()
    assert math.isnan(significance.correlation(np.arange(len(gains)), gains))
    part = Part("a against b", "accuracy", gains, 1, 0.003)
    assert (part.never_varies, part.never_differs, part.size) == (True, shift == 0, 0)
    found = intervals.mean_interval(gains)
    assert found["sd"] == 0
    assert found["low"] == found["high"] == found["mean"]
    assert np.isnan(significance.sign_flip(gains))
    assert math.isnan(power.detectable(found["sd"], len(gains)))


@given(images, st.integers(0, 11), st.sampled_from([-1, 1]))
def test_one_image_in_one_run_is_a_difference(counts, place, image):
    changed = list(counts)
    changed[place % len(counts)] += image
    gains = shares(changed) - shares(counts)
    assert not spread.constant(gains)
    assert spread.sd(gains) == pytest.approx(np.std(gains, ddof=1))
    assert not np.isnan(significance.t_test(gains))


@given(st.sampled_from([1e-3, 1.0, 1e6, 1e9]), st.integers(0, 1000))
def test_differences_of_large_numbers_are_constant_relative_to_them(scale, seed):
    base = scale * np.random.default_rng(seed).random(8)
    assert np.ptp(spread.differences(base + 0.1, base)) <= spread.ROUNDING
    noisy = base + scale * np.random.default_rng(seed + 1).random(8)
    np.testing.assert_array_equal(spread.differences(noisy, base), noisy - base)


def test_ties_up_to_rounding_count_for_a_half():
    assert significance.superiority(np.array([0.1 + 0.2]), np.array([0.3])) == 0.5


def test_constant_looks_along_the_last_axis():
    assert spread.constant(np.array([[0.1, 0.8 - 0.7], [0.1, 0.2], [np.nan, np.nan]])).tolist() == [True, False, False]
