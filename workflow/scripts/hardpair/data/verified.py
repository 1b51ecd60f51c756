"""Whether prepared arrays are those that dataset.json describes, by their digest. Imports no torch.

To hash CIFAR-10 takes a second, so a folder whose files are unchanged since (inode, size and times) is not hashed again on this machine.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from hardpair.data.arrays import load_part
from hardpair.data.dataset import content_hash
from hardpair.errors import UserError
from hardpair.files.own_folder import own_folder

AFFECTS_RESULTS = False
PARTS = ("train", "test")


def check(folder: Path, expected: str) -> None:
    """Refuse prepared arrays of another digest than ``expected``, which dataset.json records.

    Raises:
        UserError: they are damaged; with how to make them again.
    """
    mark = _mark(folder, expected)
    if mark is not None and mark.exists():
        return
    if content_hash({part: load_part(folder, part) for part in PARTS}) != expected:
        raise UserError(
            f"the arrays in {folder} are damaged, their SHA-256 is not that of dataset.json: make them again by the study's snakemake "
            f"command (behind make: docs/running.md), with `--forcerun prepare_data -- {folder / 'dataset.json'}` at its end"
        )
    if mark is not None:
        with suppress(OSError):  # then they are hashed again
            mark.touch()


def _mark(folder: Path, expected: str) -> Path | None:
    """A file that stands for arrays of this digest and state; None where no folder of this user's can be had."""
    state = [expected]
    for path in (folder / part / f"{name}.npy" for part in PARTS for name in ("images", "labels")):
        status = path.stat()
        state.append([str(path.resolve()), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns])
    try:
        marks = own_folder("verified")
    except OSError:
        return None
    return marks / hashlib.sha256(json.dumps(state).encode()).hexdigest()[:32]
