"""Pictures of every mode, depth and range come out with their tones, or are refused by a sentence that says their range."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from hardpair.data.pictures.colour import BadPicture, Samples, in_colour
from saved_pictures import COLOURS, RAMP, chunk, read, saved


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
    "inks of 12 bits in 16": (tiff(np.dstack([COLOURS, RAMP]).astype(np.uint16) * 16, photometric=5), "colours of 16 bits that stay below"),
    "colours of 8 bits in 16": (tiff(COLOURS.astype(np.uint16), photometric=2), "colours of 16 bits that stay below 256"),
}


@pytest.mark.parametrize("kind", UNCLEAR)
def test_an_unclear_range_is_refused_with_the_range_and_what_to_do(kind):
    content, message = UNCLEAR[kind]
    with pytest.raises(BadPicture) as caught:
        read(content)
    assert caught.value.problem.startswith(f"has {message}")
    assert caught.value.advice.startswith("save it with values from 0")


def planes(bits: int, compression: int = 1, order: str = "<") -> bytes:
    """A TIFF that holds all red, then all green, then all blue values."""
    colours = COLOURS.transpose(2, 0, 1).astype(f"{order}u{bits // 8}") * (257 if bits == 16 else 1)
    data = [zlib.compress(plane.tobytes()) if compression == 8 else plane.tobytes() for plane in colours]
    starts = [200 + sum(map(len, data[:place])) for place in range(3)]
    tags = {
        256: [16],
        257: [16],
        258: [bits] * 3,
        259: [compression],
        262: [2],
        273: starts,
        277: [3],
        278: [16],
        279: list(map(len, data)),
    }
    tags[284], places, values = [2], {258: 150, 273: 160, 279: 170}, bytearray(50)
    entries = b""
    for tag, numbers in tags.items():
        packed = struct.pack(f"{order}{len(numbers)}H", *numbers)
        if tag in places:
            values[places[tag] - 150 : places[tag] - 150 + len(packed)] = packed
            packed = struct.pack(f"{order}I", places[tag])
        entries += struct.pack(f"{order}HHI", tag, 3, len(numbers)) + packed.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(tags)) + entries
    return head.ljust(150, b"\0") + bytes(values) + b"".join(data)


@pytest.mark.parametrize(("bits", "compression"), [(8, 1), (8, 8), (16, 8)])
def test_planes_are_colours(bits, compression):
    np.testing.assert_array_equal(read(planes(bits, compression)), COLOURS.transpose(2, 0, 1))


@pytest.mark.parametrize("order", ["<", ">"])
def test_planes_of_16_bits_that_pillow_reads_as_8_are_refused(order):
    with pytest.raises(BadPicture, match=r"^has planes of more than 8 bits: save it with the colours of a pixel together, or as PNG$"):
        read(planes(16, order=order))


@pytest.mark.parametrize("factor", [1, 257])
def test_a_colour_map_of_8_bits_is_refused_and_one_of_16_is_right(factor):
    palette = Image.fromarray(RAMP).convert("P")
    palette.putpalette(np.stack([np.arange(256)] * 3, 1).astype(np.uint8).tobytes())
    content = bytearray(saved(palette, "TIFF"))
    with Image.open(io.BytesIO(content)) as opened:
        stored = np.array(opened.tag_v2[320], "<u2")
    at = bytes(content).index(stored.tobytes())
    content[at : at + stored.nbytes] = np.tile(np.arange(256) * factor, 3).astype("<u2").tobytes()
    if factor == 257:
        np.testing.assert_array_equal(read(bytes(content)), grey(RAMP))
        return
    with pytest.raises(BadPicture, match=r"^has a colour map of values up to 255 of 65535, whose full range is unclear: save it as PNG$"):
        read(bytes(content))


@pytest.mark.parametrize(("kind", "reason"), [("FITS", "measurements"), ("EPS", "program")])
def test_what_is_not_a_picture_though_pillow_reads_it_is_refused(kind, reason):
    cards = ["SIMPLE  = T", "BITPIX  = 16", "NAXIS   = 2", "NAXIS1  = 16", "NAXIS2  = 16", "BZERO   = 32768", "END"]
    header = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    measurements = header + (WIDE.astype(int) - 32768).astype(">i2").tobytes().ljust(2880, b"\0")
    with pytest.raises(BadPicture, match=f"{kind} .*{reason}"):
        read(measurements if kind == "FITS" else saved(COLOURS, "EPS"))


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


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_the_transparent_tone_of_few_bits_is_that_of_its_pixels(bits):
    levels = np.tile(np.arange(16) % 2**bits, (16, 1))
    packed = np.packbits(np.unpackbits(levels.astype(np.uint8)[..., None], axis=2)[..., -bits:].reshape(16, -1), axis=1)
    header = struct.pack(">IIBBBBB", 16, 16, bits, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in packed))
    for tone in range(2**bits):
        parts = [chunk(b"IHDR", header), chunk(b"tRNS", struct.pack(">H", tone)), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
        expected = np.where(levels == tone, 255, levels * (255 // (2**bits - 1)))
        np.testing.assert_array_equal(read(saved(COLOURS, "PNG")[:8] + b"".join(parts)), grey(expected))


def test_a_transparent_colour_of_16_bits_of_which_pillow_compares_8_is_refused():
    parts = [struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0), struct.pack(">HHH", *[0x4001] * 3), zlib.compress(b"\0" + b"\x40\x02" * 3)]
    content = b"".join(map(chunk, (b"IHDR", b"tRNS", b"IDAT"), parts))
    with pytest.raises(BadPicture, match=r"^has colours of 16 bits, one of them transparent: save it with an alpha channel, or in 8 bits$"):
        read(saved(COLOURS, "PNG")[:8] + content + chunk(b"IEND", b""))


@pytest.mark.parametrize("alpha", [0, 255])
def test_a_picture_of_which_nothing_can_be_seen_is_refused(alpha):
    """As Pillow reads a TGA of 32 bits whose fourth value is only padding."""
    targa = bytes([0, 0, 2, *[0] * 9, 16, 0, 16, 0, 32, 32]) + np.dstack([COLOURS[..., ::-1], np.full_like(RAMP, alpha)]).tobytes()
    if alpha:
        np.testing.assert_array_equal(read(targa), COLOURS.transpose(2, 0, 1))
        return
    with pytest.raises(BadPicture, match=r"^is completely transparent: save it without transparency$"):
        read(targa)


def test_a_sun_raster_of_32_bits_whose_order_of_colours_programs_disagree_on_is_refused():
    head = struct.pack(">8I", 0x59A66A95, 16, 16, 32, 1024, 1, 0, 0)
    with pytest.raises(BadPicture, match=r"^is a Sun raster of 32 bits"):
        read(head + np.dstack([RAMP * 0, COLOURS[..., ::-1]]).tobytes())


def test_twelve_packed_bits_count_to_4095():
    values = np.repeat([[0, 1024, 4095]], 3, 0).astype(np.uint16)
    actual = np.asarray(in_colour(Image.fromarray(values), Samples(bits=12)))
    assert actual[0, :, 0].tolist() == [0, 64, 255]
