"""The files of a finished run."""

from pathlib import Path

import numpy as np
from safetensors.torch import save_file

from hardpair.errors import UserError
from hardpair.files.atomic import atomic_write, file_sha256, read_json, write_json, write_rows
from hardpair.training.history import EPOCH_COLUMNS, REFRESH_COLUMNS, History


def write(folder: Path, history: History, record: dict) -> None:
    """Write a run's weights, tables and arrays and, last, run.json with ``record`` and the SHA-256 of the weights."""
    weights = {"last": history.last} | ({"best": history.best} if history.best else {})
    for name, tensors in weights.items():
        with atomic_write(folder / f"{name}.safetensors") as temporary:
            save_file(tensors, temporary)
    write_rows(folder / "epochs.csv", history.epochs, EPOCH_COLUMNS)
    write_rows(folder / "refreshes.csv", history.refreshes, REFRESH_COLUMNS)
    with atomic_write(folder / "history.npz") as temporary:
        np.savez_compressed(temporary, **history.arrays())
    write_json(folder / "run.json", record | {"weights": {name: file_sha256(folder / f"{name}.safetensors") for name in weights}})


def is_complete(folder: Path, fingerprint: str) -> bool:
    """Whether a folder holds a finished run of this fingerprint; its run.json is written last."""
    try:
        record = read_json(folder / "run.json")
        intact = all(file_sha256(folder / f"{name}.safetensors") == digest for name, digest in record["weights"].items())
        return intact and record["fingerprint"] == fingerprint
    except (UserError, OSError, KeyError, TypeError, AttributeError):  # whatever lies there is no finished run
        return False
