"""Which images variants fix or get newly wrong, compared with the baseline, and how many of each pair of classes."""

import numpy as np


def changes(wrong: np.ndarray, baseline: int, seeds: int) -> np.ndarray:
    """What each variant changes about each image.

    Args:
        wrong: how many of a variant's runs get an image wrong, int64 (V, N).
        baseline: place of the baseline among the variants.
        seeds: runs of each variant.

    Returns:
        int64 (V, N): 1 where most runs of the baseline are wrong and most of the variant right, -1 where it is the reverse, else 0.
    """
    most = np.sign(2 * wrong - seeds)
    return np.where(most == -most[baseline], most[baseline], 0)


def by_pair(change: np.ndarray, called: np.ndarray, labels: np.ndarray, baseline: int, classes: int) -> np.ndarray:
    """How many images of each pair of classes each variant changes.

    An image is counted for each pair that consists of its class and a wrong class that a run of the baseline or of the variant predicts.

    Args:
        change: of ``changes``, (V, N).
        called: predicted classes, unsigned integers (V, S, N).
        labels: true classes int64 (N,).
        baseline: place of the baseline among the variants.
        classes: number of classes.

    Returns:
        int64 (K, 5), a row for each variant and pair with such images: variant, the two classes in label order, fixed, newly wrong.
    """
    rows = []
    for variant in range(len(change)):
        images = np.flatnonzero(change[variant])
        predicted = np.concatenate([called[baseline], called[variant]])[:, images].astype(np.int64)
        true = labels[images]
        pairs = classes * np.minimum(predicted, true) + np.maximum(predicted, true)
        once = np.unique((classes**2 * np.arange(len(images)) + pairs)[predicted != true])  # each image once for each of its pairs
        image, pair = np.divmod(once, classes**2)
        fixed, broken = (np.bincount(pair[change[variant, images[image]] == kind], minlength=classes**2) for kind in (1, -1))
        found = np.flatnonzero(fixed + broken)
        rows.append(np.stack([np.full_like(found, variant), *np.divmod(found, classes), fixed[found], broken[found]], 1))
    return np.concatenate(rows)


def clearest(change: np.ndarray, wrong: np.ndarray, baseline: int) -> np.ndarray:
    """Places of the images that any variant changes, int64: of each variant first those with the largest difference in wrong runs.

    Ties are in given order.
    """
    size = np.where(change, np.abs(wrong - wrong[baseline]), 0)
    rank = np.argsort(np.argsort(-size, 1, kind="stable"), 1)
    first = np.where(change, rank, size.shape[1]).min(0)
    order = np.argsort(first, kind="stable")
    return order[first[order] < size.shape[1]]
