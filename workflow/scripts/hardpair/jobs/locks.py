"""The locks of runs, which the kernel frees when a job ends, however it ends: held by jobs, looked at by others. Imports no torch."""

import contextlib
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from hardpair.files.paths import lock_of

AFFECTS_RESULTS = False


@contextlib.contextmanager
def only_one(checkpoint: Path | None) -> Iterator[bool]:
    """Within its block, be the only job that works on the run of this checkpoint; yields whether another had to be waited for.

    A job may outlive the workflow that started it, and would go on writing beside its successor.
    """
    if checkpoint is None:
        yield False
        return
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    lock = lock_of(checkpoint)
    with alone(lock, f"waiting for another job that works on this run: it holds {lock}") as waited:
        yield waited


@contextlib.contextmanager
def alone(lock_file: Path, waiting: str) -> Iterator[bool]:
    """Within its block, be the only process that holds this lock; yields whether another had to be waited for, which is said first."""
    lock, waited = FileLock(lock_file), False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(waiting, file=sys.stderr, flush=True)
        waited = True
        lock.acquire()
    try:
        yield waited
    finally:
        lock.release()


def held(locks: Iterable[Path]) -> set[Path]:
    """Those of the lock files that a process on this machine holds. On another machine of a shared filesystem it cannot be seen."""
    inodes = {path: number for path in locks if (number := _inode(path)) is not None}
    try:
        table = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:  # not Linux
        return {path for path in inodes if _refused(path)}
    # By inode alone: some filesystems show another device here than stat does.
    locked = set(map(int, re.findall(r" FLOCK .* [0-9a-f]+:[0-9a-f]+:(\d+) ", table)))
    return {path for path, number in inodes.items() if number in locked}


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _refused(path: Path) -> bool:
    """Whether a shared lock is refused, which is held for no longer than it takes to ask."""
    import fcntl

    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


def snakemake_at_work(folder: Path, locks: Path = Path(".snakemake/locks")) -> bool:
    """Whether Snakemake has locked files of a study: it is at work, or was killed and left its locks."""
    for path in locks.glob("*.lock"):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError:  # it has just ended
            continue
        if any(Path(line).is_relative_to(folder) or Path(line).is_relative_to(folder.absolute()) for line in lines):
            return True
    return False
