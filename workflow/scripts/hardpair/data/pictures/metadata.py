"""Pictures without their metadata, for files whose metadata cannot be read. The parts that hold pixels stay as they are."""

import struct
import zlib
from collections.abc import Iterator

from hardpair.data.pictures.colour import BadPicture

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")  # of a PNG that decide its pixels
SEGMENTS = (0xE0, 0xEE)  # JFIF and Adobe, of the segments for applications of a JPEG: they decide its colours
TAGS = (700, 33723, 34377, 34665, 34675, 34853, 40965)  # of a TIFF: XMP, IPTC, Photoshop, EXIF, ICC, GPS, interoperability


def without_metadata(content: bytes) -> bytes | None:
    """A PNG, JPEG or TIFF without what does not decide its pixels; None for other files, or where nothing was removed."""
    try:
        if content.startswith(PNG):
            plain = _png(content)
        elif content.startswith(JPEG):
            plain = _jpeg(content)
        elif content[:4] in (b"II*\0", b"MM\0*"):
            plain = _tiff(content)
        else:
            return None
    except (struct.error, IndexError):  # it is cut short
        return None
    return None if plain == content else plain


def check_png(content: bytes) -> None:
    """Refuse a PNG of which a part that decides its pixels has another checksum: Pillow does not look at those of pixels, and a palette or
    transparent colour whose name is damaged would be left out as metadata.

    Raises:
        BadPicture: names the part. Other files, and files that end within a part, are left to Pillow.
    """
    if not content.startswith(PNG):
        return
    try:
        for name, start, end in _chunks(content):
            data, (checksum,) = content[start + 8 : end - 4], struct.unpack_from(">I", content, end - 4)
            if zlib.crc32(data, zlib.crc32(name)) == checksum:
                continue
            # A name that is damaged is known by the checksum, which counts the right one.
            meant = next((known for known in CHUNKS if zlib.crc32(data, zlib.crc32(known)) == checksum), name)
            if meant in CHUNKS or meant[:1].isupper():
                raise BadPicture(f"is damaged (the checksum of its part {meant.decode('ascii', 'replace')} is wrong)", "replace it")
    except struct.error:
        return


def _png(content: bytes) -> bytes:
    return b"".join([PNG, *(content[start:end] for name, start, end in _chunks(content) if name in CHUNKS)])


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of each part of a PNG, up to that of its end.

    Raises:
        struct.error: it ends within the head of a part.
    """
    place = len(PNG)
    while place < len(content):
        length, name = struct.unpack_from(">I4s", content, place)
        yield name, place, place + 12 + length
        if name == b"IEND":
            return
        place += 12 + length


def _jpeg(content: bytes) -> bytes:
    parts, place = [content[:2]], 2
    while content[place] == 0xFF and content[place + 1] != 0xDA:  # until the scan starts
        kind = content[place + 1]
        if kind == 0xFF:  # padding
            place += 1
            continue
        end = place + 2 + struct.unpack_from(">H", content, place + 2)[0]
        if not (kind == 0xFE or 0xE0 <= kind <= 0xEF) or kind in SEGMENTS:
            parts.append(content[place:end])
        place = end
    return b"".join([*parts, content[place:]])


def _tiff(content: bytes) -> bytes:
    order, changed = "<" if content[:2] == b"II" else ">", bytearray(content)
    (first,) = struct.unpack_from(f"{order}I", content, 4)
    (count,) = struct.unpack_from(f"{order}H", content, first)
    for place in range(first + 2, first + 2 + 12 * count, 12):
        if struct.unpack_from(f"{order}H", content, place)[0] in TAGS:
            struct.pack_into(f"{order}HHII", changed, place, 65000, 1, 1, 0)  # a private tag, of one byte
    return bytes(changed)
