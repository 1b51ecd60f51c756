"""Prepared data of generated images, with a split, for tests that train."""

from pathlib import Path

import numpy as np

from hardpair.data import dataset
from hardpair.data.sources import synthetic
from hardpair.files.atomic import write_json
from hardpair.files.json_text import read_json


def prepare(folder: Path, training: int, validation: int, test: int = 20, size: int = 8) -> Path:
    """Write the arrays of ``training + validation`` and ``test`` images, and split.json: the first to train on, the rest to validate."""
    about, parts = synthetic.generate(train=training + validation, test=test, size=size, separation=2.0)
    dataset.save(folder, {"kind": "synthetic", "name": "tiny"} | about, parts)
    held_out = list(range(training, training + validation))
    split = {"data_sha256": read_json(folder / "dataset.json")["sha256"], "training": list(range(training)), "validation": held_out}
    write_json(folder / "split.json", split)
    return folder


def same_parts(first, second):
    """Whether two sets of parts hold equal arrays."""
    return all(np.array_equal(first[part][index], second[part][index]) for part in ("train", "test") for index in (0, 1))


def some_parts(seed=0):
    """Images and labels of four training and two test images."""
    generator = np.random.default_rng(seed)
    sizes = {"train": 4, "test": 2}
    return {part: (generator.integers(0, 256, (n, 3, 8, 8), dtype=np.uint8), generator.integers(0, 10, n)) for part, n in sizes.items()}
