"""What a crash or a wrong clock left in a study's folders is put right before its first job."""

import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

PARTIAL = ".partial-"  # and a process id: see files.written_whole


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
            Path(path).unlink(missing_ok=True)
    for place, (_, path) in enumerate(sorted(future), start=1 - len(future)):  # microseconds apart, to keep their order
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


def _is_alive(pid: str) -> bool:
    """Whether a process of this machine has that id; what is no id is taken for one that lives."""
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OverflowError, PermissionError):
        return True
    return True


def _told(paths: list[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{len(paths)} files, {paths[0]} among them"
