"""The files of a finished run."""

from pathlib import Path

from safetensors.torch import save

from hardpair.errors import UserError
from hardpair.files import atomic, own_digest
from hardpair.files.json_text import read_json
from hardpair.files.run_digests import damaged
from hardpair.training.history import EPOCH_COLUMNS, REFRESH_COLUMNS, History


def write(folder: Path, history: History, record: dict) -> None:
    """Write a run's weights, tables and arrays and, last, run.json with ``record`` and the SHA-256 of what was written and of itself."""
    models = {"last": history.last} | ({"best": history.best} if history.best else {})
    weights = {name: atomic.write_bytes(folder / f"{name}.safetensors", save(tensors)) for name, tensors in models.items()}
    digests = {
        "epochs.csv": atomic.write_rows(folder / "epochs.csv", history.epochs, EPOCH_COLUMNS),
        "refreshes.csv": atomic.write_rows(folder / "refreshes.csv", history.refreshes, REFRESH_COLUMNS),
        "history.npz": atomic.write_arrays(folder / "history.npz", history.arrays()),
    }
    atomic.write_json(folder / "run.json", own_digest.added(record | {"weights": weights, "files": digests}))


def is_complete(folder: Path, fingerprint: str, epochs: int) -> bool:
    """Whether a folder holds a finished run of this fingerprint and so many epochs; its run.json is written last."""
    try:
        record = read_json(folder / "run.json")
        return (record["fingerprint"], record["epochs"]) == (fingerprint, epochs) and damaged(folder, record) is None
    except (UserError, OSError, KeyError, TypeError, AttributeError):  # whatever lies there is no finished run
        return False
