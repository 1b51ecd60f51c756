"""Measures that their own counts or predictions contradict, one key of a summary at a time."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardpair.measures import metrics
from hardpair.measures.contradiction import contradiction, exceeds_one, of_counts, pair_contradiction

CLASSES, PAIRS = ["a", "b-c", "d"], [["a", "b-c"], ["d", "a"]]


def evaluated(seed, spread=2.0, count=200, precision=np.float16):
    """The summary of random logits, and the probabilities of the true classes in the precision of a record."""
    generator = np.random.default_rng(seed)
    logits, labels = (spread * generator.standard_normal((count, 3))).astype(np.float32), generator.integers(0, 3, count)
    p_true = np.exp(metrics.log_probabilities(logits))[np.arange(count), labels].astype(precision)
    return metrics.summary(logits, labels, CLASSES, PAIRS), p_true.astype(np.float64)


@given(st.integers(0, 10_000), st.sampled_from([0.01, 2.0, 8.0, 100.0]), st.sampled_from([np.float16, np.float64]))
@settings(deadline=None)
def test_a_summary_agrees_with_its_predictions(seed, spread, precision):
    measured, p_true = evaluated(seed, spread, precision=precision)
    assert contradiction(measured, p_true) is None


def of_pair(seed, spread=2.0, count=200, precision=np.float16):
    """The error on the classes a and d alone by random logits, and the probabilities of both classes of their images."""
    generator = np.random.default_rng(seed)
    logits, labels = (spread * generator.standard_normal((count, 3))).astype(np.float32), generator.choice([0, 2], count)
    p = np.exp(metrics.log_probabilities(logits)).astype(precision).astype(np.float64)
    return {"binary_error": metrics.binary_error(logits, labels, 0, 2)}, p[np.arange(count), labels], p[np.arange(count), 2 - labels]


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.001, 0.01, 2.0, 8.0, 100.0]), st.sampled_from([np.float16, np.float64]))
@settings(deadline=None)
def test_an_error_on_two_classes_agrees_with_its_probabilities(seed, spread, precision):
    errors, *probabilities = of_pair(seed, spread, precision=precision)
    assert pair_contradiction(errors, *probabilities) is None
    assert not exceeds_one(*probabilities)


def test_another_error_on_two_classes_and_probabilities_above_1_are_contradictions():
    errors, p_true, p_other = of_pair(0)
    found = {change: pair_contradiction({"binary_error": errors["binary_error"] + change}, p_true, p_other) for change in (-0.02, 0.02)}
    assert found == dict.fromkeys(found, "binary_error")
    assert pair_contradiction({"binary_error": 1 - errors["binary_error"]}, p_other, p_true) is None
    assert exceeds_one(p_true, np.full(200, 0.999))
    tie = np.array([0.3])
    assert [pair_contradiction({"binary_error": value}, tie, tie) for value in (0, 0.5, 1)] == [None] * 3


def test_a_class_without_images_is_no_contradiction():
    logits, labels = np.eye(3, dtype=np.float32)[[0, 1, 0]], np.array([0, 1, 1])
    p_true = np.exp(metrics.log_probabilities(logits))[np.arange(3), labels]
    assert contradiction(metrics.summary(logits, labels, CLASSES, PAIRS), p_true) is None


@pytest.mark.parametrize(
    ("keys", "change", "named"),
    [
        (("accuracy",), 0.01, "accuracy"),
        (("nll",), 0.05, "nll"),
        (("nll",), -0.05, "nll"),
        (("ece",), 0.001, "ece"),
        (("brier",), 0.3, "brier"),
        (("brier",), -0.3, "brier"),
        (("per_class", "d"), 0.01, "accuracy of each class"),
        (("pairs", "d-a", "rate"), -0.001, "confusion of d-a"),
        (("pairs", 'a-"b-c"', "b_to_other"), 0.001, 'confusion of a-"b-c"'),
        (("confusion", 0, 0), 1, "number of images"),
        (("reliability", "correct", 14), 3, "reliability"),
        (("reliability", "correct", 14), 1, "ece"),
        (("reliability", "confidence", 14), 1, "ece"),
    ],
)
def test_a_changed_measure_is_named(keys, change, named):
    measured, p_true = evaluated(0)
    *above, last = keys
    place = measured = copy.deepcopy(measured)
    for key in above:
        place = place[key]
    place[last] += change
    assert contradiction(measured, p_true) == named


def test_counts_of_other_images_are_a_contradiction():
    assert contradiction(evaluated(0)[0], evaluated(1)[1]) == "nll"
    assert contradiction(evaluated(0)[0], evaluated(0)[1][1:]) == "number of images"


def test_a_pair_of_other_classes_is_refused():
    measured, p_true = evaluated(0)
    measured["pairs"]["a-z"] = measured["pairs"]["d-a"]
    with pytest.raises(ValueError, match="'z' is not in list"):
        contradiction(measured, p_true)


def test_an_image_whose_highest_probabilities_are_equal_may_be_correct_in_one_count_alone():
    """The classes of highest logits are counted, and those of highest probabilities."""
    logits = np.array([[0, 1e-20, -1], *np.eye(3) * 5] * 5 + [[9, 0, 0]] * 500, dtype=np.float32)
    labels = np.array([1, 0, 1, 2] * 5 + [0] * 500)
    measured = metrics.summary(logits, labels, ["a", "b", "c"], [["a", "b"]])
    assert sum(measured["reliability"]["correct"]) != np.trace(measured["confusion"])
    assert of_counts(measured, len(labels)) is None
    wrong = measured | {"reliability": measured["reliability"] | {"correct": measured["reliability"]["count"]}}
    assert of_counts(wrong | {"accuracy": 0.5}, len(labels)) == "accuracy"
