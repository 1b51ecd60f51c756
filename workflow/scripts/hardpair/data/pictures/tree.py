"""The files of a folder, zip or tar. An archive is read in place: it is never unpacked to disk, and no link in it is followed."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from hardpair.data.pictures import archives
from hardpair.data.pictures.entry import MOST, Entry, checked_entry, folder_entry, hidden, no_picture
from hardpair.errors import UserError
from hardpair.files.atomic import file_sha256


def listing(source: Path) -> list[Entry]:
    """The files of ``files_and_empty_folders``."""
    return files_and_empty_folders(source)[0]


def files_and_empty_folders(source: Path) -> tuple[list[Entry], list[str]]:
    """All files that are not a system's own, and the paths of folders without any, both sorted; an archive need not list its folders.

    Raises:
        UserError: the source is missing, or neither a folder nor a zip or tar that can be read completely.
    """
    entries = _items(source) if _is_folder(source) else (entry for entry, _ in archives.members(source, to_read=()))
    files, folders = [], set()
    for entry in entries:
        if any(map(hidden, entry.path.split("/"))):
            continue
        if not entry.is_folder:
            files.append(entry)
        elif entry.path and not entry.problem:
            folders.add(entry.path)
        if len(files) + len(folders) > MOST:
            raise UserError(f"data.source {source} has more than {MOST:,} files: name a smaller part of it")
    return sorted(files), sorted((folders | _above(folders)) - _above(entry.path for entry in files))


def _above(paths: Iterable[str]) -> set[str]:
    """The folders in which these are."""
    found: set[str] = set()
    for path in paths:
        while (path := path.rpartition("/")[0]) and path not in found:
            found.add(path)
    return found


def contents(source: Path, entries: list[Entry]) -> Iterator[tuple[Entry, bytes | str]]:
    """The bytes of each file without a problem, or the reason why it cannot be read; in the order that is fastest to read."""
    entries = [entry for entry in entries if not entry.problem]
    if not source.is_dir():
        yield from ((entry, content) for entry, content in archives.members(source, set(entries)) if content is not None)
        return
    for entry in entries:
        try:
            with open(source / entry.path, "rb") as file:
                content = file.read(entry.size + 1)
            yield entry, content if len(content) == entry.size else "changed while it was read"
        except OSError as error:
            yield entry, f"cannot be read ({error.strerror})"


def fingerprint(source: Path) -> str:
    """A hash of an archive's bytes, or of the names and sizes of a folder's files that may be pictures, but not of times.

    Reading all files would take too long: one that changes to another of the same size goes unnoticed.
    """
    if not _is_folder(source):
        return file_sha256(source)
    digest = hashlib.sha256()
    for entry in listing(source):
        if not no_picture(entry.path):
            digest.update(f"{entry.path}\0{entry.size}\0{entry.problem}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _is_folder(source: Path) -> bool:
    """Whether a source is a folder, else a regular file.

    Raises:
        UserError: it is missing, or neither.
    """
    if not source.exists():
        raise UserError(f"data.source {source} does not exist: name the folder, zip or tar of your pictures")
    if not source.is_dir() and not source.is_file():
        raise UserError(f"data.source {source} is no regular file: name the folder, zip or tar of your pictures")
    return source.is_dir()


def _items(folder: Path) -> Iterator[Entry]:
    """Files and folders below a folder; links are followed, but not to a folder that holds them."""
    remaining = [(str(folder), "", [os.stat(folder)])]
    while remaining:
        path, prefix, above = remaining.pop()
        with os.scandir(path) as items:
            for item in items:
                if hidden(item.name):
                    continue
                try:
                    about = item.stat()
                except OSError:
                    yield Entry(prefix + item.name, 0, "is a link that leads nowhere")
                    continue
                if not stat.S_ISDIR(about.st_mode):
                    yield checked_entry(prefix + item.name, about.st_size, "" if stat.S_ISREG(about.st_mode) else "is no regular file")
                elif any(os.path.samestat(about, folder_above) for folder_above in above):
                    yield Entry(prefix + item.name, 0, "is a link to a folder that holds it")
                else:
                    yield folder_entry(prefix + item.name)
                    remaining.append((item.path, f"{prefix}{item.name}/", [*above, about]))
