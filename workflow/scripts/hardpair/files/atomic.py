"""Files that are written completely or not at all."""

import errno
import glob
import hashlib
import io
import json
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hardpair.files import csv_text
from hardpair.files.regular import check_regular

if TYPE_CHECKING:
    import numpy as np

PARTIAL = ".partial-"  # and its owner: the beginning of the name of a file that is being written


def owner() -> str:
    """This process, among those of all machines that may share a disk."""
    return f"{os.getpid()}.{re.sub('[^A-Za-z0-9]', '', platform.node())}"


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` and rename it to ``path`` when the block succeeds.

    The temporary name keeps the suffix, which some writers depend on. On any exception it is removed and ``path`` stays as it was.

    Raises:
        OSError: it cannot be written; names ``path``.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{PARTIAL}{owner()}-{path.name}")
    try:
        yield temporary
        umask = os.umask(0o077)  # which can only be read by setting it
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # some writers make files that only their owner may read
        flush(temporary)  # a rename may reach the disk before the content does
        os.replace(temporary, path)
        with suppress(OSError):  # not every filesystem can flush folders
            flush(path.parent)
    except Exception as error:
        if (named := _system_error(error, path, temporary)) is None:
            raise
        raise named from error
    finally:
        temporary.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk, where a power cut leaves them."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _system_error(error: Exception, path: Path, temporary: Path) -> OSError | None:
    """The system's reason for not writing ``path``, if that is what ``error`` is about."""
    if isinstance(error, OSError):
        if error.filename not in (None, str(temporary), temporary):
            return None
        if error.errno is None:  # NumPy's, when it could not write all
            return OSError(errno.EIO, str(error), str(path))
        return OSError(error.errno, os.strerror(error.errno), str(path))
    if (number := re.search(r"\(os error (\d+)\)", str(error))) is not None:  # safetensors'
        return OSError(int(number[1]), os.strerror(int(number[1])), str(path))
    return None


def remove_partial(path: Path) -> None:
    """Remove what a killed process left of writing ``path``, which no process may be writing now."""
    for temporary in path.parent.glob(f"{PARTIAL}*-{glob.escape(path.name)}"):
        temporary.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> str:
    """Write ``content``; its SHA-256 in hexadecimal, which a damaged file does not have."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def write_text(path: str | Path, text: str) -> str:
    """Write ``text`` as UTF-8; its SHA-256."""
    return write_bytes(path, text.encode())


def write_json(path: str | Path, value: object) -> str:
    """Write ``value`` as indented JSON, keys in their order; its SHA-256."""
    return write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_rows(path: str | Path, rows: list[dict], columns: tuple[str, ...]) -> str:
    """Write rows as CSV; a key that a row lacks is an empty cell. Returns the file's SHA-256."""
    return write_text(path, csv_text.of_rows(rows, columns))


def write_arrays(path: str | Path, arrays: dict[str, "np.ndarray"], compressed: bool = True) -> str:
    """Write arrays by name as an .npz file; its SHA-256."""
    import numpy as np

    content = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(content, **arrays)
    return write_bytes(path, content.getvalue())


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    check_regular(path)
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
