"""Thresholds of looks against published constants and simulated studies."""

import numpy as np
import pytest
from scipy import stats

from hardpair.measures import looks


@pytest.mark.parametrize(("claims", "expected"), [(1, (0.0010, 0.0074, 0.0203, 0.0380)), (4, (0.00005, 0.0009, 0.0040, 0.0100))])
def test_the_thresholds_of_the_full_study(claims, expected):
    """Those of four claims are registered (docs/study/full), to the digit; those registered for one reject in 5.04 % of studies."""
    found = looks.thresholds((4, 6, 8, 10), 0.05 / claims)
    assert found == pytest.approx(expected, abs=0 if claims == 4 else 1e-4)
    assert looks.error((4, 6, 8, 10), (0.0011, 0.0075, 0.0205, 0.0382)) == pytest.approx(0.0504, abs=1e-4)


@pytest.mark.parametrize(
    ("count", "constant"), [(2, 1.977), (3, 2.004), (4, 2.024), (5, 2.040), (8, 2.072), (10, 2.087)]
)  # C_B(K, 0.05), Jennison and Turnbull 2000, table 2.3
def test_with_many_seeds_the_boundary_is_that_of_o_brien_and_fleming(count, constant):
    found = looks.thresholds(tuple(2000 * look for look in range(1, count + 1)), 0.05)
    assert found[-1] == pytest.approx(2 * stats.norm.sf(constant), abs=2e-4)
    assert found[0] == pytest.approx(2 * stats.norm.sf(constant * count**0.5), rel=0.2)


@pytest.mark.parametrize("plan", [(3, 4), (3, 10), (4, 6, 8, 10), (6, 7, 8, 9, 12)])
def test_the_error_is_that_of_simulated_studies(plan):
    p_values = np.linspace(0.005, 0.03, len(plan))
    studies = np.random.default_rng(plan[-1]).normal(size=(200_000, plan[-1]))
    p = [stats.ttest_1samp(studies[:, :count], 0, axis=1).pvalue for count in plan]
    crossed = np.any(np.array(p) <= p_values[:, None], axis=0)
    rate = crossed.mean()
    assert looks.error(plan, p_values) == pytest.approx(rate, abs=4 * (rate / len(studies)) ** 0.5)


@pytest.mark.parametrize("plan", [(6, 8, 10), (4, 6, 8, 10), (3, 12)])
def test_rounded_thresholds_keep_the_error_for_any_number_of_claims(plan):
    for claims in (*range(1, 13), 40, 50, 320, 2000):
        assert looks.error(plan, looks.thresholds(plan, 0.05 / claims)) == pytest.approx(0.05 / claims, rel=0.02 if claims < 13 else 0.05)


@pytest.mark.parametrize("p", [0.05, 0.0004])
def test_a_single_look_is_a_single_test(p):
    assert looks.thresholds((7,), p) == (p,)
    assert looks.error((7,), (p,)) == pytest.approx(p, rel=1e-6)


@pytest.mark.parametrize(("plan", "alpha"), [((3, 1000), 0.0125), ((3, 2500), 0.05), ((3, 4, 5000), 0.05)])
def test_looks_that_cannot_reject_leave_all_to_the_last(plan, alpha):
    *early, last = looks.thresholds(plan, alpha)
    assert early == [0] * len(early)
    assert last == pytest.approx(alpha, abs=1e-4)


def test_thresholds_rise_and_are_stricter_for_more_claims():
    one, many = (looks.thresholds((3, 5, 7, 9, 20), 0.05 / count) for count in (1, 12))
    assert list(one) == sorted(one)
    assert all(strict < mild for strict, mild in zip(many, one, strict=True))
