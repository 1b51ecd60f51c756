"""Fonts for names in any script: those of this machine that have their characters, and numbers where none has."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import matplotlib
from matplotlib import font_manager

from hardpair.wording import abbreviated

DEFAULT = "DejaVu Sans"  # comes with Matplotlib
_lacking: ContextVar[set[str]] = ContextVar("lacking", default=set())  # noqa: B039 (never changed)
_numbers: ContextVar[dict[str, str]] = ContextVar("numbers", default={})  # noqa: B039 (never changed)


def characters(family: str) -> set[int]:
    """Code points for which the font of that family has a glyph."""
    path = font_manager.findfont(font_manager.FontProperties(family=[family]), fallback_to_default=False)
    return set(font_manager.get_font(path).get_charmap())


def fallbacks(texts: Iterable[str]) -> tuple[list[str], set[str]]:
    """Families of fonts that have what the default font lacks, the one that has most first, and the characters that none has."""
    lacking = {character for text in texts for character in text if _is_drawn(character)}
    default = characters(DEFAULT) if lacking else set()
    lacking = {character for character in lacking if ord(character) not in default}
    if not lacking:
        return [], set()
    # Matplotlib's own other fonts hold formulas, or a box for every character.
    names = {entry.name for entry in font_manager.fontManager.ttflist if not entry.fname.startswith(matplotlib.get_data_path())}
    covered = {}
    for name in sorted(names, key=lambda name: ("Sans" not in name, name)):
        try:
            known = characters(name)
        except (OSError, RuntimeError, ValueError):  # a font file that is gone or broken
            continue
        covered[name] = {character for character in lacking if ord(character) in known}
    families = []
    while covered and (best := max(covered, key=lambda name: len(covered[name] & lacking))) and covered[best] & lacking:
        families.append(best)
        lacking = lacking - covered[best]
    return families, lacking


@contextmanager
def legible(texts: Iterable[str]) -> Iterator[str | None]:
    """A block in which ``replaced`` and Matplotlib draw these texts legibly.

    Characters that no font has are replaced by ``#1``, ``#2``, …, a number for each different run of them, in the order of the texts. The
    block gets a sentence for the user that says so, or None.
    """
    texts = [text for text in texts if not text.isascii()]
    families, lacking = fallbacks(texts)
    numbers: dict[str, str] = {}
    tokens = [(variable, variable.set(value)) for variable, value in ((_lacking, lacking), (_numbers, numbers))]
    try:
        for text in texts:
            replaced(text)
        with matplotlib.rc_context({"font.family": [DEFAULT, *families]} if families else {}):
            yield _sentence(numbers) if numbers else None
    finally:
        for variable, token in tokens:
            variable.reset(token)


def replaced(text: str) -> str:
    """``text`` with a number in place of each run of characters that no font has, within a block of ``legible``."""
    lacking, numbers = _lacking.get(), _numbers.get()
    if lacking.isdisjoint(text):
        return text
    runs = re.compile(f"[{''.join(map(re.escape, sorted(lacking)))}]+")
    return runs.sub(lambda run: numbers.setdefault(run[0], f"#{len(numbers) + 1}"), text)


def _sentence(numbers: dict[str, str]) -> str:
    shown = abbreviated([f"{number} for {run if run.isprintable() else ascii(run)}" for run, number in numbers.items()], 6)
    return f"figures show {shown}, since no font of this machine has these characters: install one that has, such as Noto Sans CJK"


def _is_drawn(character: str) -> bool:
    """Whether a character needs a glyph: it is no control, format character or space."""
    return unicodedata.category(character)[0] not in "CZ" and not "\ufe00" <= character <= "\ufe0f"
