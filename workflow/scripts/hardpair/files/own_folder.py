"""Folders of a user's own on this machine, for what that user's jobs have in common. Imports no torch."""

import os
from contextlib import suppress
from pathlib import Path

AFFECTS_RESULTS = False
TEMPORARY = Path("/tmp")  # of this machine; TMPDIR may differ from job to job


def own_folder(purpose: str) -> Path:
    """A folder that only this user can use, made if it is not there.

    Raises:
        FileExistsError: there is a link, a file or another user's folder of this name.
        OSError: it cannot be made.
    """
    folder = TEMPORARY / f"hardpair-{purpose}-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.getuid():
        raise FileExistsError(f"{folder} is a link, a file or another user's folder")
    return folder
