"""The members of a tar archive, compressed or not, read strictly: to its end mark, each header by its checksum.

Python's tarfile takes a damaged header, or a cut before one, for the end (cpython issues 120740 and 86245), so that only its parser of
single headers is used here.
"""

import bz2
import gzip
import itertools
import lzma
import tarfile
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import BinaryIO

from hardpair.data.pictures.entry import Entry, Refused, checked_entry, folder_entry

BLOCK, RECORD = 512, 10240  # bytes; programs fill their last record with zeros
LONGEST = 2**20  # bytes of a name or of other data on a member
PADDING = 2**26  # bytes that may follow the end
OPENERS: dict[bytes, tuple[str, Callable]] = {
    b"\x1f\x8b": ("gzip", gzip.open),
    b"BZh": ("bzip2", bz2.open),
    b"\xfd7zXZ\0": ("xz", lzma.open),
    b"\x5d\0\0": ("lzma", lzma.open),
}
REFUSED = {tarfile.GNUTYPE_SPARSE: "sparse files", b"M": "a file that began in another volume"}
ABOUT_NEXT = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
LABEL, DUMPED = b"V", b"D"  # of a volume; a folder with the names in it, from GNU tar
NO_DATA = (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, LABEL)  # after it


def is_header(block: bytes) -> bool:
    """Whether bytes are the header of a member."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def compression(start: bytes) -> str | None:
    """By what a file that starts so is compressed."""
    return next((name for mark, (name, _) in OPENERS.items() if start.startswith(mark)), None)


def members(source: Path, to_read: Container[Entry]) -> Iterator[tuple[Entry, bytes | str | None]]:
    """As ``archives.members``, of a tar."""
    with open(source, "rb") as file:
        start = file.read(8)
    packed = compression(start)
    opener = next((opener for mark, (_, opener) in OPENERS.items() if start.startswith(mark)), open)
    with opener(source, "rb") as file:
        for header in _headers(file, packed):
            size = 0 if header.type in NO_DATA else _positive(header.size)
            regular = header.type in tarfile.REGULAR_TYPES
            named = checked_entry(header.name, header.size if regular else 0, "" if regular else "is a link or device")
            content = _data(file, size) if named in to_read else _skip(file, size)
            _skip(file, -size % BLOCK)
            if header.type in (tarfile.DIRTYPE, DUMPED):
                yield folder_entry(header.name), None
            elif header.type != LABEL:
                yield named, content


def _headers(file: BinaryIO, packed: str | None) -> Iterator[tarfile.TarInfo]:
    """The header of each member; whoever takes one moves the file to the end of its data before taking the next."""
    shared, own, first = {}, {}, file.read(BLOCK)
    if not is_header(first):
        raise Refused(f"is compressed by {packed}, but holds no tar: pack your pictures as one zip or tar")
    for block in itertools.chain([first], iter(lambda: _data(file, BLOCK), bytes(BLOCK))):
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError):
            raise tarfile.ReadError("the header of a file in it is wrong") from None
        if block[257:265] == tarfile.GNU_MAGIC:  # where others have the beginning of a long name, it has times
            header.name = block[:100].partition(b"\0")[0].decode("utf-8", "surrogateescape")
            header.name = header.name.rstrip("/") if header.isdir() else header.name
        if header.type in REFUSED:
            _refuse(REFUSED[header.type])
        if header.type in (*ABOUT_NEXT, tarfile.XGLTYPE):
            if _positive(header.size) > LONGEST:
                raise tarfile.ReadError(f"a header in it has more than {LONGEST:,} bytes")
            value = _data(file, header.size)
            _skip(file, -header.size % BLOCK)
            if header.type == tarfile.GNUTYPE_LONGNAME:
                own["path"] = value.rstrip(b"\0")
            elif header.type == tarfile.XGLTYPE:
                shared |= _records(value)
            elif header.type != tarfile.GNUTYPE_LONGLINK:
                own |= _records(value)
            continue
        about, own = shared | own, {}
        if any(key.startswith("GNU.sparse") for key in about):
            _refuse("sparse files")
        if "path" in about:
            header.name = about["path"].decode("utf-8", "surrogateescape")
        if "size" in about:
            header.size = _positive(int(about["size"]))
        if header.type == tarfile.AREGTYPE and header.name.endswith("/"):
            header.type = tarfile.DIRTYPE
        yield header
    if own:
        raise tarfile.ReadError("a header in it belongs to no file")
    _check_end(file)


def _refuse(what: str) -> None:
    raise Refused(f"is a tar with {what}, which is not read: pack your pictures as one plain zip or tar")


def _records(data: bytes) -> dict[str, bytes]:
    """Keys and values of a header of the POSIX format (pax): lines of length, space, key = value."""
    records, place = {}, 0
    while place < len(data):
        length, space, _ = data[place : place + 20].partition(b" ")
        end = place + int(length) if length.isdigit() else 0
        key, equals, value = data[place + len(length) + 1 : end - 1].partition(b"=")
        if not space or not equals or not place < end <= len(data) or data[end - 1 : end] != b"\n":
            raise tarfile.ReadError("the header of a file in it is wrong")
        records[key.decode("utf-8", "surrogateescape")] = value
        place = end
    return records


def _check_end(file: BinaryIO) -> None:
    """After the first block of zeros: only zeros, or other data after a record that zeros fill, which do not end as a tar does.

    Raises:
        Refused, tarfile.ReadError: another archive follows, or the zeros are damage.
    """
    start, only_zeros, last = file.tell() - BLOCK, True, b""
    while block := file.read(BLOCK):
        place = file.tell() - len(block)
        if place - start > PADDING:
            raise Refused(f"is followed by more than {PADDING:,} bytes after its end: pack your pictures again")
        if any(block):
            if is_header(block):
                raise Refused("is several tars one after the other, which are not read: pack your pictures as one")
            if only_zeros and (place - start < 2 * BLOCK or place % RECORD):
                raise tarfile.ReadError("data follow what looks like its end")
            only_zeros = False
        last = (last + block)[-2 * BLOCK :]
    if not only_zeros and not any(last):  # as a tar ends
        raise tarfile.ReadError("data follow what looks like its end")


def _positive(size: int) -> int:
    if size < 0:
        raise tarfile.ReadError("a file in it has a negative size")
    return size


def _data(file: BinaryIO, size: int) -> bytes:
    """So many bytes, of which none may be missing."""
    data = file.read(size)
    if len(data) < size:
        raise tarfile.ReadError("it was cut short: its end is missing")
    return data


def _skip(file: BinaryIO, size: int) -> None:
    """Go on by so many bytes, of which none may be missing."""
    while size:
        chunk = _data(file, min(size, 2**20))
        size -= len(chunk)
