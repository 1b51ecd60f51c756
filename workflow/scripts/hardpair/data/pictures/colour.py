"""Pictures of all modes of Pillow in RGB: with their tones, or refused where the range of their values is unclear."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

BITS, PHOTOMETRIC, PLANES, COLOUR_MAP, SAMPLE_FORMAT = 258, 262, 284, 320, 339  # tags of TIFF
DARKEST = 2**14  # a picture of 16 bits whose values stay below has fewer bits, or cannot be told from one that has


class BadPicture(Exception):
    """A file that is no usable picture: ``problem`` is what it is or does (after the file's name), ``advice`` what to do."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}: {advice}")
        self.problem, self.advice = problem, advice


@dataclass(frozen=True)
class Samples:
    """How a file stores its values, as far as the mode of the decoded picture does not show it.

    Attributes:
        bits: of a value: 12 or 16, or 0 for what the mode shows.
        stated: the file states its largest value, and Pillow has scaled it to 65535.
        signed: bytes are from -128 to 127, which Pillow ignores.
        negative: 0 is white, which Pillow ignores in pictures of more than 8 bits.
        step: between two of the tones that a PNG of 2 or 4 bits can have, which Pillow ignores in its transparent tone.
    """

    bits: int = 0
    stated: bool = False
    signed: bool = False
    negative: bool = False
    step: int = 1


def sample_type(picture: Image.Image) -> Samples:
    """How the file of a picture stores its values; ``picture`` is open and not yet loaded, since Pillow does not keep it after loading.

    Raises:
        BadPicture: in a way in which Pillow reads other values.
    """
    tiles = getattr(picture, "tile", [])[:1]
    stored = [tile.args[0] if isinstance(tile.args, tuple) and tile.args else tile.args for tile in tiles]
    raw = str(stored[0]) if stored else ""
    bits = 12 if raw == "I;12" else 16 if (";16" in raw and not raw.startswith("BGR")) or _wide_sgi(picture) else 0
    tags = getattr(picture, "tag_v2", {}) if picture.format == "TIFF" else {}
    if tags.get(PLANES) == 2 and max(_all(tags.get(BITS, 1))) > 8 and [tile[0] for tile in tiles] == ["raw"]:
        raise BadPicture("has planes of more than 8 bits", "save it with the colours of a pixel together, or as PNG")
    if 0 < (most := max(_all(tags.get(COLOUR_MAP, 0)))) < 256:
        raise BadPicture(f"has a colour map of values up to {most} of 65535, whose full range is unclear", "save it as PNG")
    if picture.format == "SUN" and raw in ("RGBX", "BGRX"):
        raise BadPicture("is a Sun raster of 32 bits, whose order of colours is unclear", "save it as PNG")
    signed = 2 in _all(tags.get(SAMPLE_FORMAT, 1))
    step = {"L;2": 85, "L;4": 17}.get(raw, 1) if picture.format == "PNG" else 1
    return Samples(bits, picture.format in ("PPM", "JPEG2000"), signed, tags.get(PHOTOMETRIC) == 0, step)


def _all(value: object) -> tuple:
    """The values of a tag."""
    return value if isinstance(value, tuple) else (value,)


def _wide_sgi(picture: Image.Image) -> bool:
    if picture.format != "SGI":
        return False
    place = picture.fp.tell()
    picture.fp.seek(3)
    wide = picture.fp.read(1) == b"\2"
    picture.fp.seek(place)
    return wide


def in_colour(picture: Image.Image, samples: Samples | None = None) -> Image.Image:
    """A picture of any mode in RGB, what is transparent in white.

    Grey of 16 or 32 bits counts from 0 to 65535, of 12 bits to 4095, of floats to 1, or to 255 where they go beyond 16.

    Raises:
        BadPicture: the range of its values is another, or unclear, or nothing of it can be seen.
    """
    samples = samples or Samples()
    if samples.signed and picture.mode == "L":
        raise BadPicture("has signed values of 8 bits", "save it with values from 0 to 255")
    if picture.mode.startswith("I") or picture.mode == "F":
        levels = _float_levels if picture.mode == "F" else _integer_levels
        values = np.asarray(picture)
        grey = levels(values, samples)
        if isinstance(transparent := picture.info.get("transparency"), int):
            grey[values == transparent] = 255
        return Image.fromarray(grey).convert("RGB")
    if samples.bits == 16:
        _check_high_bytes(picture)
    if isinstance(transparent := picture.info.get("transparency"), int):
        picture.info["transparency"] = transparent * samples.step
    if picture.mode == "La":
        picture = picture.convert("LA")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        if layer.getchannel("A").getextrema()[1] == 0:  # as Pillow reads files whose fourth value has no meaning
            raise BadPicture("is completely transparent", "save it without transparency")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return picture.convert("RGB")


def _integer_levels(values: np.ndarray, samples: Samples) -> np.ndarray:
    """Values of more than 8 bits as uint8."""
    low, high = values.min(), values.max()
    most = 4095 if samples.bits == 12 else 65535
    if (samples.signed and samples.bits == 16) or low < 0 or high > most or (most == 65535 and not samples.stated and 0 < high < DARKEST):
        raise BadPicture(
            f"has grey values from {low:.0f} to {high:.0f}, whose full range is unclear",
            "save it with values from 0 (black) to 65535 (white), or from 0 to 255 in 8 bits",
        )
    values = values.astype(np.float32)  # exact for so many bits, and half as large as float64
    return ((most - values if samples.negative else values) / np.float32(most / 255)).round().astype(np.uint8)


def _float_levels(values: np.ndarray, samples: Samples) -> np.ndarray:
    """Floats as uint8."""
    low, high = values.min(), values.max()
    if not (0 <= low <= high <= 1 or (low >= 0 and 16 <= high <= 255)):  # NaN is neither
        raise BadPicture(
            f"has grey values from {low:g} to {high:g} as floats, whose full range is unclear",
            "save it with values from 0 (black) to 1 or 255 (white)",
        )
    values = values * 255 if high <= 1 else values
    return (255 - values if samples.negative else values).round().astype(np.uint8)


def _check_high_bytes(picture: Image.Image) -> None:
    """Refuse a picture in colour (or grey with alpha) of whose 16 bits the upper 8, which Pillow kept, do not show what it is.

    Raises:
        BadPicture: they are next to nothing, so that the values have fewer bits, or one colour of 16 bits is transparent.
    """
    bands = [band for band in picture.getbands() if band not in "Aa"]
    high = max(picture.getchannel(band).getextrema()[1] for band in bands)
    if high < DARKEST // 256:
        raise BadPicture(
            f"has colours of 16 bits that stay below {256 * (high + 1):,}, whose full range is unclear",
            "save it with values from 0 (black) to 65535 (white), or in 8 bits",
        )
    if isinstance(picture.info.get("transparency"), tuple):
        raise BadPicture("has colours of 16 bits, one of them transparent", "save it with an alpha channel, or in 8 bits")
