"""Check that a study's folders are writable, and repair what a crash or a wrong clock left in them."""

import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from hardpair.errors import UserError
from hardpair.files.atomic import PARTIAL, owner


def refuse_unwritable(folders: Iterable[Path]) -> None:
    """Refuse folders, existing or still to be made, that are not writable; Snakemake would fail with a traceback, and late.

    Raises:
        UserError: names the first of them.
    """
    for folder in sorted(folders):
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        if not os.access(existing, os.W_OK | os.X_OK):
            raise UserError(f"{existing} is not writable: change its permissions, or work in a folder of your own")


def tidy(folders: Iterable[Path]) -> None:
    """Remove unfinished files of killed processes, and date files of the future now; print what was done to stderr.

    Snakemake treats a job as failed whose input is newer than its output, and would delete what took hours to train.
    """
    now = time.time_ns()
    unfinished, future = [], []
    for entry in (entry for folder in folders for entry in _entries(folder)):
        if entry.name.startswith(PARTIAL):
            if not _is_alive(entry.name.removeprefix(PARTIAL).partition("-")[0]):
                unfinished.append(entry.path)
        elif entry.is_file(follow_symlinks=False) and (changed := entry.stat().st_mtime_ns) > now:
            future.append((changed, entry.path))
    for path in unfinished:
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(FileNotFoundError, PermissionError):
                os.unlink(path)
    future = [path for _, path in sorted(future)]
    for place, path in enumerate(future, start=1 - len(future)):  # microseconds apart, to keep their order
        with suppress(PermissionError):  # another user's, in a shared folder of data
            os.utime(path, ns=(now, now + 1000 * place))
    for action, files in (("removed unfinished files of killed jobs", unfinished), ("set the dates of files of the future to now", future)):
        if files:
            print(f"{action}: {files[0] if len(files) == 1 else f'{len(files)} files, such as {files[0]}'}", file=sys.stderr)


def _entries(folder: str | Path) -> Iterator[os.DirEntry]:
    """All entries below a folder, not descending into unfinished folders; none if it does not exist."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        yield entry
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(PARTIAL):
            yield from _entries(entry.path)


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
