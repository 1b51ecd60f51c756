"""Measures of a classifier from its logits, as pure functions on arrays."""

import numpy as np

from hardpair.confusion import accuracy, confusion_matrix, most_confused, pair_errors, per_class_accuracy


def binary_error(logits: np.ndarray, labels: np.ndarray, a: int, b: int) -> float:
    """Error on the images of classes a and b when only the logits of a and b may answer; a tie counts as half an error."""
    chosen = (labels == a) | (labels == b)
    margin = np.where(labels[chosen] == a, 1, -1) * (logits[chosen, a].astype(np.float64) - logits[chosen, b])
    return float(np.mean((margin < 0) + 0.5 * (margin == 0)))


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Log-softmax over the last axis in float64."""
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


def calibration_error(logits: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error with equal bins (a, b] of the highest probability (Guo et al. 2017, eq. 3)."""
    probabilities = np.exp(log_probabilities(logits))
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(bin_of, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def summary(logits: np.ndarray, labels: np.ndarray, classes: list[str], pairs: list[list[str]]) -> dict:
    """All measures of one model's logits float (N, C) on labels int64 (N,), as written to metrics.json."""
    confusion = confusion_matrix(labels, logits.argmax(1), len(classes))
    indices = [(classes.index(a), classes.index(b)) for a, b in pairs]
    return {
        "accuracy": accuracy(confusion),
        "nll": negative_log_likelihood(logits, labels),
        "ece": calibration_error(logits, labels),
        "brier": brier_score(logits, labels),
        "per_class": {
            name: None if np.isnan(share) else float(share) for name, share in zip(classes, per_class_accuracy(confusion), strict=True)
        },
        "pairs": {
            f"{classes[a]}-{classes[b]}": pair_errors(confusion, a, b) | {"binary_error": binary_error(logits, labels, a, b)}
            for a, b in indices
        },
        "most_confused": [{"pair": f"{classes[a]}-{classes[b]}", "rate": rate} for a, b, rate in most_confused(confusion, 10)],
        "confusion": confusion.tolist(),
    }
