"""Generated images have a look-alike pair of known Bayes error: no trained network may beat it, and a good one comes near."""

import numpy as np
import pytest
import torch
from scipy import stats

from hardpair.data.sources import synthetic
from hardpair.measures import metrics
from hardpair.networks import cnn
from hardpair.training import loop
from hardpair.training.images import Images
from hardpair.training.inference import infer
from hardpair.training.recipe import Recipe, RunSettings

torch.set_num_threads(1)
SEPARATIONS = (0.0, 2.0, 5.0)
CAT, DOG = 3, 5
RECIPE = Recipe(
    epochs=4,
    batch_size=32,
    learning_rate=0.02,
    momentum=0.9,
    weight_decay=5e-4,
    lr_drops=(0.75,),
    lr_factor=0.1,
    dropout=0.0,
    refresh_every=10,
)


def generated(separation):
    """Cats and dogs alone, so that training is short: images, and the indices of 1,500 to train on and 1,000 to test on."""
    about, parts = synthetic.generate(train=7500, test=5000, size=8, separation=separation)
    kept = [[array[np.isin(labels, [CAT, DOG])] for array in (images, labels)] for images, labels in parts.values()]
    pixels, labels = (torch.from_numpy(np.concatenate(arrays)) for arrays in zip(*kept, strict=True))
    return (
        Images(pixels, labels, torch.full((3,), 0.5), torch.full((3,), 0.15), about["classes"]),
        torch.arange(1500),
        torch.arange(1500, 2500),
    )


def chance(error, count):
    """Bounds of the error rate that ``count`` images show but once in a million times each way."""
    return [quantile / count for quantile in stats.binom.ppf([1e-6, 1 - 1e-6], count, error)]


@pytest.fixture(scope="module")
def errors():
    """Binary error of a trained network on 1,000 test images by separation."""
    result = {}
    for separation in SEPARATIONS:
        images, training, test = generated(separation)
        split = {"training": training, "validation": test[:0]}
        history = loop.Training(images, split, RunSettings({"kind": "cross_entropy"}, {"kind": "uniform"}, RECIPE), 0).run()
        network = cnn.Network(10, 8)
        network.load_state_dict(history.last)
        logits = infer(network, images, test, "fp32").numpy()
        result[separation] = metrics.binary_error(logits, images.labels[test].numpy(), CAT, DOG)
    return result


@pytest.mark.parametrize(("separation", "expected"), [(0, 0.5), (2, 0.158655), (5, 0.0062097)])
def test_the_bayes_error_is_that_of_two_gaussians(separation, expected):
    assert synthetic.bayes_error(separation) == pytest.approx(expected, rel=1e-4)
    about, _ = synthetic.generate(train=100, test=100, size=8, separation=separation)
    assert about["bayes_error"] == {"cat-dog": synthetic.bayes_error(separation)}


@pytest.mark.parametrize("separation", [2.0, 5.0])
def test_who_knows_the_templates_attains_the_bayes_error(separation):
    images, _, test = generated(separation)
    means = synthetic.class_means(8, separation)
    pixels, labels = images.pixels[test].numpy().astype(float), images.labels[test].numpy()
    distance = np.stack([((pixels - mean) ** 2).sum((1, 2, 3)) for mean in means], 1)
    low, high = chance(synthetic.bayes_error(separation), len(test))
    assert low <= metrics.binary_error(-distance, labels, CAT, DOG) <= high


@pytest.mark.parametrize("separation", SEPARATIONS)
def test_a_trained_network_never_beats_the_bayes_error_beyond_chance(errors, separation):
    assert errors[separation] >= chance(synthetic.bayes_error(separation), 1000)[0]


def test_classes_that_are_indistinguishable_are_guessed(errors):
    low, high = chance(0.5, 1000)
    assert low <= errors[0.0] <= high


def test_the_error_falls_as_the_classes_are_moved_apart_and_comes_near_the_least(errors):
    assert errors[0.0] > errors[2.0] + 0.1 > errors[5.0] + 0.2
    assert errors[2.0] < 2 * synthetic.bayes_error(2.0)
    assert errors[5.0] < 0.08
