import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hardpair.comparison import new_images
from hardpair.measures.confusion import confusion_matrix, pair_rates
from hardpair.measures.intervals import paired_difference


def resampled_by_hand(values, strata, draws, rng):
    """Means of the two-way bootstrap, one draw after the other."""
    seeds, members = len(values), [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    means = []
    for _ in range(draws):
        rows = rng.choice(seeds, seeds - 1)
        columns = np.concatenate([rng.choice(indices, len(indices)) for indices in members])
        means.append(np.mean([[values[row, column] for column in columns] for row in rows]))
    return np.array(means)


@pytest.mark.parametrize(("seeds", "sizes"), [(2, (30,)), (3, (5, 12)), (6, (1, 20, 9))])
def test_the_standard_error_is_that_of_a_loop_over_draws(seeds, sizes):
    rng = np.random.default_rng(seeds)
    strata = np.repeat(np.arange(len(sizes)), sizes)
    values = rng.integers(-1, 2, (seeds, len(strata))) + rng.normal(size=(seeds, 1)) + strata + rng.normal(size=len(strata))
    means = resampled_by_hand(values, strata, 4000, rng)
    assert means.mean() == pytest.approx(values.mean(), abs=5 * means.std() / 4000**0.5)
    assert new_images.two_way_error(values, strata) == pytest.approx(means.std(), rel=0.05)


def test_the_order_of_images_and_of_seeds_does_not_matter():
    rng = np.random.default_rng(0)
    values, strata = rng.normal(size=(4, 50)), rng.integers(0, 3, 50)
    rows, columns = rng.permutation(4), rng.permutation(50)
    assert new_images.two_way_error(values[rows][:, columns], strata[columns]) == pytest.approx(new_images.two_way_error(values, strata))


def test_one_seed_has_no_interval_over_seeds():
    hits = np.ones((1, 5), dtype=bool)
    assert np.isnan(new_images.new_images_interval(hits, ~hits, np.zeros(5, int))).all()


@st.composite
def answers(draw):
    """Predicted classes of two variants (S, N) and the true ones (N,), of four classes."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    seeds, images = draw(st.integers(2, 6)), draw(st.integers(8, 60))
    labels = np.concatenate([np.arange(4), rng.integers(0, 4, images - 4)])
    right = draw(st.floats(0, 1))
    called = np.where(rng.random((2, seeds, images)) < right, labels, rng.integers(0, 4, (2, seeds, images)))
    return called[0], called[1], labels


@settings(deadline=None)
@given(answers())
def test_intervals_are_about_the_difference_of_runs_and_no_narrower_than_over_seeds(answer):
    first, second, labels = answer
    intervals_ = {
        (a, b, metric): interval
        for a, b, metric, interval in new_images.intervals({"x": first, "y": second}, labels, [["x", "y"], ["y", "x"]], {"p": (2, 0)})
    }
    matrices = [[confusion_matrix(labels, row, 4) for row in called] for called in (first, second)]
    expected = {
        "accuracy": [[np.trace(matrix) / matrix.sum() for matrix in runs] for runs in matrices],
        "confusion:p": [[pair_rates(matrix)[2, 0] for matrix in runs] for runs in matrices],
    }
    for metric, (x, y) in expected.items():
        over_seeds = paired_difference(np.array(x), np.array(y))
        low, high = intervals_["x", "y", metric]
        assert (low + high) / 2 == pytest.approx(over_seeds["mean"], abs=1e-12)
        assert low <= over_seeds["low"] + 1e-9
        assert high >= over_seeds["high"] - 1e-9
        assert intervals_["y", "x", metric] == pytest.approx((-high, -low))


def simulated(rng, seeds, images, spread, probability=0.2):
    """Hits of two variants without a true difference, bool (2, S, N), with effects of the seed and of the image on each."""
    of_seed = rng.normal(0, spread["seed"], (2, seeds, 1))
    of_image = rng.normal(0, spread["shared"], images) + rng.normal(0, spread["image"], (2, 1, images))
    noise = rng.normal(0, 1, (2, seeds, images))
    return of_seed + of_image + noise > stats.norm.ppf(1 - probability) * np.sqrt(1 + sum(size**2 for size in spread.values()))


@pytest.mark.parametrize("seeds", [3, 10])
@pytest.mark.parametrize("image", [0.0, 1.0])
def test_studies_on_new_seeds_and_new_images_are_covered(seeds, image):
    """600 studies, whose true difference is 0: never less often than 95 % of them, within sampling error."""
    rng = np.random.default_rng(seeds)
    strata = np.arange(200) % 2
    covered, over_seeds = [], []
    for _ in range(600):
        first, second = simulated(rng, seeds, 200, {"seed": 0.05, "shared": 1.0, "image": image})
        low, high = new_images.new_images_interval(first, second, strata)
        covered.append(low <= 0 <= high)
        t = paired_difference(first.mean(1), second.mean(1))
        over_seeds.append(t["low"] <= 0 <= t["high"])
    assert np.mean(covered) >= 0.93
    if image and seeds == 10:
        assert np.mean(over_seeds) < 0.75, "an interval over seeds alone says nothing of other images"
