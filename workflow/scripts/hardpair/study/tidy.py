"""Before a study's first job: may it write, and what a crash or a wrong clock left in its folders is put right."""

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
    """Refuse folders, existing or still to be made, that may not be written to; Snakemake would find out with a traceback, and late.

    Raises:
        UserError: names the first of them.
    """
    for folder in sorted(folders):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            raise UserError(f"{there} may not be written to: change its permissions, or work in a folder of your own")


def tidy(folders: Iterable[Path]) -> None:
    """Remove what killed processes left half-written, and date files of the future now; one line on stderr where there was any.

    Snakemake calls a job failed whose input is younger than its output, and would delete what took hours to train.
    """
    now = time.time_ns()
    left, future = [], []
    for entry in (entry for folder in folders for entry in _entries(folder)):
        if entry.name.startswith(PARTIAL):
            left.append(entry.path)
        elif entry.is_file(follow_symlinks=False) and (changed := entry.stat().st_mtime_ns) > now:
            future.append((changed, entry.path))
    left = [path for path in left if not _is_alive(Path(path).name.removeprefix(PARTIAL).partition("-")[0])]
    for path in left:
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(FileNotFoundError, PermissionError):
                os.unlink(path)
    for place, (_, path) in enumerate(sorted(future), start=1 - len(future)):  # microseconds apart, to keep their order
        with suppress(PermissionError):  # another's, in a folder of data that is shared
            os.utime(path, ns=(now, now + 1000 * place))
    if left:
        print(f"removed what killed jobs had half written: {_told(left)}", file=sys.stderr)
    if future:
        print(f"dated now, since they were of the future: {_told([path for _, path in sorted(future)])}", file=sys.stderr)


def _entries(folder: str | Path) -> Iterator[os.DirEntry]:
    """All in a folder, not looking into half-written folders; nothing if there is none."""
    try:
        inside = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in inside:
        yield entry
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(PARTIAL):
            yield from _entries(entry.path)


def _is_alive(writer: str) -> bool:
    """Whether the process that ``files.owner`` tells of lives, as far as this machine can know: what another one writes is left alone."""
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


def _told(paths: list[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{len(paths)} files, {paths[0]} among them"
