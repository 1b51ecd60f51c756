"""Pictures on WebP sheets, as good as they fit."""

import base64
import io

import numpy as np

ACROSS, PER_SHEET = 16, 256  # pictures in a row of a sheet, and on a full sheet
SIDE = 64  # pixels; larger pictures are reduced
QUALITIES = (None, 95, 85, 70)  # of WebP, best first; None is lossless


def sheets(images: np.ndarray, chosen: np.ndarray, room: int) -> dict:
    """Put pictures on sheets of the best quality at which all of them fit; at the lowest, the first that fit, and at least one sheet.

    Args:
        images: uint8 (N, 3, H, W), may be memory-mapped.
        chosen: places of the pictures in ``images``, in the order of the sheets.
        room: characters of base64 that all sheets may have together.

    Returns:
        ``sheets`` (base64), ``count`` of pictures on them, ``side`` of a picture in pixels, ``across``, ``per_sheet``, ``quality`` (None is
        lossless) and whether they are ``reduced``.
    """
    side = min(images.shape[2], SIDE)
    pages = [sheet(images, chosen[start : start + PER_SHEET], side) for start in range(0, len(chosen), PER_SHEET)]
    for quality in QUALITIES:
        encoded = _encoded(pages, quality, room)
        if len(encoded) == len(pages):
            break
    count, reduced = min(len(encoded) * PER_SHEET, len(chosen)), side < images.shape[2]
    layout = {"side": side, "across": ACROSS, "per_sheet": PER_SHEET}
    return layout | {"sheets": encoded, "count": count, "quality": quality, "reduced": reduced}


def sheet(images: np.ndarray, chosen: np.ndarray, side: int) -> np.ndarray:
    """Pictures row by row on one sheet, uint8 (rows × side, across × side, 3); black behind the last."""
    from PIL import Image

    page = np.zeros((-(-len(chosen) // ACROSS), ACROSS, side, side, 3), np.uint8)
    for place, index in enumerate(chosen):
        pixels = images[index].transpose(1, 2, 0)
        if side < len(pixels):
            pixels = np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize((side, side), Image.Resampling.LANCZOS))
        page[place // ACROSS, place % ACROSS] = pixels
    return page.transpose(0, 2, 1, 3, 4).reshape(len(page) * side, ACROSS * side, 3)


def _encoded(pages: list[np.ndarray], quality: int | None, room: int) -> list[str]:
    """As many sheets as fit; none, without encoding the others, where the first is so large that not nearly all will.

    At the lowest quality, the first sheet is there even if it does not fit.
    """
    from PIL import Image

    encoded: list[str] = []
    lowest = quality == QUALITIES[-1]
    for page in pages:
        file = io.BytesIO()
        Image.fromarray(page).save(file, "WEBP", **({"lossless": True} if quality is None else {"quality": quality}))
        text = base64.b64encode(file.getvalue()).decode()
        room -= len(text)
        needed = not encoded and lowest
        if not needed and (room < 0 or (not encoded and len(text) * (len(pages) - 1.5) > room)):
            break
        encoded.append(text)
    return encoded
