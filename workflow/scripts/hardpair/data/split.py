"""Training and validation images. Imports no torch."""

import numpy as np

from hardpair.errors import UserError
from hardpair.wording import abbreviated

SPLIT_SEED = 20170808  # one split for all runs of a study, so that they differ in nothing but their seed


def split_indices(
    labels: np.ndarray, training: int | None, validation: int, split: str, imbalance: float = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Sorted indices int64 of training and validation images, disjoint and always the same for the same arguments.

    Args:
        labels: int64 (N,).
        training: how many to train on; None takes all that validation leaves.
        validation: how many to hold out.
        split: ``stratified`` keeps the share of each class to within one image, among all images for validation and among those that it
            leaves for training; ``random`` ignores classes.
        imbalance: above 1, the images that validation leaves are cut to a long tail (``long_tail``) and all of it is trained on. A longer
            tail holds no image that a shorter one lacks.

    Raises:
        UserError: more images are asked for than there are, a class of the tail would have none, or ``training`` is given with a tail.
    """
    if imbalance != 1 and training is not None:
        raise UserError("data.imbalance and data.training both set the number of images to train on: remove one of them")
    total = len(labels)
    requested = validation + (training if training is not None else 1)
    if requested > total:
        raise UserError(f"data.training and data.validation need {requested} images, but there are {total}: lower one of them")
    generator = np.random.default_rng(SPLIT_SEED)
    held_out, rest = _take(np.arange(total), labels, validation, split, generator)
    if imbalance != 1:
        order = generator.permutation(rest)
        sizes = np.bincount(labels[order], minlength=labels.max() + 1)
        rest = order[_first(labels[order], long_tail(sizes, imbalance))]
    elif training is not None:
        rest, _ = _take(rest, labels, training, split, generator)
    return np.sort(rest), np.sort(held_out)


def refuse_untrained(counts: np.ndarray, classes: list[str]) -> None:
    """Refuse a split that leaves classes without a training image; ``counts`` is int (C,), after every step that takes images away.

    Raises:
        UserError: there is such a class.
    """
    if lacking := [classes[label] for label in np.flatnonzero(counts == 0)]:
        raise UserError(
            f"the split leaves no training image of {len(lacking):,} of {len(classes):,} classes ({abbreviated(lacking)}): "
            "lower data.validation, raise or remove data.training, set data.split to stratified, or add images"
        )


def long_tail(sizes: np.ndarray, imbalance: float) -> np.ndarray:
    """Images that a long tail keeps of each class: ⌊n_c · imbalance^(−c / (C − 1))⌋ (Cui et al. 2019, sec. 5.1; Cao et al. 2019, sec. 4).

    Of equal classes the first keeps all its images, the last one in ``imbalance``; unequal classes keep the same shares, each of its own.

    Args:
        sizes: images n_c of each class before, int64 (C,).

    Raises:
        UserError: a class would keep no image.
    """
    shares = float(imbalance) ** -(np.arange(len(sizes)) / max(len(sizes) - 1, 1))
    kept = np.floor(sizes * shares + 1e-9).astype(np.int64)  # rounding may not make 500 of 500.0
    if not kept.all():
        label = int(np.flatnonzero(kept == 0)[0])
        raise UserError(f"data.imbalance {imbalance:g} keeps none of the {sizes[label]} images of class {label} (from 0): lower it")
    return kept


def _take(index: np.ndarray, labels: np.ndarray, count: int, split: str, generator) -> tuple[np.ndarray, np.ndarray]:
    """``count`` of ``index``, and the others."""
    order = generator.permutation(index)
    if split == "random":
        return order[:count], order[count:]
    chosen = _first(labels[order], quotas(np.bincount(labels[order]), count))
    return order[chosen], order[~chosen]


def _first(labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Whether each of ``labels`` is among the first ``numbers[label]`` of its class, bool (N,)."""
    chosen = np.zeros(len(labels), dtype=bool)
    for label, number in enumerate(numbers):
        chosen[np.flatnonzero(labels == label)[:number]] = True
    return chosen


def quotas(sizes: np.ndarray, count: int) -> np.ndarray:
    """``count`` divided in proportion to ``sizes``, int (C,) each, by largest remainders; ties go to the lower class."""
    exact = sizes * count / sizes.sum()
    numbers = np.floor(exact).astype(int)
    numbers[np.argsort(numbers - exact, kind="stable")[: count - numbers.sum()]] += 1
    return numbers
