"""Check that a study's folders are writable, and repair what a crash or a wrong clock left in them."""

import math
import os
import shutil
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from hardpair.errors import UserError, say
from hardpair.files.atomic import PARTIAL, owner
from hardpair.files.times import date_now, entries, named

MINUTE, DAY = 60, 24 * 60 * 60  # seconds


def refuse_unwritable(folders: Iterable[Path]) -> None:
    """Refuse folders, existing or still to be made, that are not folders, or not writable; Snakemake would fail with a traceback, and late.

    Raises:
        UserError: names the first of them.
    """
    for folder in sorted(folders):
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        if not existing.is_dir():
            raise UserError(f"{existing} is not a folder, but files would be written into it: move or rename it")
        if not os.access(existing, os.W_OK | os.X_OK):
            raise UserError(f"{existing} is not writable: change its permissions, or work in a folder of your own")


def refuse_files(*folders: Path) -> None:
    """Refuse folders in whose place, or in that of a folder above them, something else is.

    Raises:
        UserError: names it.
    """
    for folder in folders:
        for path in (folder, *folder.parents):
            if path.exists() and not path.is_dir():
                raise UserError(f"{path} is not a folder, but {folder} would be written: move or rename it")


def tidy(folders: Iterable[Path], others: Iterable[os.DirEntry] = ()) -> None:
    """Remove unfinished files of killed processes, and date files of the future now; print what was done to stderr.

    Snakemake treats a job as failed whose input is newer than its output, and would delete what took hours to train.

    Args:
        folders: to look through.
        others: entries of other folders that may be unfinished. Those of another machine stay: marks of jobs that are due serve a command
            for days without being written to.
    """
    folders, unfinished = list(folders), []
    for entry in others:
        if entry.name.startswith(PARTIAL) and _is_alive(entry.name) is False:
            unfinished.append(entry.path)
    for entry in (entry for folder in folders for entry in entries(folder) if entry.name.startswith(PARTIAL)):
        written = _last_written(Path(entry.path))
        alive = _is_alive(entry.name, written)
        if alive is False or (alive is None and written < time.time() - DAY):
            unfinished.append(entry.path)
    for path in unfinished:
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(FileNotFoundError, PermissionError):
                os.unlink(path)
    if unfinished:
        say(f"removed unfinished files of killed jobs: {named(unfinished)}", file=sys.stderr)
    date_now(folders)


def _is_alive(name: str, written: float = math.inf) -> bool | None:
    """Whether the process that ``atomic.owner`` names in that of an unfinished file is alive; None where it is of another machine.

    A process counts as dead if there is none of that number, if it has ended and nobody has waited for it, or if it began later than a
    minute after the file was ``written`` to last, so that it has been given the number since.
    """
    pid, _, machine = name.removeprefix(PARTIAL).partition("-")[0].partition(".")
    if machine != owner().partition(".")[2]:
        return None
    try:
        process = psutil.Process(int(pid))
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() < written + MINUTE
    except psutil.NoSuchProcess:
        return False
    except (ValueError, OverflowError, psutil.Error):
        return True


def _last_written(path: Path) -> float:
    """When a file, or a folder or what it holds, was changed last, in seconds since the epoch; minus infinity if it was removed since."""
    times = [-math.inf]
    for each in (path, *path.rglob("*")):
        with suppress(FileNotFoundError):
            times.append(each.lstat().st_mtime)
    return max(times)
