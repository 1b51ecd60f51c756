"""Counts of true and predicted classes, and what they say: accuracy, confusion of pairs. Pure functions on arrays."""

import numpy as np


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts int64 (C, C); row = true class, column = predicted class. ``labels`` and ``predicted`` are int64 (N,)."""
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def accuracy(confusion: np.ndarray) -> float:
    """Share of images classified correctly, from counts (C, C)."""
    return float(np.trace(confusion) / confusion.sum())


def per_class_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of each true class classified correctly, float64 (C,); NaN for a class without images."""
    counts = confusion.sum(1)
    return np.divide(np.diag(confusion), counts, out=np.full(len(counts), np.nan), where=counts > 0)


def pair_rates(confusion: np.ndarray) -> np.ndarray:
    """Confusion rate of every pair, float64 (C, C), symmetric: (n(a→b) + n(b→a)) / (n(a) + n(b)); the diagonal is 0."""
    counts = confusion.sum(1)
    crossed = np.array(confusion + confusion.T, dtype=np.float64)
    np.fill_diagonal(crossed, 0)
    return crossed / np.maximum(counts[:, None] + counts[None, :], 1)


def most_confused(confusion: np.ndarray, count: int) -> list[tuple[int, int, float]]:
    """The ``count`` pairs (a, b), a < b, of highest confusion rate with that rate; ties in class order."""
    rates = pair_rates(confusion)
    first, second = np.triu_indices(len(rates), k=1)
    order = np.argsort(-rates[first, second], kind="stable")[:count]
    return [(int(first[i]), int(second[i]), float(rates[first[i], second[i]])) for i in order]


def pair_errors(confusion: np.ndarray, a: int, b: int) -> dict[str, float]:
    """Confusion rate of a pair, its two directions, and each class's errors that leave the pair, as shares; 0 of a class without images."""
    of_a, of_b = np.maximum(confusion.sum(1)[[a, b]], 1)
    return {
        "rate": float(pair_rates(confusion)[a, b]),
        "a_to_b": float(confusion[a, b] / of_a),
        "b_to_a": float(confusion[b, a] / of_b),
        "a_to_other": float((confusion[a].sum() - confusion[a, a] - confusion[a, b]) / of_a),
        "b_to_other": float((confusion[b].sum() - confusion[b, b] - confusion[b, a]) / of_b),
    }
