import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from hardpair.comparison import new_images
from hardpair.errors import UserError
from hardpair.measures.confusion import confusion_matrix, pair_rates
from hardpair.measures.intervals import paired_difference


def mean_squares(values):
    """Mean squares of seeds, images and residuals of (S, N) values, from the table that statsmodels makes of them."""
    seeds, images = np.indices(values.shape)
    table = pd.DataFrame({"value": values.ravel(), "seed": seeds.ravel(), "image": images.ravel()})
    squares = anova_lm(ols("value ~ C(seed) + C(image)", table).fit())
    return (squares["sum_sq"] / squares["df"]).to_numpy()


def effects(rng, seeds, images, spread):
    """Values (S, N) with effects of seed, image and both."""
    shapes = {"seed": (seeds, 1), "image": (1, images), "both": (seeds, images)}
    return sum(rng.normal(0, spread.get(key, 0), shape) for key, shape in shapes.items())


@pytest.mark.parametrize(("seeds", "images"), [(2, 30), (3, 5), (6, 20)])
def test_the_variance_is_that_of_the_analysis_of_variance(seeds, images):
    values = effects(np.random.default_rng(seeds), seeds, images, {"seed": 0.5, "image": 2, "both": 1})
    of_seed, of_image, residual = mean_squares(values)
    expected = (of_seed + of_image - residual) / (seeds * images)
    assert new_images.crossed_error(values, np.zeros(images, int)) ** 2 == pytest.approx(expected)


def test_the_variance_is_right_on_average_within_strata_of_different_size_and_mean():
    rng, sizes, spread = np.random.default_rng(1), np.array([1, 12, 40]), {"seed": 0.3, "image": 1.5, "both": 2}
    strata = np.repeat(np.arange(3), sizes)
    errors = [new_images.crossed_error(10 * strata + effects(rng, 4, 53, spread), strata) ** 2 for _ in range(3000)]
    expected = 0.3**2 / 4 + 1.5**2 * 52 / 53**2 + 2**2 / (4 * 53)  # a stratum of one image says nothing of its spread
    assert np.mean(errors) == pytest.approx(expected, rel=0.03)


def test_where_images_hardly_differ_the_interval_is_that_over_seeds():
    values = effects(np.random.default_rng(0), 5, 40, {"seed": 1, "both": 0.5})
    values -= values.mean(0) - values.mean()
    assert new_images.crossed_error(values, np.zeros(40, int)) == pytest.approx(stats.sem(values.mean(1)))


def test_the_order_of_images_and_of_seeds_does_not_matter():
    rng = np.random.default_rng(0)
    values, strata = rng.normal(size=(4, 50)), rng.integers(0, 3, 50)
    rows, columns = rng.permutation(4), rng.permutation(50)
    assert new_images.crossed_error(values[rows][:, columns], strata[columns]) == pytest.approx(new_images.crossed_error(values, strata))


@pytest.mark.parametrize("shape", [(2, 5), (1, 5), (3, 4)])
def test_other_numbers_of_seeds_or_images_are_refused(shape):
    with pytest.raises(UserError, match=r"runs are compared in pairs, but there are \(3, 5\) and "):
        new_images.new_images_interval(np.ones((3, 5), bool), np.ones(shape, bool), np.zeros(5, int))


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
        over_seeds = paired_difference(dict(enumerate(x)), dict(enumerate(y)))
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
        t = paired_difference(dict(enumerate(first.mean(1))), dict(enumerate(second.mean(1))))
        over_seeds.append(t["low"] <= 0 <= t["high"])
    assert np.mean(covered) >= 0.93
    if image and seeds == 10:
        assert np.mean(over_seeds) < 0.75, "an interval over seeds alone says nothing of other images"
