"""Locks of runs and studies, which the kernel frees when their process ends in any way. Imports no torch."""

import contextlib
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from hardpair.errors import UserError, say
from hardpair.files import paths

AFFECTS_RESULTS = False
WAITING = "waiting for another job of this run"


def only_one(checkpoint: Path | None) -> contextlib.AbstractContextManager[bool]:
    """Within its block, be the only job that works on the run of this checkpoint; yields whether it had to wait for another.

    A job may outlive the workflow that started it, and both it and its successor would write.
    """
    if checkpoint is None:
        return contextlib.nullcontext(False)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    lock = paths.lock_of(checkpoint)
    return alone(lock, f"{WAITING}, which holds {lock}")


@contextlib.contextmanager
def alone(lock_file: Path, waiting: str) -> Iterator[bool]:
    """Within its block, be the only process that holds this lock; yields whether it had to wait, after printing ``waiting``."""
    lock, waited = FileLock(lock_file), False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(waiting, file=sys.stderr)
        waited = True
        lock.acquire()
    try:
        yield waited
    finally:
        lock.release()


def take(lock_file: Path, refusal: str) -> FileLock:
    """Hold a lock until this process ends or releases it.

    Raises:
        UserError: with this sentence, another process holds it.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(refusal) from None
    return lock


def allow_many() -> None:
    """Let this process hold as many locks at a time as the system permits: each is an open file, and 1,024 often only the default."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for number in (most, 10_240):  # macOS gives no limit, and then does not accept that
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (number, most))
            return


def take_study(folder: Path) -> FileLock:
    """Hold the lock of a study, as ``take``; Snakemake's own lock is a file, which others may remove."""
    refusal = f"another command is running on the study {folder.name}: wait until it ends"
    return take(folder / paths.STUDY_LOCK, refusal)


def held(locks: Iterable[Path]) -> set[Path]:
    """Those of the lock files that a process on this machine holds; on another machine of a shared filesystem they cannot be seen."""
    inodes = {path: inode for path in locks if (inode := _inode(path)) is not None}
    try:
        table = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:  # not Linux
        return {path for path in inodes if _refused(path)}
    # By inode alone: some filesystems show another device here than stat does.
    locked = set(map(int, re.findall(r" FLOCK .* [0-9a-f]+:[0-9a-f]+:(\d+) ", table)))
    return {path for path, number in inodes.items() if number in locked}


def _inode(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return path.stat().st_ino
    return None


def _refused(path: Path) -> bool:
    """Whether a shared lock is refused; if not, it is released at once."""
    import fcntl

    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


def snakemake_running(folder: Path, locks: Path = paths.SNAKEMAKE / "locks") -> bool:
    """Whether Snakemake has locked files of a study: it is running, or was killed and left its locks."""
    for path in locks.glob("*.lock"):
        with contextlib.suppress(OSError):  # it has just ended
            files = map(Path, path.read_text(encoding="utf-8").splitlines())
            if any(file.absolute().is_relative_to(folder.absolute()) for file in files):
                return True
    return False
