"""Pictures with every tone, as files, and what is read of them."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from hardpair.data.pictures import picture

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)  # every tone once
COLOURS = np.stack([RAMP, RAMP[::-1], RAMP.T], -1)
SIZE = 16


def saved(array: np.ndarray | Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(file, kind, **options)
    return file.getvalue()


def read(content: bytes) -> np.ndarray:
    return picture.read(content, SIZE)


def chunk(name: bytes, data: bytes, crc: int | None = None) -> bytes:
    """A chunk of a PNG, with its checksum or another."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data) if crc is None else crc)
