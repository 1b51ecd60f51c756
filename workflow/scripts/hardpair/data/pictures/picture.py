"""A picture of any format that Pillow reads, as the network takes it."""

import io
import threading
from pathlib import Path

import numpy as np
from PIL import EpsImagePlugin, ExifTags, Image, UnidentifiedImageError

from hardpair.data.pictures.colour import BadPicture, in_colour, sample_type
from hardpair.data.pictures.entry import LARGEST
from hardpair.data.pictures.metadata import check_png, without_metadata
from hardpair.files.regular import check_regular

EpsImagePlugin.gs_binary = False  # else Pillow would have Ghostscript run what an EPS file, within another file too, says
REFUSED = {"EPS": "is a program, which is not run", "FITS": "holds measurements, whose sign and scale Pillow ignores"}
LARGE = 2**24  # pixels; of larger pictures, one at a time is decoded, so that memory does not grow with the number of threads
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by the orientation of EXIF
_large = threading.Lock()


def read(file: Path | bytes, size: int) -> np.ndarray:
    """A picture, its first one where there are several: upright, in colour, the square in its middle, uint8 (3, size, size).

    Metadata that cannot be read exclude no picture: it is used without them, so without rotation.

    Args:
        file: its path or content.

    Raises:
        OSError: there is no such file, or it is no regular one or too large.
        MemoryError: there is too little.
        BadPicture: it is no picture, broken, of an unclear range of values, or larger than Pillow's limit
            (``Image.MAX_IMAGE_PIXELS``).
    """
    content = file if isinstance(file, bytes) else _content(file)
    try:
        check_png(content)
        try:
            return _decoded(content, size)
        except (BadPicture, MemoryError, Image.DecompressionBombError):
            raise
        except Exception as error:
            if (plain := without_metadata(content)) is None:
                raise
            try:
                return _decoded(plain, size)
            except (BadPicture, MemoryError):
                raise
            except Exception:
                raise error from None
    except (BadPicture, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise BadPicture(f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels", "make it smaller first") from None
    except Exception as error:  # Pillow's decoders raise whatever a broken file leads them to
        unknown = isinstance(error, UnidentifiedImageError)  # its message is about our object, not about the file
        reason = "its format is not known" if unknown else " ".join(str(error).split()) or type(error).__name__
        raise BadPicture(f"cannot be read as a picture ({reason})", "save it again as PNG or JPEG") from None


def _content(path: Path) -> bytes:
    check_regular(path, LARGEST)
    return path.read_bytes()


def _decoded(content: bytes, size: int) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as picture:
        # Only the header has been read, so that no pixels have been decoded yet.
        if picture.width * picture.height > Image.MAX_IMAGE_PIXELS:
            raise Image.DecompressionBombError
        if picture.format in REFUSED:
            raise ValueError(f"{picture.format} {REFUSED[picture.format]}")
        if picture.width * picture.height <= LARGE:
            return _pixels(picture, size)
        with _large:
            return _pixels(picture, size)


def _pixels(picture: Image.Image, size: int) -> np.ndarray:
    samples = sample_type(picture)
    picture.load()
    return np.asarray(square(in_colour(upright(picture), samples), size)).transpose(2, 0, 1)


def upright(picture: Image.Image) -> Image.Image:
    """A picture turned as its EXIF or XMP data say; as it is where they cannot be read."""
    try:
        method = UPRIGHT.get(picture.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # Pillow raises whatever broken metadata lead it to
        method = None
    return picture if method is None else picture.transpose(method)


def square(picture: Image.Image, size: int) -> Image.Image:
    """The square in the middle of a picture, resized with antialiasing."""
    side = min(picture.size)
    left, top = ((length - side) // 2 for length in picture.size)
    middle = picture.crop((left, top, left + side, top + side))  # with ``box`` the resizing would look beyond the square
    return middle.resize((size, size), Image.Resampling.BICUBIC)
