"""Check that a study's folders are writable, and repair what a crash or a wrong clock left in them."""

import os
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from hardpair.errors import UserError, say
from hardpair.files.atomic import PARTIAL, owner
from hardpair.files.times import date_now, entries, named


def refuse_unwritable(folders: Iterable[Path]) -> None:
    """Refuse folders, existing or still to be made, that are not writable; Snakemake would fail with a traceback, and late.

    Raises:
        UserError: names the first of them.
    """
    for folder in sorted(folders):
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        if not os.access(existing, os.W_OK | os.X_OK):
            raise UserError(f"{existing} is not writable: change its permissions, or work in a folder of your own")


def tidy(folders: Iterable[Path], others: Iterable[os.DirEntry] = ()) -> None:
    """Remove unfinished files of killed processes, and date files of the future now; print what was done to stderr.

    Snakemake treats a job as failed whose input is newer than its output, and would delete what took hours to train.

    Args:
        folders: to look through.
        others: entries of other folders that may be unfinished.
    """
    folders, unfinished = list(folders), []
    for entry in (*others, *(entry for folder in folders for entry in entries(folder))):
        if entry.name.startswith(PARTIAL) and not _is_alive(entry.name.removeprefix(PARTIAL).partition("-")[0]):
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


def _is_alive(writer: str) -> bool:
    """Whether the process that ``files.owner`` names is alive; True where that is not known, as on another machine."""
    pid, _, machine = writer.partition(".")
    if machine != owner().partition(".")[2]:
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OverflowError, PermissionError):
        return True
    return True
