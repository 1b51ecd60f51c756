"""A config as its files have it: merged, and checked with the place of what is wrong."""

import functools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from hardpair.config.read import located, read_map
from hardpair.config.sentences import dotted
from hardpair.errors import UserError

AFFECTS_RESULTS = False
STEP = re.compile(r'\.?(?:(?P<word>[\w-]+)|"(?P<quoted>(?:[^"\\]|\\.)*)"|\[(?P<place>\d+)\])')  # of ``sentences.dotted``


@dataclass(frozen=True)
class Written:
    """A config that is not checked yet.

    Attributes:
        files: config files, later ones over earlier ones.
        changes: of single keys, over those of the files.
        merged: what they come to.
    """

    files: list[str]
    changes: dict
    merged: dict

    @classmethod
    def read(cls, files: Iterable[str | Path], changes: dict) -> "Written":
        """Read the files.

        Raises:
            UserError: one cannot be read, or other images are named without a study.
        """
        files = list(map(str, files))
        maps = [*map(read_map, files), changes]
        merged = functools.reduce(overlaid, maps, {})
        written = cls(files, changes, merged)
        with written.placed():
            _refuse_unnamed(maps[0], maps[1:], merged)
        return written

    def resolved(self) -> dict:
        """The config, checked, with its defaults.

        Raises:
            UserError: a key is wrong; names the file and the line that have it.
        """
        from hardpair.config.resolve import resolve

        with self.placed():
            return resolve(self.merged)

    @contextmanager
    def placed(self) -> Iterator[None]:
        """Add file, line and the overlay to change to errors of the config within the block; those of plugins have their own place."""
        try:
            yield
        except UserError as error:
            problem = str(error).removeprefix("config: ")
            steps = _steps(problem)
            place, depth = self._place(steps)
            if problem == str(error) and not depth == len(steps) > 1:
                raise
            raise UserError(f"{place}: {problem}{self._remedy(place, steps)}") from None

    def _remedy(self, place: str, steps: Sequence[str]) -> str:
        """Where to set a key that the first file has, or would have, and that the others do not fit; empty if it is wrong by itself."""
        from hardpair.config.resolve import resolve

        overlay = self.files[-1] if len(self.files) > 1 else "--config" if self.changes else None
        if overlay and place.startswith(f"{self.files[0]}, line "):
            with suppress(UserError):
                resolve(read_map(self.files[0]))
                return f" (set {dotted(list(takewhile(lambda step: not step.isdigit(), steps)))} in {overlay}, which lacks it)"
        return ""

    def _place(self, steps: Sequence[str]) -> tuple[str, int]:
        """File and line of a key, or of the nearest map that could hold it, and how many of the steps lead there; ``config`` and 0 where no
        file has either.

        Maps of several files are merged, but a list replaces those of earlier files, with all that is in them.
        """
        from hardpair.files import yaml_text

        best, found = 0, "config"
        texts = [(file, located(file).read_text(encoding="utf-8-sig")) for file in self.files] + [("", yaml_text.dump(self.changes))]
        for file, text in reversed(texts):
            line, depth, is_last = yaml_text.place(text, steps)
            if depth > best:
                best, found = depth, f"{file}, line {line}" if file else "config"
            if is_last:
                break
        return found, best


def _refuse_unnamed(base: dict, overlays: list[dict], merged: dict) -> None:
    """Refuse overlays that name other images, but no study: its results would be in the place of those of ``base``.

    Raises:
        UserError: says so.
    """
    about = [config["data"] if isinstance(config.get("data"), dict) else {} for config in (base, merged)]
    changed = next((key for key in ("name", "kind") if about[0].get(key) != about[1].get(key)), None)
    if changed and about[1] and "study" in base and not any("study" in overlay for overlay in overlays):
        raise UserError(
            f"config: data.{changed} is {about[1].get(changed)}, but the study is still {base['study']}, whose results would be replaced: "
            "add the key study with a name of its own"
        )


def overlaid(config: dict, overlay: dict) -> dict:
    """``config`` with the keys of ``overlay`` in their place, as Snakemake merges config files: maps merge, all else is replaced."""
    maps = [key for key in config.keys() & overlay.keys() if isinstance(config[key], dict) and isinstance(overlay[key], dict)]
    return config | overlay | {key: overlaid(config[key], overlay[key]) for key in maps}


def _steps(problem: str) -> list[str]:
    """The path of the key that a sentence begins with."""
    steps, end = [], 0
    with suppress(ValueError):  # a quotation that is no key
        while match := STEP.match(problem, end):
            word, quoted, place = match.groups()
            steps.append(json.loads(f'"{quoted}"') if quoted is not None else word or place)
            end = match.end()
    return steps
