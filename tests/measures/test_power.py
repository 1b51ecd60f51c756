import math

import pytest
from scipy import integrate, stats
from statsmodels.stats.power import TTestPower

from hardpair.measures import power


@pytest.mark.parametrize("count", [2, 3, 10, 30])
@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_power_is_that_of_statsmodels(count, alpha):
    theirs = TTestPower()
    for effect in (0.1, 0.5, 2.0):
        expected = theirs.power(effect, count, alpha)  # NaN where SciPy's lower tail is
        assert power.power(0.01 * effect, 0.01, count, alpha) == pytest.approx(1 if math.isnan(expected) else expected, abs=1e-6)
        assert power.power(-0.01 * effect, 0.01, count, alpha) == power.power(0.01 * effect, 0.01, count, alpha)


@pytest.mark.parametrize("count", [2, 3, 10, 30])
def test_the_smallest_difference_is_detected_with_a_power_of_four_fifths(count):
    smallest = power.detectable(0.01, count)
    one_sided = stats.nct.sf(stats.t.ppf(0.975, count - 1), count - 1, smallest / 0.01 * count**0.5)
    assert one_sided == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize(("difference", "sd"), [(0.005, 0.0026), (0.01, 0.005), (-0.0082, 0.0037), (0.003, 0.0026), (0.001, 0.01)])
def test_the_fewest_seeds_reach_the_power_and_one_fewer_does_not(difference, sd):
    count = power.seeds_needed(difference, sd)
    assert TTestPower().power(abs(difference) / sd, count, 0.05) >= 0.8
    assert count == 2 or TTestPower().power(abs(difference) / sd, count - 1, 0.05) < 0.8


@pytest.mark.parametrize("count", [12, 97, 400])
@pytest.mark.parametrize("share", [0, 0.1, 0.5])
@pytest.mark.parametrize("alpha", [0.05, 0.0125])
def test_the_power_of_equivalence_is_nearly_that_of_both_tests_together(count, share, alpha):
    """Exactly, the mean lies between edges that move in by the critical t times its estimated error, which has a chi distribution."""
    margin, sd = 3.0 / math.sqrt(count) + 0.15, 1.0
    mean, error, t = share * margin, sd / math.sqrt(count), stats.t.ppf(1 - alpha, count - 1)

    def both(s):
        room = margin - t * s * error
        inside = stats.norm.cdf(room, mean, error) - stats.norm.cdf(-room, mean, error)
        return max(inside, 0) * stats.chi.pdf(s, count - 1, scale=1 / math.sqrt(count - 1))

    exact = integrate.quad(both, 0, 3, points=[1], limit=500)[0]
    found = power.power_of_equivalence(-mean, sd, count, margin, alpha)
    assert exact - 0.01 < found < exact + 1e-6 or (found == 0 and exact < 0.02)


def test_the_seeds_for_equivalence_are_the_fewest_with_the_power():
    assert power.seeds_for_equivalence(0.0, 0.01, 0.003) == 97
    normal = ((stats.norm.ppf(0.95) + stats.norm.ppf(0.9)) * 0.01 / 0.003) ** 2
    assert normal < 97 < normal + 3
    assert power.power_of_equivalence(0, 0.01, 97, 0.003) >= 0.8 > power.power_of_equivalence(0, 0.01, 96, 0.003)
    assert power.seeds_for_equivalence(0.001, 0.01, 0.003) == power.seeds_for_equivalence(-0.001, 0.01, 0.003)
    assert power.seeds_for_equivalence(0.003, 0.01, 0.003) is None
    assert power.seeds_for_equivalence(float("nan"), 0.01, 0.003) is None
    assert power.seeds_for_equivalence(0.001, 0.0, 0.003) is None


def test_the_most_seeds_that_are_told_are_a_hundred_thousand():
    of_the_normal = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2
    assert power.seeds_needed(0.01, 1.0) == pytest.approx(of_the_normal / 0.01**2, abs=10)  # 78,489
    assert of_the_normal / 0.0088**2 > power.MOST == 100_000
    assert power.seeds_needed(0.0088, 1.0) is None


def test_nothing_is_needed_where_nothing_can_be_found():
    assert power.seeds_needed(0.0, 0.01) is None
    assert power.seeds_needed(float("nan"), 0.01) is None
    assert power.seeds_needed(1e-9, 1.0) is None
    assert power.seeds_needed(0.01, 0.0) is None
    assert math.isnan(power.detectable(0.0, 5))
    assert math.isnan(power.detectable(float("nan"), 1))
