"""Which files of a folder are meant: editors leave others beside them. Imports nothing heavy."""

from collections.abc import Iterable
from pathlib import Path

AFFECTS_RESULTS = False


def visible_files(paths: Iterable[Path]) -> list[Path]:
    """Files among these paths, sorted, without hidden ones, such as the dangling link ``.#loop.py`` of Emacs for an unsaved loop.py."""
    return sorted(path for path in paths if not path.name.startswith(".") and path.is_file())
