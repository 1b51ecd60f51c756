"""Places in a Markdown page that a command fills, each between two comments with its name."""

import sys
from collections.abc import Iterable
from pathlib import Path


def check(page: Path, by: str, names: Iterable[str]) -> None:
    """Refuse a page that lacks one of the places, before anything is computed for it.

    Args:
        by: the command, as the comments name it.

    Raises:
        SystemExit: a place is missing; with the lines to add.
    """
    _filled(page, by, dict.fromkeys(names, ""))


def fill(page: Path, by: str, texts: dict[str, str]) -> None:
    """Write texts to the places of their names, all or none; see ``check``."""
    page.write_text(_filled(page, by, texts), encoding="utf-8")


def _filled(page: Path, by: str, texts: dict[str, str]) -> str:
    if not page.is_file():
        sys.exit(f"{page} is missing: name a page that has the places")
    content = page.read_text(encoding="utf-8")
    for name, text in texts.items():
        start, end = f"<!-- {name}: written by {by} -->\n", f"<!-- end of {name} -->"
        before, place, rest = content.partition(start)
        _, closed, after = rest.partition(end)
        if not (place and closed):
            sys.exit(f"{page} has no place for the {name}: add the lines {start.strip()} and {end}")
        content = f"{before}{start}\n{text.strip()}\n\n{end}{after}"
    return content
