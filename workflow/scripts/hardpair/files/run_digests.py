"""Whether the files of a run are those that were written, by their SHA-256. Imports no torch."""

import functools
from contextlib import suppress
from pathlib import Path

from hardpair.errors import UserError
from hardpair.files.atomic import file_sha256
from hardpair.files.json_text import read_json

AFFECTS_RESULTS = False


def digests(record: dict) -> dict[str, str]:
    """SHA-256 of the files beside run.json, by name; of a run that older code trained, of its weights alone."""
    return {f"{model}.safetensors": digest for model, digest in record["weights"].items()} | record.get("files", {})


def damaged(folder: Path, record: dict) -> str | None:
    """The first of a run's files that is not what was written; OSError if one is missing."""
    return next((name for name, digest in digests(record).items() if file_sha256(folder / name) != digest), None)


def is_as_written(path: Path) -> bool:
    """Whether a file of a run has its SHA-256 in the run.json beside it; False where that is missing or cannot be read."""
    with suppress(UserError, OSError, LookupError, TypeError, AttributeError):
        return digests(read_json(path.with_name("run.json")))[path.name] == file_sha256(path)
    return False


def check(path: Path) -> None:
    """Refuse a file of a run that is not what ``train`` wrote, if there is a run.json beside it that has its SHA-256.

    Raises:
        UserError: the file is damaged or missing.
    """
    record = path.with_name("run.json")
    expected = _digests(record, record.stat().st_mtime_ns).get(path.name) if record.exists() else None
    _refuse(path, expected, "delete its folder and run the workflow to train the run")


def check_predictions(path: Path) -> None:
    """Refuse a predictions.npz that is not what ``evaluate`` wrote, if there is a metrics.json beside it that has its SHA-256.

    Raises:
        UserError: the file is damaged or missing.
    """
    record = path.with_name("metrics.json")
    expected = read_json(record).get("predictions") if record.exists() else None
    _refuse(path, expected, "delete it and run the workflow to evaluate the run")


@functools.cache  # a figure opens several files of each run, and some of them more than once
def _digests(record: Path, modified: int) -> dict[str, str]:
    return digests(read_json(record))


def _refuse(path: Path, expected: str | None, remedy: str) -> None:
    if expected is None:
        return
    if not path.exists():
        raise UserError(f"{path} is missing: {remedy} again")
    if file_sha256(path) != expected:
        raise UserError(f"{path} is damaged, its SHA-256 is not the recorded one: {remedy} again")
