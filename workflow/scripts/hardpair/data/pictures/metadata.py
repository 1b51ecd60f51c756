"""Pictures without their metadata, for files whose metadata cannot be read. The parts that hold pixels stay as they are."""

import struct

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


def _png(content: bytes) -> bytes:
    parts, place = [PNG], len(PNG)
    while place < len(content):
        length, name = struct.unpack_from(">I4s", content, place)
        end = place + 12 + length
        if name in CHUNKS:
            parts.append(content[place:end])
        place = end
    return b"".join(parts)


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
