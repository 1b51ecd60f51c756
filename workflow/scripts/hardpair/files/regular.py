"""Whether a file is one that can be read: results from elsewhere may have named pipes in place of files, for which a reader waits."""

import errno
import os
import stat
from pathlib import Path

AFFECTS_RESULTS = False


def check_regular(path: str | Path, most: int | None = None) -> None:
    """Refuse what is neither a regular file nor a folder, which readers refuse themselves.

    Args:
        most: bytes that the file may have.

    Raises:
        OSError: it is missing, something else, or larger.
    """
    status = os.stat(path)
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise OSError(errno.EINVAL, "is no regular file", str(path))
    if most is not None and status.st_size > most:
        raise OSError(errno.EFBIG, f"has more than {most // 2**20} MiB", str(path))
