"""Which class and part each file of a tree of pictures belongs to, by the names of its folders alone. Imports nothing heavy."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hardpair.data.pictures.entry import OUTSIDE, Entry, no_picture
from hardpair.errors import UserError

PARTS = ("train", "test")
KIND = r"(set|sets|data|dataset|images?|imgs?|pictures?|pics?|folder)?"  # what may follow, without the marks between the words
NAMES = {"train": rf"(train|training){KIND}", "test": rf"(test|testing){KIND}", "validation": rf"(val|valid|validation|eval|dev){KIND}"}
WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+")
# Words in the names of folders that hold all pictures, and names of folders of texts about them: neither are classes.
HOLDERS = set("all archive data dataset folder image images img imgs jpeg jpg photo photos pic pics picture pictures png raw set".split())
HOLDERS |= {"train", "training", "test", "testing", "val", "validation"}
ABOUT = set("annotation annotations attributes bbox boxes code csv doc docs documentation documents info json label labels license".split())
ABOUT |= set("licenses list lists meta metadata notebooks paper papers parts scripts split splits src text texts tools txt xml".split())


@dataclass(frozen=True)
class LabelledFiles:
    """The files of a tree of pictures.

    Attributes:
        classes: names in the order of the labels: sorted.
        pictures: each file with its part, ``train`` or ``test`` (None where the tree has no parts), and its label; sorted by path.
        others: the files that are not to be read, each with the reason.
        parted: whether there are folders for training and testing.
        ignored: files that are no pictures by their names.
    """

    classes: list[str]
    pictures: list[tuple[Entry, str | None, int]]
    others: list[tuple[Entry, str]]
    parted: bool
    ignored: list[Entry] = field(default_factory=list)


def label_files(entries: list[Entry], source: Path, empty: Iterable[str] = ()) -> LabelledFiles:
    """Label files by ``train/<class>/…`` and ``test/<class>/…`` or by ``<class>/…``; a folder that holds all of them is looked into.

    The parts may have other usual names, such as ``Training`` and ``validation_set``. Files that cannot be read count for the classes that
    there are: a class of nothing else is one without pictures.

    Args:
        empty: folders without any file.

    Raises:
        UserError: there are fewer than two classes, two folders of one name, a class that only one of the parts has, a folder of a class
            that is empty or holds nothing that may be a picture, no file that may be read, or a name that cannot be used.
    """
    ignored = [entry for entry in entries if no_picture(entry.path)]
    entries = [entry for entry in entries if not no_picture(entry.path)]
    # Names in the composed form in which people type them, however the file system stores them.
    steps = {entry: unicodedata.normalize("NFC", entry.path).split("/") for entry in entries if entry.problem != OUTSIDE}
    _refuse_alike(steps, source)
    others = [(entry, entry.problem) for entry in entries if entry.problem]
    outside, complete = "lies in no class's folder", steps
    steps, beside = _unwrapped(steps)
    others += [(entry, outside) for entry in beside if not entry.problem]

    roles = _parts(steps, source)
    placed = []
    for role, part in roles.items():
        inner, beside = _unwrapped({entry: path[1:] for entry, path in steps.items() if path[0] == part})
        placed += [(entry, role, path) for entry, path in inner.items() if len(path) > 1]
        others += [(entry, outside) for entry in [*beside, *(e for e, path in inner.items() if len(path) < 2)] if not entry.problem]
    if roles:
        where = f"lies neither in {roles['train']}/ nor in {roles['test']}/"
        others += [(entry, where) for entry, path in steps.items() if path[0] not in roles.values() and not entry.problem]
    else:
        placed = [(entry, None, path) for entry, path in steps.items() if len(path) > 1]
        others += [(entry, outside) for entry, path in steps.items() if len(path) < 2 and not entry.problem]
    above = {tuple(complete[entry][: -len(path)]) for entry, _, path in placed}  # the folders that hold those of classes
    inside = [unicodedata.normalize("NFC", entry.path).split("/") for entry in ignored if entry.problem != OUTSIDE]
    bare = {part for path in inside for part in _folders(path)}
    bare |= {tuple(unicodedata.normalize("NFC", folder).split("/")) for folder in empty}
    _refuse_forgotten(bare, {part for entry, *_ in placed for part in _folders(complete[entry])}, above, source)
    placed = [(entry, role, path[0]) for entry, role, path in placed]
    classes = sorted({name for _, _, name in placed})
    others.sort()
    _check(classes, placed, roles, others, source)
    labels = {name: label for label, name in enumerate(classes)}
    pictures = sorted((entry, part, labels[name]) for entry, part, name in placed if not entry.problem)
    if not pictures:
        raise UserError(
            f"data.source {source} holds no picture that can be read: of its {len(others):,} files the first, "
            f"{others[0][0].path}, {others[0][1]}"
        )
    return LabelledFiles(classes, pictures, others, bool(roles), ignored)


def number_to_test(pictures: int, share: float) -> int:
    """How many of so many pictures are for testing where the tree has no parts.

    Raises:
        UserError: none would be left to train on.
    """
    count = round(share * pictures)
    if count == pictures:
        raise UserError(f"data.test_share {share:g} leaves none of the {pictures} pictures to train on: lower it")
    return count


def role_of(name: str) -> str | None:
    """``train``, ``test`` or ``validation`` for a folder that is usually called so for it."""
    return next((role for role, pattern in NAMES.items() if re.fullmatch(pattern, _plain(name))), None)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def _unwrapped(steps: dict[Entry, list[str]]) -> tuple[dict[Entry, list[str]], list[Entry]]:
    """Paths without the folders that hold everything, and the files that lie beside such a folder."""
    beside = []
    while len({path[0] for path in steps.values() if len(path) > 1}) == 1 and any(len(path) > 2 for path in steps.values()):
        beside += [entry for entry, path in steps.items() if len(path) == 1]
        steps = {entry: path[1:] for entry, path in steps.items() if len(path) > 1}
    return steps, beside


def _folders(path: list[str]) -> Iterator[tuple[str, ...]]:
    """All folders that a file is in."""
    return (tuple(path[:depth]) for depth in range(1, len(path)))


def _refuse_alike(steps: dict[Entry, list[str]], source: Path) -> None:
    """Refuse two folders of one name, which differ only in how its accents are stored: a reader sees two classes where one is trained."""
    stored: dict[tuple[str, ...], tuple[str, ...]] = {}
    for entry, path in steps.items():
        for folder, name in zip(_folders(path), _folders(entry.path.split("/")), strict=True):
            if stored.setdefault(folder, name) == name:
                continue
            shown = "/".join(folder)
            raise UserError(
                f"data.source {source} has two folders called {shown!r}, whose accents are stored in different ways: move the files of one "
                "to the other"
            )


def _refuse_forgotten(bare: set[tuple], used: set[tuple], above: set[tuple], source: Path) -> None:
    """Refuse a folder without a picture beside one of a class, or beside one that holds those of all classes: it may be a class.

    Args:
        bare: folders that are empty or hold files that are no pictures.
        used: folders that hold pictures.
        above: folders that hold those of classes.

    Raises:
        UserError: names it, unless a name says that it is none.
    """
    levels = above | {part[:depth] for part in above for depth in range(len(part))}
    for folder in sorted(bare - used):
        if folder[:-1] not in levels or _plain(folder[-1]) in ABOUT:
            continue
        beside = sorted(other for other in used if other[:-1] == folder[:-1])
        if folder[:-1] in above or not any(HOLDERS & set(map(str.lower, WORD.findall(other[-1]))) for other in beside):
            name, other = ("/".join(each) for each in (folder, beside[0]))
            raise UserError(f"data.source {source} has the folder {name}/ without a picture beside {other}/: add pictures or remove it")


def _parts(steps: dict[Entry, list[str]], source: Path) -> dict[str, str]:
    """The folders for training and testing, by ``train`` and ``test``; empty where there are none.

    Raises:
        UserError: there is but one of them, several for one, or folders that may be them.
    """
    paths: dict[str, list[list[str]]] = {}
    for path in steps.values():
        if len(path) > 1:
            paths.setdefault(path[0], []).append(path[1:])
    folders: dict[str, list[str]] = {"train": [], "test": [], "validation": []}
    for name in sorted(paths):
        if (role := role_of(name)) and _holds_folders(paths[name]):
            folders[role].append(name)
    if not folders["train"] and not folders["test"]:
        _refuse_likely_parts(paths, source)
        return {}  # a class may be called "valid"
    parts = {"train": folders["train"], "test": folders["test"] or folders["validation"]}
    for role, names in parts.items():
        if len(names) > 1:
            several = " and ".join(f"{name}/" for name in names)
            raise UserError(
                f"data.source {source} has several folders for {role}ing, {several}: name one of them {role}, and move or remove the others"
            )
        if not names:
            present = parts["train" if role == "test" else "test"][0]
            raise UserError(
                f"data.source {source} has {present}/ with folders of classes but no such {role}/: add it, or name {present}/ alone"
            )
    return {role: names[0] for role, names in parts.items()}


def _refuse_likely_parts(paths: dict[str, list[list[str]]], source: Path) -> None:
    """Refuse folders that may be for training and testing, such as seg_train/ and seg_test/: as classes they would give wrong labels.

    Args:
        paths: of the files of each folder, by its name.

    Raises:
        UserError: names them.
    """
    roles = {name: _mentioned_role(name) for name in sorted(paths)}
    within = [{role_of(path[0]) for path in inner if len(path) > 1} for inner in paths.values()]
    if len(within) > 1 and all("train" in found and found & {"test", "validation"} for found in within):
        first = next(iter(paths))
        raise UserError(
            f"data.source {source} has folders for training and testing within {first}/ and each other class: put the classes into train/ "
            "and test/, or call these folders otherwise if their pictures are to be split anew"
        )
    training = [name for name, role in roles.items() if role == "train"]
    testing = [name for name, role in roles.items() if role in ("test", "validation")]
    inner = {name: {path[0] for path in paths[name] if len(path) > 1} for name in training + testing}
    for first in training:
        for second in testing:
            if inner[first] & inner[second]:
                raise UserError(
                    f"data.source {source} has {first}/ and {second}/ with folders of the same names: call them train/ and test/ if they "
                    "are for training and testing, or otherwise if they are classes"
                )
    if training and testing and all(roles.values()) and not any(inner.values()):
        raise UserError(
            f"data.source {source} has {training[0]}/ and {testing[0]}/ without folders of classes: give each class a folder in both, or "
            "call these folders otherwise if they are classes"
        )


def _mentioned_role(name: str) -> str | None:
    """The role that a word of a folder's name stands for."""
    return next(filter(None, map(role_of, WORD.findall(name))), None)


def _holds_folders(paths: list[list[str]]) -> bool:
    """Whether most files of a folder lie in folders within it: then it is a part, and no class that happens to be called so."""
    return sum(len(path) > 1 for path in paths) > len(paths) / 2


def _check(
    classes: list[str],
    placed: list[tuple[Entry, str | None, str]],
    roles: dict[str, str],
    others: list[tuple[Entry, str]],
    source: Path,
) -> None:
    if len(classes) < 2:
        why = f"; the first of {len(others):,} files that cannot be used, {others[0][0].path}, {others[0][1]}" if others else ""
        raise UserError(
            f"data.source {source} has {'1 class' if classes else 'no classes'}: it must hold a folder of pictures for each of two or more "
            f"classes, or train/ and test/ with such folders{why}"
        )
    if unprintable := next((name for name in classes if not name.isprintable()), None):
        raise UserError(f"data.source {source} has a class called {unprintable!a}, which cannot be printed: rename its folder")
    for role in PARTS if roles else ():
        for name in sorted(set(classes) - {name for _, own_role, name in placed if own_role == role}):
            raise UserError(f"data.source {source} has the class {name!r} but no {roles[role]}/{name}/ with pictures: add or remove it")
