"""The pictures of a folder, zip or tar as arrays, and the problems of those that cannot be used."""

import hashlib
import sys
import warnings
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hardpair.data.pictures import picture, tree
from hardpair.data.pictures.colour import BadPicture
from hardpair.data.pictures.entry import Entry
from hardpair.data.pictures.labels import PARTS, label_files, number_to_test
from hardpair.data.split import split_indices
from hardpair.errors import OUT_OF_MEMORY, UserError
from hardpair.files.atomic import write_rows
from hardpair.wording import abbreviated, counted

AHEAD = 8  # files per thread that are in memory and wait to be decoded
AHEAD_BYTES = 2**28  # that they may have together, unless it is one file


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures.

    Attributes:
        classes: names in label order.
        files: path of each.
        images: uint8 (N, 3, S, S).
        labels: int64 (N,).
        parts: ``train`` or ``test`` of each.
        bad: the other files, as rows with ``file`` and ``problem``.
        ignored: paths of files that are no pictures by their names.
    """

    classes: list[str]
    files: list[str]
    images: np.ndarray
    labels: np.ndarray
    parts: np.ndarray
    bad: list[dict[str, str]]
    ignored: list[str]

    def arrays(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Images and labels of each part."""
        return {part: (self.images[chosen], self.labels[chosen]) for part in PARTS for chosen in [self.parts == part]}

    def counts(self) -> dict[str, dict[str, int]]:
        """Number of pictures by class and part."""
        numbers = Counter(zip(self.labels.tolist(), self.parts.tolist(), strict=True))
        return {name: {part: numbers[label, part] for part in PARTS} for label, name in enumerate(self.classes)}

    def similar_classes(self) -> list[list[str]]:
        """Names of classes that differ only in capital letters, a list for each such name."""
        groups = defaultdict(list)
        for name in self.classes:
            groups[name.casefold()].append(name)
        return [names for names in groups.values() if len(names) > 1]

    def duplicates(self) -> list[list[int]]:
        """Indices of pictures that are the same to the last pixel as the network sees them, a list for each such picture."""
        groups = defaultdict(list)
        for index, image in enumerate(self.images):
            groups[hashlib.blake2b(image, digest_size=16).digest()].append(index)
        return [indices for indices in groups.values() if len(indices) > 1]

    def leaked(self, groups: list[list[int]]) -> int:
        """How many test pictures are training pictures too, given all ``duplicates``."""
        return int(sum((self.parts[group] == "test").sum() for group in groups if len(set(self.parts[group])) > 1))


def read(source: Path, size: int, test_share: float, threads: int) -> Pictures:
    """Decode all pictures; those of a tree without parts are split with a fixed seed, the share of each class kept to within one picture.

    Raises:
        UserError: the source cannot be read or has no two classes, no file of it is a picture, ``test_share`` leaves none to train on, or
            a file was lost while it was read, or there was too little memory for one.
    """
    from tqdm import tqdm

    entries, empty = tree.files_and_empty_folders(source)
    files = label_files(entries, source, empty)
    if not files.parted:
        number_to_test(len(files.pictures), test_share)  # refused before anything is decoded
    places = {entry: index for index, (entry, _, _) in enumerate(files.pictures)}
    images = np.empty((len(places), 3, size, size), dtype=np.uint8)
    good, bad = np.zeros(len(places), dtype=bool), [_bad(entry, problem) for entry, problem in files.others]

    def decode(item: tuple[Entry, bytes | str]) -> dict[str, str] | None:
        entry, content = item
        if isinstance(content, str):
            return _bad(entry, content)
        try:
            images[places[entry]] = picture.read(content, size)
        except BadPicture as error:
            return _bad(entry, f"{error.problem}; {error.advice}")
        except MemoryError:
            raise UserError(f"{_shown(entry)} of data.source {source} could not be decoded: {OUT_OF_MEMORY}") from None
        good[places[entry]] = True

    with warnings.catch_warnings(action="ignore"):  # Pillow's, which name no file; around all threads, since filters belong to the process
        problems = in_order(decode, tree.contents(source, list(places)), threads, size=lambda item: len(item[1]))
        pause = 0.2 if sys.stderr.isatty() else 10  # seconds between two lines; a log need not hold many
        bad += filter(None, tqdm(problems, total=len(places), unit="picture", mininterval=pause, leave=False))
    if good.sum() + len(bad) != len(files.pictures) + len(files.others):
        raise UserError(f"data.source {source} changed while it was read: prepare it again when it stays as it is")
    if not good.any():
        first = next(row for row in bad if row["file"] == _shown(next(iter(places))))
        raise UserError(f"data.source {source} holds no picture that can be read: the first file, {first['file']}, {first['problem']}")

    labels = np.array([label for _, _, label in files.pictures], dtype=np.int64)[good]
    parts = np.array([part or "train" for _, part, _ in files.pictures])[good]
    if not files.parted:
        count = min(round(test_share * len(labels)), len(labels) - 1)  # files that are no pictures may leave very few
        _, held_out = split_indices(labels, None, count, "stratified")
        parts[held_out] = "test"
    names = [_shown(entry) for entry, place in places.items() if good[place]]
    bad.sort(key=lambda row: row["file"])
    ignored = [_shown(entry) for entry in files.ignored]
    return Pictures(files.classes, names, images if good.all() else images[good], labels, parts, bad, ignored)


def in_order(function: Callable, items: Iterable, threads: int, size: Callable = lambda item: 0) -> Iterator:
    """``map`` in threads, in the order of the items, of which no more than a few, and of no great ``size`` in bytes, are taken ahead."""
    with ThreadPoolExecutor(threads) as pool:
        submitted, total = deque(), 0
        for item in items:
            submitted.append((pool.submit(function, item), size(item)))
            total += submitted[-1][1]
            while len(submitted) > AHEAD * threads or (total > AHEAD_BYTES and submitted):
                future, bytes_ = submitted.popleft()
                total -= bytes_
                yield future.result()
        yield from (future.result() for future, _ in submitted)


def _bad(entry: Entry, problem: str) -> dict[str, str]:
    return {"file": _shown(entry), "problem": problem}


def _shown(entry: Entry) -> str:
    """A file's path as text that any file takes; bytes that are no UTF-8 are written out."""
    return entry.path.encode(errors="backslashreplace").decode()


def report(pictures: Pictures, groups: list[list[int]], folder: Path) -> list[str]:
    """Write skipped.csv and duplicates.csv into a folder.

    Args:
        groups: all ``duplicates``.

    Returns:
        Sentences about them.
    """
    labels, parts, remarks = pictures.labels, pictures.parts, []
    rows = [
        {"group": number, "part": parts[index], "class": pictures.classes[labels[index]], "file": pictures.files[index]}
        for number, group in enumerate(groups, 1)
        for index in group
    ]
    write_rows(folder / "skipped.csv", pictures.bad, ("file", "problem"))
    write_rows(folder / "duplicates.csv", rows, ("group", "part", "class", "file"))
    if pictures.ignored:
        remarks.append(f"files that are no pictures by their names, ignored: {len(pictures.ignored):,} ({abbreviated(pictures.ignored)})")
    if pictures.bad:
        remarks.append(f"files that are no usable pictures, left out: {len(pictures.bad):,} (reasons in {folder / 'skipped.csv'})")
    if similar := pictures.similar_classes():
        named = abbreviated([" and ".join(names) for names in similar])
        remarks.append(f"classes whose names differ only in capital letters, which some systems take for the same folder: {named}")
    if groups:
        mixed = sum(len(set(labels[group])) > 1 for group in groups)
        remarks.append(
            f"pictures that are there more than once: {len(groups):,}, of which in several classes: {mixed:,}; test pictures that are "
            f"training pictures too: {pictures.leaked(groups):,} ({folder / 'duplicates.csv'} lists all)"
        )
    return remarks


def refuse(pictures: Pictures, data: dict, folder: Path) -> None:
    """Refuse pictures that are not what ``data`` of a config requires.

    Raises:
        UserError: a file is no usable picture and none may be skipped, or a class has too few pictures.
    """
    source, min_images = data["source"], data["min_images"]
    if pictures.bad and data["on_bad_image"] == "refuse":
        first = pictures.bad[0]
        raise UserError(
            f"data.source {source} has {counted(len(pictures.bad), 'file')} that cannot be used, the first {first['file']!r}, which "
            f"{first['problem']}: {folder / 'skipped.csv'} lists all; replace or remove them, or set data.on_bad_image to skip"
        )
    few = [f"{name} has {n} for {part}" for name, counts in pictures.counts().items() for part, n in counts.items() if n < min_images]
    if few:
        raise UserError(
            f"data.source {source} has classes of fewer than {min_images} pictures ({abbreviated(few)}): add pictures, remove the classes, "
            "lower data.min_images or, without train/ and test/, change data.test_share"
        )
