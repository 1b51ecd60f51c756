import json
import math

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from hardpair.measures import metrics
from hardpair.measures.confusion import accuracy, confusion_matrix, most_confused, pair_errors, pair_rates, per_class_accuracy

CLASSES = ["a", "b", "c", "d"]


@st.composite
def answers(draw, classes=4, spreads=(0.1, 1.0, 8.0)):
    """Logits float32 (N, C) and labels int64 (N,); some classes may have no images."""
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    count, spread = draw(st.integers(1, 60)), draw(st.sampled_from(spreads))
    labels = generator.integers(0, draw(st.integers(1, classes)), count)
    return (spread * generator.standard_normal((count, classes))).astype(np.float32), labels


def probabilities(logits):
    """Softmax by definition, in float64."""
    powers = np.exp(logits.astype(np.float64))
    return powers / powers.sum(1, keepdims=True)


def calibration_error(logits, labels):
    return metrics.calibration_error(metrics.reliability(logits, labels))


def confusion_of(answer):
    logits, labels = answer
    return confusion_matrix(labels, logits.argmax(1), logits.shape[1])


@given(answers())
@settings(deadline=None)
def test_counts_and_accuracies_are_those_of_scikit_learn(answer):
    logits, labels = answer
    predicted, confusion = logits.argmax(1), confusion_of(answer)
    np.testing.assert_array_equal(confusion, sk.confusion_matrix(labels, predicted, labels=range(4)))
    assert confusion.dtype == np.int64
    assert accuracy(confusion) == pytest.approx(sk.accuracy_score(labels, predicted))
    recall = sk.recall_score(labels, predicted, labels=range(4), average=None, zero_division=np.nan)
    np.testing.assert_allclose(per_class_accuracy(confusion), recall)
    if set(predicted) == set(labels) and len(set(labels)) > 1:  # else scikit-learn warns
        assert np.nanmean(per_class_accuracy(confusion)) == pytest.approx(sk.balanced_accuracy_score(labels, predicted))


def test_rows_of_the_confusion_matrix_are_true_classes():
    assert confusion_matrix(np.array([0, 0, 1]), np.array([1, 1, 0]), 3).tolist() == [[0, 2, 0], [1, 0, 0], [0, 0, 0]]


@given(answers(spreads=(0.1, 1.0, 3.0)))  # scikit-learn clips probabilities below 2e-16
@settings(deadline=None)
def test_negative_log_likelihood_is_that_of_scikit_learn(answer):
    logits, labels = answer
    expected = sk.log_loss(labels, probabilities(logits), labels=range(4))
    assert metrics.negative_log_likelihood(logits, labels) == pytest.approx(expected, rel=1e-9)


def test_log_probabilities_stay_finite_for_huge_logits():
    result = metrics.log_probabilities(np.array([[1e4, 0.0, -1e4], [1e30, 1e30, 0.0]], dtype=np.float32))
    np.testing.assert_allclose(result[0], [0, -1e4, -2e4])
    np.testing.assert_allclose(result[1, :2], -math.log(2))
    assert result.dtype == np.float64


@given(answers())
@settings(deadline=None)
def test_the_brier_score_is_a_loop_over_images_and_classes(answer):
    logits, labels = answer
    p = probabilities(logits)
    expected = sum((p[i, c] - (labels[i] == c)) ** 2 for i in range(len(labels)) for c in range(4)) / len(labels)
    assert metrics.brier_score(logits, labels) == pytest.approx(expected, rel=1e-9)
    one_vs_rest = sum(sk.brier_score_loss(labels == c, p[:, c], pos_label=True) for c in range(4))
    assert metrics.brier_score(logits, labels) == pytest.approx(one_vs_rest, rel=1e-9)


@given(answers(), st.sampled_from([1, 10, 15]))
@settings(deadline=None)
def test_the_calibration_error_is_a_loop_over_bins(answer, bins):
    logits, labels = answer
    p = probabilities(logits)
    confidence, right = p.max(1), p.argmax(1) == labels
    expected = 0.0
    for m in range(bins):
        inside = (confidence > m / bins) & (confidence <= (m + 1) / bins)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    bins_ = metrics.reliability(logits, labels, bins)
    assert metrics.calibration_error(bins_) == pytest.approx(expected, abs=1e-12)
    for m in range(bins):
        inside = (confidence > m / bins) & (confidence <= (m + 1) / bins)
        sums = (inside.sum(), confidence[inside].sum(), right[inside].sum())
        assert [bins_[name][m] for name in ("count", "confidence", "correct")] == pytest.approx(sums)


def test_the_calibration_error_of_certain_answers_is_their_error():
    logits = np.array([[50.0, 0.0], [50.0, 0.0], [50.0, 0.0], [0.0, 50.0]])
    assert metrics.calibration_error(metrics.reliability(logits, np.array([0, 0, 1, 1]))) == pytest.approx(0.25)


def test_a_confidence_at_an_edge_belongs_to_the_bin_below():
    logits = np.array([[0.0, 0.0], [np.log(3), 0.0]])  # confidence 1/2, right, and 3/4, wrong
    assert metrics.calibration_error(metrics.reliability(logits, np.array([0, 1]), bins=2)) == pytest.approx((0.5 + 0.75) / 2)


@given(answers())
@settings(deadline=None)
def test_pair_errors_and_rates_are_loops_over_images(answer):
    logits, labels = answer
    predicted, confusion = logits.argmax(1), confusion_of(answer)
    rates = pair_rates(confusion)
    for a in range(4):
        for b in range(4):
            predictions_by_class = {c: [p for t, p in zip(labels, predicted, strict=True) if t == c] for c in (a, b)}
            if a == b or not predictions_by_class[a] or not predictions_by_class[b]:
                continue
            crossed = predictions_by_class[a].count(b) + predictions_by_class[b].count(a)
            expected = {
                "rate": crossed / (len(predictions_by_class[a]) + len(predictions_by_class[b])),
                "a_to_b": predictions_by_class[a].count(b) / len(predictions_by_class[a]),
                "b_to_a": predictions_by_class[b].count(a) / len(predictions_by_class[b]),
                "a_to_other": sum(p not in (a, b) for p in predictions_by_class[a]) / len(predictions_by_class[a]),
                "b_to_other": sum(p not in (a, b) for p in predictions_by_class[b]) / len(predictions_by_class[b]),
            }
            assert pair_errors(confusion, a, b) == pytest.approx(expected)
            assert rates[a, b] == pytest.approx(expected["rate"])


def test_a_class_without_images_adds_nothing_to_the_errors_of_a_pair():
    confusion = np.array([[0, 0], [3, 7]])
    errors = pair_errors(confusion, 0, 1)
    assert errors["rate"] == pair_rates(confusion)[0, 1] == 0.3
    assert errors["a_to_other"] != 1


@given(answers())
@settings(deadline=None)
def test_pair_rates_are_symmetric_shares_with_an_empty_diagonal(answer):
    rates = pair_rates(confusion_of(answer))
    np.testing.assert_array_equal(rates, rates.T)
    assert (np.diag(rates) == 0).all()
    assert ((rates >= 0) & (rates <= 1)).all()


@given(answers(), st.integers(1, 8))
@settings(deadline=None)
def test_the_most_confused_pairs_are_those_of_a_sorted_list(answer, count):
    confusion = confusion_of(answer)
    every = []
    for a in range(4):
        for b in range(a + 1, 4):
            total = confusion[a].sum() + confusion[b].sum()
            every.append((a, b, (confusion[a, b] + confusion[b, a]) / total if total else 0.0))
    expected = sorted(every, key=lambda entry: (-entry[2], entry[0], entry[1]))[:count]
    assert most_confused(confusion, count) == expected


def test_ties_among_confused_pairs_go_in_class_order():
    confusion = np.full((3, 3), 2)
    assert [pair[:2] for pair in most_confused(confusion, 3)] == [(0, 1), (0, 2), (1, 2)]


@given(answers(), st.permutations(range(4)))
@settings(deadline=None)
def test_the_binary_error_is_a_loop_over_the_images_of_the_pair(answer, order):
    logits, labels = np.round(answer[0]), answer[1]  # integers tie now and then
    a, b = order[:2]
    errors = []
    for row, label in zip(logits, labels, strict=True):
        if label in (a, b):
            own, other = (row[a], row[b]) if label == a else (row[b], row[a])
            errors.append(0.5 if own == other else float(own < other))
    if errors:
        assert metrics.binary_error(logits, labels, a, b) == pytest.approx(np.mean(errors))
        assert metrics.binary_error(logits, labels, b, a) == metrics.binary_error(logits, labels, a, b)


def test_the_binary_error_ignores_other_answers_and_halves_ties():
    logits = np.array([[1, 0, 9], [0, 1, 9], [2, 2, 0], [0, 5, 0], [9, 0, 0]], dtype=np.float32)
    assert metrics.binary_error(logits, np.array([0, 0, 0, 1, 2]), 0, 1) == (0 + 1 + 0.5 + 0) / 4


def test_logits_that_differ_by_a_hair_are_no_tie():
    logits = np.nextafter(np.float32([[1, 1]]), np.float32([[2, 1]]))
    assert metrics.binary_error(logits, np.array([1]), 0, 1) == 1


@given(answers())
@settings(deadline=None)
def test_scores_lie_in_their_ranges(answer):
    logits, labels = answer
    assert 0 <= metrics.brier_score(logits, labels) <= 2
    assert 0 <= metrics.calibration_error(metrics.reliability(logits, labels)) <= 1
    assert metrics.negative_log_likelihood(logits, labels) >= 0


@given(answers(), st.permutations(range(4)), st.sampled_from([-5, 0, 100]), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_scores_ignore_the_order_of_images_the_names_of_classes_and_a_shift_of_the_logits(answer, names, shift, random):
    logits, labels = answer
    rows = random.sample(range(len(labels)), len(labels))
    renamed = np.empty_like(logits, dtype=np.float64)
    renamed[:, names] = logits[rows].astype(np.float64) + shift
    for score in (metrics.brier_score, metrics.negative_log_likelihood, calibration_error):
        assert score(renamed, np.array(names)[labels[rows]]) == pytest.approx(score(logits, labels), rel=1e-9, abs=1e-9)


@given(answers())
@settings(deadline=None)
def test_the_summary_holds_every_measure_and_is_json(answer):
    logits, labels = answer
    confusion = confusion_of(answer)
    pairs = [["a", "b"], ["d", "c"]] if len(set(labels)) == 4 else []
    summary = json.loads(json.dumps(metrics.summary(logits, labels, CLASSES, pairs), allow_nan=False))
    assert summary["accuracy"] == accuracy(confusion)
    assert summary["nll"] == metrics.negative_log_likelihood(logits, labels)
    assert summary["ece"] == calibration_error(logits, labels)
    assert sum(summary["reliability"]["count"]) == len(labels)
    assert sum(summary["reliability"]["correct"]) == np.trace(confusion)
    assert summary["brier"] == metrics.brier_score(logits, labels)
    assert summary["confusion"] == confusion.tolist()
    for name, share in zip(CLASSES, per_class_accuracy(confusion), strict=True):
        assert summary["per_class"][name] == (None if np.isnan(share) else share)
    assert list(summary["pairs"]) == ["-".join(pair) for pair in pairs]
    if pairs:
        expected = pair_errors(confusion, 3, 2) | {"binary_error": metrics.binary_error(logits, labels, 3, 2)}
        assert summary["pairs"]["d-c"] == expected
