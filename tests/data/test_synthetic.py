"""Generated look-alike images."""

import numpy as np
import pytest
from scipy import stats

from hardpair.data.sources import synthetic
from prepared_data import same_parts

CAT, DOG = 3, 5


def test_generated_images_are_balanced_and_always_the_same():
    shape = {"train": 200, "test": 100, "size": 8, "separation": 2.0}
    about, parts = synthetic.generate(**shape)
    assert same_parts(parts, synthetic.generate(**shape)[1])
    assert [np.bincount(parts[part][1]).tolist() for part in ("train", "test")] == [[20] * 10, [10] * 10]
    assert parts["train"][0].shape == (200, 3, 8, 8)
    assert about["classes"] == list(synthetic.CLASSES)
    assert not np.array_equal(parts["train"][0][:100], parts["test"][0])


@pytest.mark.parametrize("size", [8, 16, 32])
@pytest.mark.parametrize("separation", [0.0, 0.7, 3.0])
def test_only_the_means_of_the_pair_lie_that_far_apart(size, separation):
    means = synthetic.class_means(size, separation).astype(float).reshape(10, -1) / synthetic.NOISE
    distance = np.linalg.norm(means[:, None] - means, axis=2)
    assert distance[CAT, DOG] == pytest.approx(separation, abs=1e-3)
    others = distance[np.triu_indices(10, 1)]
    assert np.sort(others)[1] > 2 * separation


def filter_errors(separation):
    """Errors of the likelihood ratio of the true means, and of one whose means and covariance were learned, on 2,000 cats and dogs."""
    _, parts = synthetic.generate(train=10000, test=10000, size=8, separation=separation)
    (x, y), (training, known) = (
        [array[np.isin(labels, [CAT, DOG])] for array in (images, labels)] for images, labels in (parts["test"], parts["train"])
    )
    x, training = x.reshape(len(x), -1).astype(float), training.reshape(len(training), -1).astype(float)
    cat, dog = (synthetic.class_means(8, separation)[name].reshape(-1).astype(float) for name in (CAT, DOG))
    ideal = (x - (cat + dog) / 2) @ (cat - dog) > 0
    design = np.column_stack([training, np.ones(len(training))])
    weights = np.linalg.lstsq(design, np.where(known == CAT, 1.0, -1.0), rcond=None)[0]
    learned = np.column_stack([x, np.ones(len(x))]) @ weights > 0
    return [int((answer != (y == CAT)).sum()) for answer in (ideal, learned)]


def test_no_linear_classifier_beats_the_bayes_error_the_best_attains_it_and_it_falls_with_separation():
    errors = {separation: filter_errors(separation) for separation in (0.5, 1.5, 3.0)}
    for separation, (ideal, learned) in errors.items():
        least = stats.norm.cdf(-separation / 2)
        assert synthetic.bayes_error(separation) == pytest.approx(least, rel=1e-12)
        for count in (ideal, learned):
            assert stats.binom.cdf(count, 2000, least) > 1e-4
        assert stats.binom.sf(ideal - 1, 2000, least) > 1e-4
    assert all(np.diff(list(errors.values()), axis=0).ravel() < 0)
