"""The files of a folder, zip or tar. An archive is read in place: it is never unpacked to disk, and no link in it is followed."""

import hashlib
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hardpair.errors import UserError, one_line
from hardpair.files.atomic import file_sha256

LARGEST = 2**28  # bytes of a file that are read into memory, 256 MiB
SYSTEM = ("__MACOSX", "Thumbs.db", "desktop.ini")  # what operating systems leave among files, beside names that start with a dot
DAMAGE = (OSError, EOFError, RuntimeError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)


@dataclass(frozen=True, order=True)
class Entry:
    """A file.

    Attributes:
        path: relative to the folder or archive, with slashes.
        size: in bytes.
        problem: why it must not be read; empty if it may be.
    """

    path: str
    size: int
    problem: str = ""


def listing(source: Path) -> list[Entry]:
    """All files that are not hidden, sorted by path.

    Raises:
        UserError: the source is missing, or neither a folder nor a zip or tar that can be read.
    """
    if not source.exists():
        raise UserError(f"data.source {source} does not exist: name the folder, zip or tar of your pictures")
    entries = _files(source) if source.is_dir() else (entry for entry, _ in _members(source, to_read=()))
    return sorted(entry for entry in entries if not any(map(_hidden, entry.path.split("/"))))


def contents(source: Path, entries: list[Entry]) -> Iterator[tuple[Entry, bytes | str]]:
    """The bytes of each file without a problem, or a text that says why it cannot be read; in the order that is fastest to read."""
    entries = [entry for entry in entries if not entry.problem]
    if not source.is_dir():
        yield from ((entry, content) for entry, content in _members(source, set(entries)) if content is not None)
        return
    for entry in entries:
        try:
            yield entry, (source / entry.path).read_bytes()
        except OSError as error:
            yield entry, f"cannot be read ({error.strerror})"


def fingerprint(source: Path) -> str:
    """A hash of an archive's bytes, or of the names and sizes of a folder's files, but not of times.

    Reading all files would take too long: one that changes to another of the same size goes unnoticed.
    """
    if source.is_file():
        return file_sha256(source)
    digest = hashlib.sha256()
    for entry in listing(source):
        digest.update(f"{entry.path}\0{entry.size}\0{entry.problem}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Entry]:
    """Files below a folder; links are followed, but not to a folder that holds them."""
    remaining = [(str(folder), "", [os.stat(folder)])]
    while remaining:
        path, prefix, above = remaining.pop()
        with os.scandir(path) as items:
            for item in items:
                try:
                    about = item.stat()
                except OSError:
                    yield Entry(prefix + item.name, 0, "is a link that leads nowhere")
                    continue
                if not stat.S_ISDIR(about.st_mode):
                    yield _entry(prefix + item.name, about.st_size, "" if stat.S_ISREG(about.st_mode) else "is no regular file")
                elif any(os.path.samestat(about, folder_above) for folder_above in above):
                    yield Entry(prefix + item.name, 0, "is a link to a folder that holds it")
                else:
                    remaining.append((item.path, f"{prefix}{item.name}/", [*above, about]))


def _hidden(name: str) -> bool:
    return name in SYSTEM or (name.startswith(".") and name != "..")


def _members(source: Path, to_read: Container[Entry]) -> Iterator[tuple[Entry, bytes | str | None]]:
    """Files of an archive in its order, with the content of those that are ``to_read``, or a text that says why it cannot be read."""
    try:
        is_zip = zipfile.is_zipfile(source)
        if not is_zip and not tarfile.is_tarfile(source):
            raise UserError(f"data.source {source} is neither a folder nor a zip nor a tar: name that of your pictures")
        seen = set()
        for entry, content in (_zip_members if is_zip else _tar_members)(source, to_read):
            if entry.path in seen:
                entry, content = replace(entry, problem="is in the archive twice"), None
            seen.add(entry.path)
            yield entry, content
    except DAMAGE as error:
        raise UserError(f"data.source {source} is damaged ({one_line(error)}): pack it again") from None


def _zip_members(source: Path, to_read: Container[Entry]) -> Iterator[tuple[Entry, bytes | str | None]]:
    with zipfile.ZipFile(source) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            link = stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG)
            problem = "is a link or device" if link else "is encrypted" if member.flag_bits & 1 else ""
            entry, content = _entry(member.filename, member.file_size, problem), None
            if entry in to_read:
                try:
                    content = archive.read(member)  # no more than file_size, whatever it would inflate to
                except DAMAGE as error:
                    content = f"cannot be unpacked ({one_line(error)})"
            yield entry, content


def _tar_members(source: Path, to_read: Container[Entry]) -> Iterator[tuple[Entry, bytes | str | None]]:
    with tarfile.open(source) as archive:
        for member in archive:
            if not member.isdir():
                entry = _entry(member.name, member.size, "" if member.isreg() else "is a link or device")
                yield entry, archive.extractfile(member).read() if entry in to_read else None


def _entry(path: str, size: int, problem: str) -> Entry:
    """The file of that name, with the reason not to read it if there is one."""
    names = path.split("/")
    if path.startswith("/") or ".." in names:
        problem = problem or "leads out of the archive"
    if size == 0 or size > LARGEST:
        problem = problem or ("is empty" if size == 0 else f"has more than {LARGEST:,} bytes")
    return Entry("/".join(name for name in names if name not in ("", ".")), size, problem)
