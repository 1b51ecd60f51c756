"""Damage in a picture's metadata excludes no picture, and damage in its pixels is never read in silence."""

import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from hardpair.data.pictures import picture
from hardpair.data.pictures.colour import BadPicture
from saved_pictures import COLOURS, chunk, read, saved


def png_with(*chunks: bytes) -> bytes:
    content = saved(COLOURS, "PNG")
    return content[:33] + b"".join(chunks) + content[33:]


def jpeg_with(kind: int, data: bytes) -> bytes:
    content = saved(COLOURS, "JPEG", quality=95)
    return content[:2] + bytes([0xFF, kind]) + struct.pack(">H", len(data) + 2) + data + content[2:]


def tiff_with(tag: int, kind: int, value: int) -> bytes:
    ifd = TiffImagePlugin.ImageFileDirectory_v2()
    ifd[tag], ifd.tagtype[tag] = value, kind
    return saved(COLOURS, "TIFF", tiffinfo=ifd)


BROKEN = {
    "EXIF of a JPEG": jpeg_with(0xE1, b"Exif\0\0" + b"\xff" * 40),
    "EXIF that is cut short": jpeg_with(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0"),
    "EXIF whose table lies elsewhere": jpeg_with(0xE1, b"Exif\0\0II*\0\xff\xff\xff\x7f"),
    "colour profile of a JPEG": jpeg_with(0xE2, b"ICC_PROFILE\0\x05\x01" + b"\xff" * 40),
    "several pictures that are none": jpeg_with(0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40),
    "XMP of a JPEG": jpeg_with(0xE1, b"http://ns.adobe.com/xap/1.0/\0\xff<x"),
    "data of Photoshop": jpeg_with(0xED, b"Photoshop 3.0\x008BIM\xff\xff"),
    "EXIF of a PNG": png_with(chunk(b"eXIf", b"\xff" * 20)),
    "checksum of a text of a PNG": png_with(chunk(b"tEXt", b"Title\0x", crc=1)),
    "text of a PNG that is too long": png_with(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**22)))),
    "colour profile of a PNG": png_with(chunk(b"iCCP", b"a\0\0no deflated data")),
    "gamma of a PNG": png_with(chunk(b"gAMA", b"")),
    "profile in a text of a PNG": png_with(chunk(b"tEXt", b"Raw profile type exif\0\nexif\n  9\nno hex\n")),
    "EXIF of a TIFF": tiff_with(34665, 4, 2**31 - 5),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow, which name no file
@pytest.mark.parametrize("kind", BROKEN)
def test_broken_metadata_exclude_no_picture(kind):
    plain = read(saved(COLOURS, "JPEG", quality=95) if BROKEN[kind].startswith(b"\xff\xd8") else saved(COLOURS, "PNG"))
    np.testing.assert_array_equal(read(BROKEN[kind]), plain)


def test_broken_pixels_stay_broken():
    for content in (saved(COLOURS, "PNG"), saved(COLOURS, "JPEG", quality=95), png_with(chunk(b"tEXt", b"a\0x", crc=1))):
        with pytest.raises(BadPicture, match="cannot be read as a picture"):
            read(content[: len(content) // 2])


TRANSPARENT = {
    "P": {"transparency": bytes([0, 128] + [255] * 14)},
    "L": {"transparency": 40},
    "RGB": {"transparency": (40, 40, 40)},
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("mode", TRANSPARENT)
def test_no_flipped_bit_of_a_png_changes_its_pixels_in_silence(mode):
    small = Image.fromarray(COLOURS[:8, :8])
    content = saved(small.quantize(16) if mode == "P" else small.convert(mode), "PNG", **TRANSPARENT[mode])
    expected = picture.read(content, 8)
    refused = 0
    for bit in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            np.testing.assert_array_equal(picture.read(bytes(damaged), 8), expected)
        except BadPicture:
            refused += 1
    assert refused > 4 * len(content), "most of it are pixels"


def test_too_little_memory_is_no_fault_of_the_picture(monkeypatch):
    def exhausted(*arguments):
        raise MemoryError

    monkeypatch.setattr(picture, "_pixels", exhausted)
    for content in (saved(COLOURS, "PNG"), BROKEN["checksum of a text of a PNG"]):
        with pytest.raises(MemoryError):
            read(content)


def test_of_large_pictures_one_at_a_time_is_decoded(monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    inside, most = [], []
    pixels = picture._pixels

    def counted(*arguments):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.005)  # long enough for another thread to come, were it let in
        try:
            return pixels(*arguments)
        finally:
            inside.pop()

    monkeypatch.setattr(picture, "LARGE", 100)
    monkeypatch.setattr(picture, "_pixels", counted)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, [saved(COLOURS, "PNG")] * 20))
    assert max(most) == 1
