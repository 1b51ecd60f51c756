"""Training and validation images. Imports no torch."""

import numpy as np

from hardpair.errors import UserError

SPLIT_SEED = 20170808  # one split for all runs of a study, so that they differ in nothing but their seed


def split_indices(labels: np.ndarray, training: int | None, validation: int, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Sorted indices int64 of training and validation images, disjoint and always the same for the same arguments.

    Args:
        labels: int64 (N,).
        training: how many to train on; None takes all that validation leaves.
        validation: how many to hold out.
        split: ``stratified`` keeps the share of each class to within one image, among all images for validation and among those that it
            leaves for training; ``random`` ignores classes.

    Raises:
        UserError: more images are asked for than there are.
    """
    total = len(labels)
    wanted = validation + (training if training is not None else 1)
    if wanted > total:
        raise UserError(f"data.training and data.validation ask for {wanted} images, but there are {total}: lower one of them")
    generator = np.random.default_rng(SPLIT_SEED)
    held_out, rest = _take(np.arange(total), labels, validation, split, generator)
    if training is not None:
        rest, _ = _take(rest, labels, training, split, generator)
    return np.sort(rest), np.sort(held_out)


def _take(index: np.ndarray, labels: np.ndarray, count: int, split: str, generator) -> tuple[np.ndarray, np.ndarray]:
    """``count`` of ``index``, and the others."""
    order = generator.permutation(index)
    if split == "random":
        return order[:count], order[count:]
    classes, sizes = np.unique(labels[order], return_counts=True)
    chosen = np.zeros(len(order), dtype=bool)
    for name, quota in zip(classes, _quotas(sizes, count), strict=True):
        chosen[np.flatnonzero(labels[order] == name)[:quota]] = True
    return order[chosen], order[~chosen]


def _quotas(sizes: np.ndarray, count: int) -> np.ndarray:
    """``count`` divided in proportion to ``sizes`` by largest remainders; ties go to the lower class."""
    exact = sizes * count / sizes.sum()
    quotas = np.floor(exact).astype(int)
    quotas[np.argsort(quotas - exact, kind="stable")[: count - quotas.sum()]] += 1
    return quotas
