"""Folders of a user's own on this machine, for what that user's jobs have in common. Imports no torch."""

import os
from pathlib import Path

AFFECTS_RESULTS = False
TEMPORARY = Path("/tmp")  # of this machine; TMPDIR may differ from job to job


def own_folder(purpose: str) -> Path:
    """A folder that only this user can use, made if it is not there.

    Raises:
        FileExistsError: there is a link or a file of this name, or a folder of another user.
        OSError: it cannot be made.
    """
    folder = TEMPORARY / f"hardpair-{purpose}-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise FileExistsError(f"{folder} belongs to another user")
    return folder
