"""Small trees of pictures, as folders and as archives."""

import csv
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def pixels(seed: int, height: int = 8, width: int = 8) -> np.ndarray:
    """Noise of its own for each seed, uint8 (height, width, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png(seed: int, **shape: int) -> bytes:
    """That noise as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels(seed, **shape)).save(file, "PNG")
    return file.getvalue()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder with these files."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def pack(path: Path, files: dict[str, bytes]) -> Path:
    """A zip or, by its name, a tar of some compression with these files, in the order given."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    kind = {".gz": "gz", ".bz2": "bz2", ".xz": "xz"}.get(path.suffix, "")
    with tarfile.open(path, f"w:{kind}") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


COUNTS = {"cat": 8, "dog": 13}
TREE = {f"{name}/{number}.png": png(100 * len(name) + number + (name == "dog") * 50) for name, n in COUNTS.items() for number in range(n)}
PARTED = {
    f"{part}/{name}/{number}.png": png(number + 10 * place)
    for place, (part, name) in enumerate((part, name) for part in ("train", "test") for name in ("cat", "dog"))
    for number in range(3)
}


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
