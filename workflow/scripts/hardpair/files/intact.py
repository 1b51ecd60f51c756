"""Whether a file that the workflow wrote is complete: a crash of the machine may leave it cut short or full of zeros.

Imports nothing heavy: each start of a study looks at all of its files, and computes the digest only of those that look broken.
"""

import json
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from hardpair.errors import UserError
from hardpair.files import own_digest, paths
from hardpair.files.json_text import MAX_BYTES
from hardpair.files.paths import UNREADABLE
from hardpair.files.run_digests import is_as_written

AFFECTS_RESULTS = False
PIECE = 4096  # bytes read from the end of other files, and of a page
ENDS = {".html": b"</html>", ".svg": b"</svg>", ".png": b"IEND\xaeB`\x82"}
# The record of a run describes them, and goes with them: jobs that need a run look for it alone.
RECORD_OF = dict.fromkeys(("last.safetensors", "best.safetensors", "epochs.csv", "refreshes.csv", "history.npz"), "run.json")
RECORD_OF |= {"predictions.npz": "metrics.json"}
DESCRIBED = {record: [name for name, other in RECORD_OF.items() if other == record] for record in set(RECORD_OF.values())}
OUTSIDE = {paths.LOGS, paths.EVENTS, "checkpoints", "progress", "download"}  # no results lie there; variants may have these names


def broken(folders: list[Path], is_made: Callable[[Path], bool]) -> list[Path]:
    """Files to be made again: those that are not complete, with their records, and those that were set aside and are missing since.

    Args:
        folders: of a study and of prepared data.
        is_made: whether a file is one that the present config makes. Others are left out: nothing would make them again.
    """
    found = []
    for path in _files(folders):
        if path.suffix == UNREADABLE:
            if is_made(whole := path.with_suffix("")) and not whole.exists():
                found.append(whole)
        elif not is_intact(path) and is_made(path):
            record = path.with_name(RECORD_OF.get(path.name, path.name))
            found += sorted({path, record})
    return found


def remove_replaced(folders: list[Path], is_made: Callable[[Path], bool]) -> None:
    """Remove files that were set aside and have been made again, and leave all others as they are."""
    for path in _files(folders):
        if path.suffix == UNREADABLE and is_made(whole := path.with_suffix("")) and whole.exists() and is_intact(whole):
            path.unlink()


def set_aside(path: Path) -> None:
    """Rename a file, which is not what it should be, so that it counts as not made."""
    os.replace(path, f"{path}{UNREADABLE}")


def _files(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        for parent, inner, names in os.walk(folder):
            outside = OUTSIDE if Path(parent) == folder else ()
            inner[:] = sorted(name for name in inner if name not in outside and not name.startswith("."))
            yield from (Path(parent, name) for name in sorted(names) if not name.startswith("."))


def described(path: Path) -> list[Path]:
    """A file, and those beside it that it is the record of."""
    return [path, *map(path.with_name, DESCRIBED.get(path.name, ()))]


def is_intact(path: Path) -> bool:
    """Whether a file can be complete; True for files of types that the workflow does not write, and where there is none."""
    check = CHECKS.get(path.suffix)
    if check is None:
        return True
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return False
        if check(path, status.st_size):
            return True
    except (FileNotFoundError, PermissionError):  # whoever may not read it cannot know
        return True
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):  # whatever a broken file leads its reader to
        pass
    return is_as_written(path)  # weights may end in zeros: a mask, or a buffer not used yet


def _text(path: Path, size: int) -> bool:
    """Whether a text is not empty, not larger than any that is read, and has its last line."""
    content = path.read_bytes() if 0 < size <= MAX_BYTES else b""
    return content.endswith(b"\n") and b"\0" not in content


def _json(path: Path, size: int) -> bool:
    return _text(path, size) and isinstance(value := json.loads(path.read_bytes()), dict) and own_digest.agrees(value)


def _yaml(path: Path, size: int) -> bool:
    """Whether a recipe has all its keys: of one that was cut short, defaults would fill the rest."""
    return _text(path, size) and (path.name != Path(paths.RECIPE).name or not missing_keys(path.read_text(encoding="utf-8")))


def missing_keys(recipe: str) -> list[str]:
    """Keys that the text of a recipe.yaml lacks; ``select_recipe`` writes all that are not implied, and after those that are."""
    from hardpair.config.schema import schema

    written = re.findall(r"^(\w+):", recipe, re.M)
    return [key for key, part in schema()["$defs"]["recipe"]["properties"].items() if key not in written and not part.get("implied")]


def check_recipe(path: Path) -> None:
    """Refuse a recipe.yaml of a search without all keys.

    Raises:
        UserError: names the missing keys.
    """
    if missing := missing_keys(path.read_text(encoding="utf-8")):
        raise UserError(f"{path} lacks {', '.join(missing)}: delete it and run the step that makes it again")


def _ends_as(end: bytes) -> Callable[[Path, int], bool]:
    return lambda path, size: _tail(path, size).rstrip().endswith(end)


def _tail(path: Path, size: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(max(0, size - PIECE))
        return file.read(PIECE)


def _npz(path: Path, size: int) -> bool:
    return zipfile.is_zipfile(path)


def _npy(path: Path, size: int) -> bool:
    """Whether an array has the length that its header gives (NumPy's format, version 1 to 3)."""
    with open(path, "rb") as file:
        start = file.read(12)
        width = 2 if start[6] == 1 else 4
        length = int.from_bytes(start[8 : 8 + width], "little")
        file.seek(8 + width)
        header = file.read(min(length, PIECE)).decode("latin-1")
    item = int(re.search(r"'descr': '[<>|=]?\w(\d+)'", header)[1])
    for extent in re.search(r"'shape': \(([\d, ]*)\)", header)[1].replace(",", " ").split():
        item *= int(extent)
    return start[:6] == b"\x93NUMPY" and size == 8 + width + length + item


def _safetensors(path: Path, size: int) -> bool:
    """Whether weights have the length that their header gives, and do not end in zeros, as those of few networks do."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length)) if length < size else {}
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    last_page = _tail(path, size)[-(size % PIECE or PIECE) :]
    return size == 8 + length + max(ends) and (len(last_page) < 64 or any(last_page))


CHECKS = {
    ".json": _json,
    ".yaml": _yaml,
    ".csv": _text,
    ".md": _text,
    ".npz": _npz,
    ".npy": _npy,
    ".safetensors": _safetensors,
    **{suffix: _ends_as(end) for suffix, end in ENDS.items()},
}
