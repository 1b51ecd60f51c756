"""Which class and part each file of a tree of pictures belongs to, by the names of its folders alone. Imports nothing heavy."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from hardpair.data.pictures.tree import Entry
from hardpair.errors import UserError

PARTS = ("train", "test")


@dataclass(frozen=True)
class LabelledFiles:
    """The files of a tree of pictures.

    Attributes:
        classes: names in the order of the labels: sorted.
        pictures: each file with its part, ``train`` or ``test`` (None where the tree has no parts), and its label; sorted by path.
        others: the files that are not to be read, each with the reason.
        parted: whether there are ``train/`` and ``test/``.
    """

    classes: list[str]
    pictures: list[tuple[Entry, str | None, int]]
    others: list[tuple[Entry, str]]
    parted: bool


def label_files(entries: list[Entry], source: Path) -> LabelledFiles:
    """Label files by ``train/<class>/…`` and ``test/<class>/…`` or by ``<class>/…``; a folder that holds all of them is looked into.

    Raises:
        UserError: there are fewer than two classes, a class that only one of the parts has, or a name that cannot be used.
    """
    others = [(entry, entry.problem) for entry in entries if entry.problem]
    # Names in the composed form in which people type them, however the file system stores them.
    steps = {entry: unicodedata.normalize("NFC", entry.path).split("/") for entry in entries if not entry.problem}
    while len({path[0] for path in steps.values() if len(path) > 1}) == 1 and any(len(path) > 2 for path in steps.values()):
        others += [(entry, "lies in no class's folder") for entry, path in steps.items() if len(path) == 1]
        steps = {entry: path[1:] for entry, path in steps.items() if len(path) > 1}

    parted = [part for part in PARTS if _holds_folders([path[1:] for path in steps.values() if path[0] == part])]
    if len(parted) == 1:
        present, missing = parted[0], "test" if parted == ["train"] else "train"
        raise UserError(
            f"data.source {source} has {present}/ with folders of classes but no such {missing}/: add it, or name {present}/ alone"
        )
    placed = []
    for entry, path in steps.items():
        part, rest = (path[0], path[1:]) if parted else (None, path)
        if parted and part not in parted:
            others.append((entry, "lies neither in train/ nor in test/"))
        elif len(rest) < 2:
            others.append((entry, "lies in no class's folder"))
        else:
            placed.append((entry, part, rest[0]))
    classes = sorted({name for _, _, name in placed})
    _check(classes, placed, parted, source)
    labels = {name: label for label, name in enumerate(classes)}
    return LabelledFiles(classes, [(entry, part, labels[name]) for entry, part, name in placed], sorted(others), bool(parted))


def number_to_test(pictures: int, share: float) -> int:
    """How many of so many pictures are for testing where the tree has no parts.

    Raises:
        UserError: none would be left to train on.
    """
    count = round(share * pictures)
    if count == pictures:
        raise UserError(f"data.test_share {share:g} leaves none of the {pictures} pictures to train on: lower it")
    return count


def _holds_folders(paths: list[list[str]]) -> bool:
    """Whether most files of a folder lie in folders within it: then it is a part, and no class that happens to be called so."""
    return sum(len(path) > 1 for path in paths) > len(paths) / 2


def _check(classes: list[str], placed: list[tuple[Entry, str | None, str]], parted: list[str], source: Path) -> None:
    if len(classes) < 2:
        raise UserError(
            f"data.source {source} has {'1 class' if classes else 'no classes'}: it must hold a folder of pictures for each of two or more "
            "classes, or train/ and test/ with such folders"
        )
    if unprintable := next((name for name in classes if not name.isprintable()), None):
        raise UserError(f"data.source {source} has a class called {unprintable!a}, which cannot be printed: rename its folder")
    for part in sorted(parted):
        for name in sorted(set(classes) - {name for _, own_part, name in placed if own_part == part}):
            raise UserError(f"data.source {source} has the class {name!r} but no {part}/{name}/ with pictures: add or remove it")
