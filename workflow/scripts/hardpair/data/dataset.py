"""Prepared images: the files that every source ends in. Imports no torch."""

import hashlib
from pathlib import Path

import numpy as np

from hardpair.files.atomic import atomic_write, write_json

CHUNK = 2**22  # values that are counted at once, each of which takes 8 bytes more


def save(folder: Path, about: dict, parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Write the arrays of ``train`` and ``test``, then dataset.json, which is removed before so that it never describes other arrays.

    Args:
        about: ``kind``, ``name``, ``classes`` and further entries of the source.
        parts: images uint8 (N, 3, S, S) and labels int64 (N,) of each part.
    """
    (folder / "dataset.json").unlink(missing_ok=True)
    for part, arrays in parts.items():
        for name, array in zip(("images", "labels"), arrays, strict=True):
            with atomic_write(folder / part / f"{name}.npy") as temporary:
                np.save(temporary, array)
    images = parts["train"][0]
    mean, std = channel_statistics(images)
    counts = {part: len(labels) for part, (_, labels) in parts.items()}
    derived = {"size": images.shape[-1]} | counts | {"mean": mean, "std": std, "sha256": content_hash(parts)}
    write_json(folder / "dataset.json", about | derived)


def channel_statistics(images: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean and sd of pixel / 255 for each channel of uint8 (N, 3, S, S), exact, from the histogram of values.

    The sd of a channel that is the same everywhere (pictures in green alone) is set to 1, so that dividing by it gives 0, not NaN.
    """
    values = np.arange(256) / 255
    counts = np.zeros((images.shape[1], 256), np.int64)
    step = max(CHUNK // max(images[:1, 0].size, 1), 1)
    for start in range(0, len(images), step):
        for channel, count in enumerate(counts):
            count += np.bincount(images[start : start + step, channel].ravel(), minlength=256)
    shares = counts / counts.sum(1, keepdims=True)
    mean = shares @ values
    variance = np.where(shares.max(1) == 1, 1, shares @ values**2 - mean**2)
    return mean.tolist(), np.sqrt(variance).tolist()


def content_hash(parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> str:
    """SHA-256 over name, type, shape and bytes of all arrays, in the order of their names."""
    digest = hashlib.sha256()
    for part in sorted(parts):
        for array in parts[part]:
            digest.update(f"{part} {array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()
