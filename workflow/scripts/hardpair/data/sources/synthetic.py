"""Generated images with one look-alike pair whose Bayes error is known, so that all steps together can be checked against a number."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from hardpair.data.sources import Arrays, Inventory, Source
from hardpair.data.sources.cifar10 import CLASSES  # borrowed, so that the look-alike pair is (cat, dog) here too

if TYPE_CHECKING:
    import numpy as np

SEED = 7
NOISE = 28.0  # sd of the pixels, in grey levels of 0..255
CONTRAST = 20.0  # sd of a class's template, in grey levels
PAIR = ("cat", "dog")


class Synthetic(Source):
    """Generated images; ``data.synthetic`` sets their number and how much the pair differs."""

    classes = CLASSES
    settings = ("synthetic",)

    def inventory(self, data: dict, folder: Path | None = None) -> Inventory:
        shape = data["synthetic"]
        return Inventory(shape["train"], shape["test"], CLASSES, shape["size"])

    def read(self, data: dict, folder: Path, threads: int) -> tuple[dict, Arrays]:
        return generate(**data["synthetic"])


def bayes_error(separation: float) -> float:
    """Φ(−d′/2): the least error with which two equally frequent Gaussians at distance d′ can be distinguished."""
    return 0.5 * math.erfc(separation / 2 / math.sqrt(2))


def generate(train: int, test: int, size: int, separation: float) -> tuple[dict, Arrays]:
    """Ten balanced classes: a smooth template each, under independent Gaussian noise on every pixel.

    Cat and dog share one template and differ by ± separation / 2 noise sd along one pattern of unit norm, so that no classifier can tell
    them apart with less error than Φ(−separation / 2). Rounding and (rare) clipping only add to it.

    Returns:
        ``{"classes": names, "bayes_error": {"cat-dog": error}}``, and the images with their labels.
    """
    import numpy as np

    generator = np.random.default_rng(SEED)
    means = class_means(size, separation)
    parts = {}
    for part, count in (("train", train), ("test", test)):
        labels = generator.permutation(np.arange(count) % len(CLASSES))
        images = means[labels] + NOISE * generator.standard_normal((count, *means.shape[1:]), dtype=np.float32)
        parts[part] = (np.clip(np.rint(images), 0, 255).astype(np.uint8), labels.astype(np.int64))
    return {"classes": list(CLASSES), "bayes_error": {"-".join(PAIR): bayes_error(separation)}}, parts


def class_means(size: int, separation: float) -> "np.ndarray":
    """Mean image of each class in grey levels, float32 (10, 3, S, S)."""
    import numpy as np

    generator = np.random.default_rng(SEED)
    means = np.stack([128 + CONTRAST * _smooth_pattern(size, generator) for _ in CLASSES])
    first, second = (CLASSES.index(name) for name in PAIR)
    pattern = _smooth_pattern(size, generator)
    step = separation / 2 * NOISE * pattern / np.linalg.norm(pattern)
    means[first], means[second] = means[first] + step, means[first] - step
    return means.astype(np.float32)


def _smooth_pattern(size: int, generator: "np.random.Generator") -> "np.ndarray":
    """A random sum of low cosines, float64 (3, S, S), sd 1, the same in the mirror: a flip or small shift hardly changes it."""
    import numpy as np

    at = (np.arange(size) + 0.5) / size
    rows = np.cos(np.pi * np.arange(3)[:, None] * at)  # up to one full wave from top to bottom
    columns = np.cos(2 * np.pi * np.arange(2)[:, None] * at)  # full waves only: symmetric
    pattern = np.einsum("cij,iy,jx->cyx", generator.standard_normal((3, 3, 2)), rows, columns)
    pattern -= pattern.mean()
    return pattern / pattern.std()


SOURCE = Synthetic()
