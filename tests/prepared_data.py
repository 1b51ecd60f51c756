"""Prepared data of generated images, with a split, for tests that train."""

from pathlib import Path

from hardpair import dataset
from hardpair.files import read_json, write_json
from hardpair.sources import synthetic


def prepare(folder: Path, training: int, validation: int, test: int = 20, size: int = 8) -> Path:
    """Write the arrays of ``training + validation`` and ``test`` images, and split.json: the first to train on, the rest to validate."""
    about, parts = synthetic.generate(train=training + validation, test=test, size=size, separation=2.0)
    dataset.save(folder, {"kind": "synthetic", "name": "tiny"} | about, parts)
    held_out = list(range(training, training + validation))
    split = {"data_sha256": read_json(folder / "dataset.json")["sha256"], "training": list(range(training)), "validation": held_out}
    write_json(folder / "split.json", split)
    return folder
