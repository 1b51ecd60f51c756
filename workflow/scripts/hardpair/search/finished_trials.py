"""Finished trials: their files, and the table of them."""

from pathlib import Path

from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.files.json_text import read_json
from hardpair.search.keys import IN_EVERY_TABLE

COLUMNS = ("trial", "round", "value", "diverged", *IN_EVERY_TABLE, "seconds")


def read_trials(folder: Path, rounds: int, batch: int) -> list[dict]:
    """Results of the first ``rounds`` rounds in order of trial number; files of other rounds or numbers do not count.

    Raises:
        UserError: one is missing or not JSON.
    """
    return [read_json(folder / name) for name in paths.trials(rounds, batch)]


def columns(more: list[str]) -> tuple[str, ...]:
    """Columns of trials.csv; ``more`` are other keys of the recipe that are searched."""
    return (*COLUMNS[:-1], *more, COLUMNS[-1])


def table(trials: list[dict], more: list[str]) -> list[dict]:
    """One row a trial with the keys of ``columns``."""
    flat = [trial | trial["recipe"] | {"diverged": int(trial["diverged"])} for trial in trials]
    return [{key: row[key] for key in columns(more)} for row in flat]


def is_complete(path: Path, fingerprint: str) -> bool:
    """Whether a file holds a finished trial of this fingerprint."""
    try:
        return read_json(path)["fingerprint"] == fingerprint
    except (UserError, OSError, KeyError, TypeError):  # whatever lies there is no finished trial
        return False
