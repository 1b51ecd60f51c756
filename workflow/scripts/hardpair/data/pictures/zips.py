"""The members of a zip archive, after a check that its directory lists all that it holds."""

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Container, Iterator
from pathlib import Path

from hardpair.data.pictures.entry import MOST, Entry, Refused, checked_entry, folder_entry
from hardpair.errors import one_line

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)  # which every supported Python reads
OTHER_METHODS = {9: "deflate64", 93: "zstd", 95: "xz", 98: "PPMd", 99: "AES encryption"}
ENCRYPTED, UTF8 = 1, 0x800  # flags of a member
WINDOWS = 0  # system of a member
UNICODE_PATH = 0x7075  # extra field with the name in UTF-8


def members(source: Path, to_read: Container[Entry]) -> Iterator[tuple[Entry, bytes | str | None]]:
    """As ``archives.members``, of a zip."""
    count = declared(source)
    with zipfile.ZipFile(source) as archive:
        members = archive.infolist()
        # Some programs write more than 65,535 files without the fields that can count them.
        if len(members) < count or (len(members) - count) % 2**16:
            raise zipfile.BadZipFile(f"its directory lists {len(members):,} of {count:,} files")
        _check_places(source, members, archive.start_dir)
        for member in members:
            name, _ = name_of(member)
            if name.endswith("/"):
                yield folder_entry(name), None
                continue
            link = stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG)
            problem = "is a link or device" if link else _unreadable(member)
            named, content = checked_entry(name, member.file_size, problem), None
            if named in to_read:
                try:
                    content = archive.read(member)  # no more than file_size, whatever it would inflate to
                except (OSError, EOFError, RuntimeError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
                    content = f"cannot be unpacked ({one_line(error)})"
            yield named, content


def _unreadable(member: zipfile.ZipInfo) -> str:
    if member.flag_bits & ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in METHODS:
        method = OTHER_METHODS.get(member.compress_type, f"method {member.compress_type}")
        return f"is compressed by {method}, which is not read"
    return ""


def declared(source: Path) -> int:
    """The number of files in the directory of a zip, as its end gives it.

    Raises:
        Refused: it is one of several volumes, or lists too many.
        zipfile.BadZipFile: it has no end.
    """
    with open(source, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - 2**16 - 22, 0))
        tail = file.read()
    place = tail.rfind(b"PK\5\6")
    if place < 0 or len(tail) - place < 22:
        raise zipfile.BadZipFile(
            "its end is missing: it was cut short, is one of several volumes, or has more than 64 KiB of other data behind"
        )
    disk, directory_disk, here, count = struct.unpack_from("<4H", tail, place + 4)
    if place >= 20 and tail[place - 20 : place - 16] == b"PK\6\7":  # of more than 65,535 files or 4 GiB
        directory_disk, offset, disks = struct.unpack_from("<IQI", tail, place - 16)
        with open(source, "rb") as file:
            file.seek(min(offset, size))
            end = file.read(56)
        if len(end) < 56 or not end.startswith(b"PK\6\6"):
            raise zipfile.BadZipFile("its directory has no end")
        here, count = struct.unpack_from("<QQ", end, 24)
        disk = max(disks, 1) - 1
    if disk or directory_disk or here != count:
        raise Refused("is one of several volumes of a zip, which are not read: pack your pictures as one zip or tar")
    if count > MOST:
        raise Refused(f"has more than {MOST:,} files: name a smaller part of it")
    return count


def _check_places(source: Path, members: list[zipfile.ZipInfo], directory: int) -> None:
    """Each member must have a place of its own, and between them there may be no member that the directory does not list.

    Raises:
        Refused, zipfile.BadZipFile: it is not so.
    """
    with open(source, "rb") as file:
        end = 0
        for member in sorted(members, key=lambda member: member.header_offset):
            if member.header_offset < end:
                raise zipfile.BadZipFile("files in it share their bytes")
            _check_gap(file, end, member.header_offset)
            file.seek(member.header_offset)
            header = file.read(30)
            if len(header) < 30 or not header.startswith(b"PK\3\4"):
                raise zipfile.BadZipFile("a file in it has no beginning")
            end = member.header_offset + 30 + sum(struct.unpack_from("<HH", header, 26)) + member.compress_size
        if end > directory:
            raise zipfile.BadZipFile("a file in it has no end")
        _check_gap(file, end, directory)


def _check_gap(file, start: int, end: int) -> None:
    file.seek(start)
    before = b""
    while start < end:
        chunk = file.read(min(2**20, end - start))
        if not chunk:
            return
        if b"PK\3\4" in before + chunk:
            raise Refused(
                "holds files that its directory does not list, as several zips one after the other do: pack your pictures as one zip"
            )
        before, start = chunk[-3:], start + len(chunk)


def name_of(member: zipfile.ZipInfo) -> tuple[str, bool]:
    """The name of a member, and whether its encoding is sure."""
    name, sure = _decoded(member)
    if member.create_system == WINDOWS and "/" not in name:  # some programs there write backslashes, which no name there can hold
        name = name.replace("\\", "/")
    return name, sure


def _decoded(member: zipfile.ZipInfo) -> tuple[str, bool]:
    """As ``name_of``.

    Without a flag or an extra field that says UTF-8, bytes that are UTF-8 are taken for it, since hardly any other text happens to be; the
    rest for cp437, as the format has it, though many programs write the encoding of their machine.
    """
    name, _, _ = member.orig_filename.partition("\0")
    if member.flag_bits & UTF8 or name.isascii():
        return name, True
    raw = name.encode("cp437")
    extra = member.extra
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == UNICODE_PATH and length > 5 and struct.unpack_from("<BI", extra, 4) == (1, zlib.crc32(raw)):
            try:
                return extra[9 : 4 + length].decode(), True
            except UnicodeDecodeError:
                break
        extra = extra[4 + length :]
    try:
        return raw.decode(), True
    except UnicodeDecodeError:
        return name, False


def remarks(source: Path) -> list[str]:
    """A sentence about names whose encoding is not clear, if there are some."""
    with zipfile.ZipFile(source) as archive:
        unclear = [name for name, sure in map(name_of, archive.infolist()) if not sure]
    if not unclear:
        return []
    shown = unclear[0] if unclear[0].isprintable() else ascii(unclear[0])[1:-1]
    return [
        f"names in {source} of unclear encoding, read as cp437: {len(unclear):,}, the first {shown}; if it is wrong, pack them as UTF-8"
    ]
