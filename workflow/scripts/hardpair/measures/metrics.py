"""Measures of a classifier, as pure functions on its logits float (N, C) and the labels int64 (N,).

Logits of any float type are converted to float64. Labels are the places of the classes, 0 to C − 1.
"""

import numpy as np

from hardpair.measures.confusion import accuracy, confusion_matrix, pair_errors, per_class_accuracy
from hardpair.measures.pair_name import pair_name

BINS = 15  # of confidence


def binary_error(logits: np.ndarray, labels: np.ndarray, a: int, b: int) -> float:
    """Error on the images of classes a and b when only the logits of a and b may answer; a tie counts as half an error."""
    chosen = (labels == a) | (labels == b)
    margin = np.where(labels[chosen] == a, 1, -1) * (logits[chosen, a].astype(np.float64) - logits[chosen, b])
    return float(np.mean((margin < 0) + 0.5 * (margin == 0)))


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Log-softmax over the last axis, float64 of the shape of ``logits``; without SciPy, which jobs that train do not need."""
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def negative_log_likelihood(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean −ln p_t in nats."""
    return float(-log_probabilities(logits)[np.arange(len(labels)), labels].mean())


def brier_score(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean squared distance of the probabilities from the one-hot label, in [0, 2] (Brier 1950)."""
    difference = np.exp(log_probabilities(logits))
    difference[np.arange(len(labels)), labels] -= 1
    return float(np.square(difference).sum(1).mean())


def reliability(logits: np.ndarray, labels: np.ndarray, bins: int = BINS) -> dict[str, np.ndarray]:
    """Images by their highest probability, in equal bins (a, b] (Guo et al. 2017).

    Returns:
        Of each bin, arrays of shape (bins,): ``count`` of images (int64), ``confidence``, the sum of their highest probabilities (float64),
        and ``correct``, the number that are classified correctly (float64).
    """
    probabilities = np.exp(log_probabilities(logits))
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    sums = {"count": None, "confidence": confidence, "correct": correct}
    return {name: np.bincount(bin_of, weights=values, minlength=bins) for name, values in sums.items()}


def calibration_error(bins: dict[str, np.ndarray]) -> float:
    """Expected calibration error of the bins of ``reliability`` (Guo et al. 2017, eq. 3)."""
    return float(np.abs(bins["correct"] - bins["confidence"]).sum() / bins["count"].sum())


def summary(logits: np.ndarray, labels: np.ndarray, classes: list[str], pairs: list[list[str]]) -> dict:
    """All measures of one model's logits float (N, C) on labels int64 (N,), as written to metrics.json."""
    confusion = confusion_matrix(labels, logits.argmax(1), len(classes))
    indices = [(classes.index(a), classes.index(b)) for a, b in pairs]
    bins = reliability(logits, labels)
    return {
        "accuracy": accuracy(confusion),
        "nll": negative_log_likelihood(logits, labels),
        "ece": calibration_error(bins),
        "brier": brier_score(logits, labels),
        "per_class": {
            name: None if np.isnan(share) else float(share) for name, share in zip(classes, per_class_accuracy(confusion), strict=True)
        },
        "pairs": {
            pair_name(classes[a], classes[b]): pair_errors(confusion, a, b) | {"binary_error": binary_error(logits, labels, a, b)}
            for a, b in indices
        },
        "confusion": confusion.tolist(),
        "reliability": {name: values.tolist() for name, values in bins.items()},
    }
