"""Pictures of every mode, depth and range come out with their tones, or are refused by a sentence that says their range."""

import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from hardpair.data.pictures import picture
from hardpair.data.pictures.colour import BadPicture, Samples, in_colour

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)  # every tone once
COLOURS = np.stack([RAMP, RAMP[::-1], RAMP.T], -1)
SIZE = 16


def saved(array: np.ndarray | Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(file, kind, **options)
    return file.getvalue()


def tiff(array: np.ndarray, photometric: int = 1, sample_format: int = 1) -> bytes:
    """A plain TIFF of any type of numbers, which Pillow does not write itself."""
    height, width, samples = array.shape if array.ndim == 3 else (*array.shape, 1)
    data, bits = array.tobytes(), array.dtype.itemsize * 8
    at = 8 + 2 + 12 * 11 + 4
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, samples, bits), (259, 3, 1, 1), (262, 3, 1, photometric)]
    tags += [(273, 4, 1, at + 100), (277, 3, 1, samples), (278, 4, 1, height), (279, 4, 1, len(data)), (284, 3, 1, 1)]
    tags += [(339, 3, 1, sample_format)]
    extra = struct.pack(f"<{samples}H", *[bits] * samples)
    entries = b"".join(
        struct.pack("<HHI", tag, kind, count) + (struct.pack("<I", at) if count > 2 else struct.pack("<I", value))
        for tag, kind, count, value in tags
    )
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + extra.ljust(100, b"\0") + data


def read(content: bytes) -> np.ndarray:
    return picture.read(content, SIZE)


def grey(levels: np.ndarray) -> np.ndarray:
    return np.stack([levels] * 3)


WIDE = RAMP.astype(np.uint16) * 257
TONES = {
    "8 bits": (saved(RAMP, "PNG"), grey(RAMP)),
    "colours of 8 bits": (saved(COLOURS, "PNG"), COLOURS.transpose(2, 0, 1)),
    "1 bit": (saved(Image.fromarray(RAMP > 99), "PNG"), grey((RAMP > 99) * 255)),
    "16 bits, PNG": (saved(WIDE, "PNG"), grey(RAMP)),
    "16 bits, TIFF": (saved(WIDE, "TIFF"), grey(RAMP)),
    "16 bits of the other order of bytes": (saved(Image.fromarray(WIDE.astype(">u2")), "TIFF"), grey(RAMP)),
    "16 bits, packed TIFF": (saved(WIDE, "TIFF", compression="tiff_lzw"), grey(RAMP)),
    "16 bits, white is 0": (tiff(WIDE, photometric=0), grey(255 - RAMP)),
    "8 bits, white is 0": (tiff(RAMP, photometric=0), grey(255 - RAMP)),
    "32 bits": (saved(WIDE.astype(np.int32), "TIFF"), grey(RAMP)),
    "16 bits, PGM": (saved(WIDE, "PPM"), grey(RAMP)),
    "12 bits, PGM": (b"P5 16 16 4095\n" + (RAMP.astype(">u2") * 16 + RAMP // 16).astype(">u2").tobytes(), grey(RAMP)),
    "a dark PGM of 12 bits": (b"P5 16 16 4095\n" + (RAMP.astype(np.uint16) * 2).astype(">u2").tobytes(), grey(RAMP / 8)),
    "a dark JPEG 2000 of 16 bits": (saved(RAMP.astype(np.uint16) * 32, "JPEG2000"), grey(RAMP / 8)),
    "floats to 1": (saved((RAMP / 255).astype(np.float32), "TIFF"), grey(RAMP)),
    "floats to 255": (saved(RAMP.astype(np.float32), "TIFF"), grey(RAMP)),
    "floats to 1, white is 0": (tiff((RAMP / 255).astype(np.float32), 0, 3), grey(255 - RAMP)),
    "colours of 16 bits, TIFF": (tiff(COLOURS.astype(np.uint16) * 257, photometric=2), COLOURS.transpose(2, 0, 1)),
    "all black in 16 bits": (saved(WIDE * 0, "PNG"), grey(RAMP * 0)),
    "all black in floats": (saved(RAMP.astype(np.float32) * 0, "TIFF"), grey(RAMP * 0)),
}


@pytest.mark.parametrize("kind", TONES)
def test_tones_are_those_of_the_picture(kind):
    content, expected = TONES[kind]
    np.testing.assert_allclose(read(content).astype(int), expected, atol=1)


def bmp_of_565() -> bytes:
    """A dark BMP of 5, 6 and 5 bits a colour."""
    pixels = np.full((8, 8), 0b00100_001000_00100, "<u2")
    header = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 16, 3, pixels.nbytes, 0, 0, 0, 0) + struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    return b"BM" + struct.pack("<IHHI", 14 + len(header) + pixels.nbytes, 0, 0, 14 + len(header)) + header + pixels.tobytes()


def test_dark_pictures_of_16_bits_a_pixel_are_no_pictures_of_16_bits_a_colour():
    shown = read(bmp_of_565())
    assert shown.shape[-3] == 3 if shown.shape[0] == 3 else shown.shape[-1] == 3
    assert 0 < shown.min() <= shown.max() < 80


UNCLEAR = {
    "12 bits in 16": (saved(RAMP.astype(np.uint16) * 16, "TIFF"), "grey values from 0 to 4080"),
    "14 bits in 16": (saved(RAMP.astype(np.uint16) * 64, "PNG"), "grey values from 0 to 16320"),
    "8 bits in 32": (saved(RAMP.astype(np.int32), "TIFF"), "grey values from 0 to 255"),
    "more than 16 bits": (saved(WIDE.astype(np.int32) * 9, "TIFF"), "grey values from 0 to 589815"),
    "signed 16 bits": (tiff(RAMP.astype(np.int16) - 100, sample_format=2), "grey values from -100 to 155"),
    "signed 16 bits from 0": (tiff((RAMP.astype(int) * 128).astype("<i2"), sample_format=2), "grey values from 0 to 32640"),
    "signed 8 bits": (tiff(RAMP.astype(np.int8), sample_format=2), "signed values of 8 bits"),
    "floats to 65535": (saved(WIDE.astype(np.float32), "TIFF"), "grey values from 0 to 65535 as floats"),
    "floats a little above 1": (saved((RAMP / 200).astype(np.float32), "TIFF"), "grey values from 0 to 1.275 as floats"),
    "negative floats": (saved((RAMP / 255 - 0.5).astype(np.float32), "TIFF"), "grey values from -0.5 to 0.5 as floats"),
    "not a number": (saved(np.full((16, 16), np.nan, np.float32), "TIFF"), "grey values from nan to nan as floats"),
    "colours of 12 bits in 16": (tiff(COLOURS.astype(np.uint16) * 16, photometric=2), "colours of 16 bits that stay below 4,096"),
    "colours of 8 bits in 16": (tiff(COLOURS.astype(np.uint16), photometric=2), "colours of 16 bits that stay below 256"),
}


@pytest.mark.parametrize("kind", UNCLEAR)
def test_an_unclear_range_is_refused_with_the_range_and_what_to_do(kind):
    content, message = UNCLEAR[kind]
    with pytest.raises(BadPicture) as caught:
        read(content)
    assert caught.value.problem.startswith(f"has {message}")
    assert caught.value.advice.startswith("save it with values from 0")


def opaque(mode: str) -> Image.Image:
    """A ramp from black to white in any mode."""
    ramp = Image.fromarray(RAMP)
    match mode:
        case "La":
            return ramp.convert("LA").convert("La")
        case "RGBa":
            return ramp.convert("RGBA").convert("RGBa")
        case "PA":
            return ramp.convert("P").convert("PA")
        case "HSV" | "LAB" | "YCbCr" | "CMYK" | "RGBX":
            return ramp.convert("RGB").convert(mode)
        case "I;16" | "I;16L" | "I;16B" | "I;16N":
            return Image.frombytes(mode, (16, 16), WIDE.astype(">u2" if mode == "I;16B" else "<u2").tobytes())
        case "I":
            return Image.fromarray(WIDE.astype(np.int32))
        case "F":
            return Image.fromarray((RAMP / 255).astype(np.float32))
    return ramp.convert(mode)


MODES = "L LA La P PA RGB RGBA RGBa RGBX CMYK YCbCr HSV LAB I I;16 I;16L I;16B I;16N F".split()


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_pillow_becomes_colour(mode):
    actual = np.asarray(in_colour(opaque(mode)))
    near = 3 if mode in ("LAB", "YCbCr", "HSV") else 1
    np.testing.assert_allclose(actual.astype(int), np.stack([RAMP] * 3, -1), atol=near)


@pytest.mark.parametrize("mode", ["LA", "La", "RGBA", "RGBa"])
def test_what_is_half_transparent_is_halfway_to_white(mode):
    alpha = Image.new("L", (16, 16), 51)
    layer = Image.merge("LA", (Image.fromarray(RAMP), alpha))
    layer = {"LA": layer, "La": layer.convert("La"), "RGBA": layer.convert("RGBA")}.get(mode) or layer.convert("RGBA").convert("RGBa")
    np.testing.assert_allclose(np.asarray(in_colour(layer))[..., 0].astype(int), RAMP / 5 + 255 * 0.8, atol=3)


def test_a_transparent_value_is_white_in_any_depth():
    for array, value in ((RAMP, 40), (WIDE, 40 * 257)):
        actual = read(saved(array, "PNG", transparency=value))
        expected = np.where(RAMP == 40, 255, RAMP)
        np.testing.assert_allclose(actual.astype(int), grey(expected), atol=1)


def test_twelve_packed_bits_count_to_4095():
    values = np.repeat([[0, 1024, 4095]], 3, 0).astype(np.uint16)
    actual = np.asarray(in_colour(Image.fromarray(values), Samples(bits=12)))
    assert actual[0, :, 0].tolist() == [0, 64, 255]


# ------------------------------------------------------------------------------------------------------------ metadata


def chunk(name: bytes, data: bytes, crc: int | None = None) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data) if crc is None else crc)


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
