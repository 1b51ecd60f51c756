"""A picture of any format that Pillow reads, as the network takes it."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import EpsImagePlugin, Image, ImageOps, UnidentifiedImageError

EpsImagePlugin.gs_binary = False  # else Pillow would have Ghostscript run what an EPS file, within another file too, says


class BadPicture(Exception):
    """A file that is no usable picture: ``problem`` says what it is or does (after the file's name), ``advice`` what to do."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}: {advice}")
        self.problem, self.advice = problem, advice


def read(file: Path | BinaryIO, size: int) -> np.ndarray:
    """A picture, its first one where there are several: upright, in colour, the square in its middle, uint8 (3, size, size).

    Raises:
        FileNotFoundError: there is no such file.
        BadPicture: it is no picture, broken, or larger than Pillow takes for honest (``Image.MAX_IMAGE_PIXELS``).
    """
    try:
        with Image.open(file) as picture:
            # Only the header has been read, so that no bomb has gone off yet.
            if picture.width * picture.height > Image.MAX_IMAGE_PIXELS:
                raise Image.DecompressionBombError
            if picture.format == "EPS":
                raise ValueError("EPS is a program, which is not run")
            upright = ImageOps.exif_transpose(picture)
            return np.asarray(square(in_colour(upright), size)).transpose(2, 0, 1)
    except FileNotFoundError:
        raise
    except Image.DecompressionBombError:
        raise BadPicture(f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels", "make it smaller first") from None
    except Exception as error:  # Pillow's decoders raise whatever a broken file leads them to
        unknown = isinstance(error, UnidentifiedImageError)  # its message is about our object, not about the file
        reason = "its format is not known" if unknown else " ".join(str(error).split()) or type(error).__name__
        raise BadPicture(f"cannot be read as a picture ({reason})", "save it again as PNG or JPEG") from None


def in_colour(picture: Image.Image) -> Image.Image:
    """A picture of any mode in RGB, what is transparent in white. Grey of 16 or 32 bits counts from 0 to 65535, of floats from 0 to 255."""
    if picture.mode.startswith("I"):  # Pillow would clip it at 255
        picture = Image.fromarray((np.asarray(picture).astype(np.float64).clip(0, 65535) / 257).round().astype(np.uint8))
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return picture.convert("RGB")


def square(picture: Image.Image, size: int) -> Image.Image:
    """The square in the middle of a picture, resized with antialiasing."""
    side = min(picture.size)
    left, top = ((length - side) // 2 for length in picture.size)
    middle = picture.crop((left, top, left + side, top + side))  # with ``box`` the resizing would look beyond the square
    return middle.resize((size, size), Image.Resampling.BICUBIC)
