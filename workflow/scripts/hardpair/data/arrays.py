"""Prepared images read back. Imports no torch."""

import tokenize
from pathlib import Path

import numpy as np

from hardpair.errors import UserError


def load_part(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, 3, S, S) and labels int64 (N,) of ``train`` or ``test``, memory-mapped.

    The mapping is copy-on-write, so that jobs share the pages of the file and none can change it.

    Raises:
        UserError: the arrays are missing or damaged.
    """
    try:
        images, labels = (np.load(folder / part / f"{name}.npy", mmap_mode="c") for name in ("images", "labels"))
    except FileNotFoundError as error:
        raise UserError(f"{error.filename} is missing: run prepare_data first") from None
    except (ValueError, EOFError, tokenize.TokenError) as error:
        raise UserError(f"{folder / part} holds a damaged array ({error}): delete it and run prepare_data again") from None
    return images, labels
