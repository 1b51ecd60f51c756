"""Generated images with one look-alike pair whose Bayes error is known, so that the whole chain can be checked against a number."""

import math

import numpy as np

from hardpair.data.sources.classes import CLASSES

SEED = 7
NOISE = 28.0  # sd of the pixels, in grey levels of 0..255
CONTRAST = 20.0  # sd of a class's template, in grey levels
PAIR = ("cat", "dog")


def bayes_error(separation: float) -> float:
    """Φ(−d′/2): the least error with which two equally frequent Gaussians at distance d′ can be told apart."""
    return 0.5 * math.erfc(separation / 2 / math.sqrt(2))


def generate(train: int, test: int, size: int, separation: float) -> tuple[dict, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Ten balanced classes: a smooth template each, under independent Gaussian noise on every pixel.

    Cat and dog share one template and differ by ± separation / 2 noise sd along one pattern of unit norm, so that no classifier can tell
    them apart with less error than Φ(−separation / 2). Rounding and (rare) clipping only add to it.

    Returns:
        ``{"classes": names, "bayes_error": {"cat-dog": error}}``, and images uint8 (N, 3, S, S) and labels int64 (N,) of each part.
    """
    classes = list(CLASSES["synthetic"])
    generator = np.random.default_rng(SEED)
    means = class_means(size, separation)
    parts = {}
    for part, count in (("train", train), ("test", test)):
        labels = generator.permutation(np.arange(count) % len(classes))
        images = means[labels] + NOISE * generator.standard_normal((count, *means.shape[1:]), dtype=np.float32)
        parts[part] = (np.clip(np.rint(images), 0, 255).astype(np.uint8), labels.astype(np.int64))
    return {"classes": classes, "bayes_error": {"-".join(PAIR): bayes_error(separation)}}, parts


def class_means(size: int, separation: float) -> np.ndarray:
    """Mean image of each class in grey levels, float32 (10, 3, S, S)."""
    classes = CLASSES["synthetic"]
    generator = np.random.default_rng(SEED)
    means = np.stack([128 + CONTRAST * _smooth_pattern(size, generator) for _ in classes])
    first, second = (classes.index(name) for name in PAIR)
    pattern = _smooth_pattern(size, generator)
    step = separation / 2 * NOISE * pattern / np.linalg.norm(pattern)
    means[first], means[second] = means[first] + step, means[first] - step
    return means.astype(np.float32)


def _smooth_pattern(size: int, generator: np.random.Generator) -> np.ndarray:
    """A random sum of low cosines, float64 (3, S, S), sd 1, the same in the mirror: a flip or small shift hardly changes it."""
    at = (np.arange(size) + 0.5) / size
    rows = np.cos(np.pi * np.arange(3)[:, None] * at)  # up to one whole wave from top to bottom
    columns = np.cos(2 * np.pi * np.arange(2)[:, None] * at)  # whole waves only: symmetric
    pattern = np.einsum("cij,iy,jx->cyx", generator.standard_normal((3, 3, 2)), rows, columns)
    pattern -= pattern.mean()
    return pattern / pattern.std()
