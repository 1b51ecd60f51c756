"""The members of an archive, recognised by its content and never by its name: read completely, or refused."""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Container, Iterator
from dataclasses import replace
from pathlib import Path

from hardpair.data.pictures import tars, zips
from hardpair.data.pictures.entry import Entry, Refused
from hardpair.errors import UserError, one_line

DAMAGE = (OSError, EOFError, RuntimeError, ValueError, struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)
NAMES = 2**28  # characters of the names of all files together; in a packed tar they may be as long as nothing on a disk
OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a rar archive",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"\x04\x22\x4d\x18": "compressed by lz4",
    b"\xff\x06\0\0sNaPpY": "compressed by snappy",
    b"LZIP": "compressed by lzip",
    b"\x1f\x9d": "compressed by compress (.Z)",
    b"MSCF": "a cabinet archive",
    b"!<arch>": "an ar archive",
    b"07070": "a cpio archive",
    b"xar!": "a xar archive",
    b"hsqs": "a squashfs image",
    b"PK\x07\x08": "the first of several volumes of a zip",
    b"\x89PNG": "a single picture",
    b"\xff\xd8\xff": "a single picture",
    b"GIF8": "a single picture",
}


def members(source: Path, to_read: Container[Entry]) -> Iterator[tuple[Entry, bytes | str | None]]:
    """Files of an archive in its order, with the content of those that are ``to_read``, or the reason why it cannot be read.

    Folders that the archive lists are among them.

    Raises:
        UserError: it is neither a zip nor a tar, of a kind that is not read, or damaged; perhaps only after some of its files.
    """
    try:
        seen, characters = set(), 0
        for entry, content in _reader(source)(source, to_read):
            if not entry.is_folder:
                if entry.path in seen:
                    entry, content = replace(entry, problem=entry.problem or "is in the archive twice"), None
                seen.add(entry.path)
            if (characters := characters + len(entry.path)) > NAMES:
                raise Refused(f"has names of files of more than {NAMES:,} characters together: shorten them, or name a smaller part of it")
            yield entry, content
    except Refused as error:
        raise UserError(f"data.source {source} {error}") from None
    except PermissionError as error:
        raise UserError(f"data.source {source} cannot be read ({error.strerror}): make it readable") from None
    except DAMAGE as error:
        raise UserError(f"data.source {source} is damaged ({one_line(error)}): pack it again") from None


def _reader(source: Path) -> Callable[[Path, Container[Entry]], Iterator[tuple[Entry, bytes | str | None]]]:
    with open(source, "rb") as file:
        start = file.read(512)
        if start.startswith((b"PK\3\4", b"PK\5\6", b"PK00PK\3\4")):
            return zips.members
        if tars.is_header(start) or tars.compression(start):
            return tars.members
        if kind := next((kind for mark, kind in OTHERS.items() if start.startswith(mark)), None):
            raise Refused(f"is {kind}, which is not read: name the folder of your pictures, or pack them as one zip or tar")
        file.seek(0x8001)
        if file.read(5) == b"CD001":
            raise Refused("is the image of a disc (ISO 9660), which is not read: pack your pictures as one zip or tar")
    if zipfile.is_zipfile(source):
        zips.declared(source)  # refuses the last of several volumes, which may begin within a file
        raise Refused("has other data before its zip archive, such as a program that unpacks it: pack your pictures as one zip or tar")
    raise Refused("is neither a folder nor a zip nor a tar: name that of your pictures")


def remarks(source: Path) -> list[str]:
    """What a user should know of names in an archive, as sentences."""
    return zips.remarks(source) if source.is_file() and _reader(source) is zips.members else []
