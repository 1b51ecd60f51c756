"""Which jobs are at work, as their locks tell; takes none. Imports no torch."""

import re
from collections.abc import Iterable
from pathlib import Path


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
