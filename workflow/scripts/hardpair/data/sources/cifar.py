"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) from the official Python archive or the folder that it unpacks to."""

import hashlib
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from hardpair.data.sources.classes import CLASSES
from hardpair.data.sources.releases import RELEASES
from hardpair.errors import UserError
from hardpair.files.atomic import file_sha256


def read(kind: str, source: Path) -> tuple[dict, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Images and labels of ``cifar10`` or ``cifar100`` (fine labels).

    Nothing is opened before its hash is known to be the official one: the archive's SHA-256, and the MD5 of each file in the folder,
    whose pickles would else run what they like.

    Returns:
        ``{"classes": names}``, and images uint8 (N, 3, 32, 32) and labels int64 (N,) of ``train`` and ``test``.

    Raises:
        UserError: the source is missing, or is not the official release.
    """
    release = RELEASES[kind]
    if source.is_dir():
        return _read_folder(kind, source.parent if source.name == release.folder else source)
    if not source.is_file():
        raise UserError(f"data.source {source} does not exist: name the archive or the folder that holds {release.folder}/")
    if (found := file_sha256(source)) != release.sha256:
        raise UserError(f"data.source {source} has SHA-256 {found}, not that of the official archive, {release.sha256}: download it again")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(source) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # which Python has from 3.11.4 on
            archive.extractall(folder)
        return _read_folder(kind, Path(folder))


def _read_folder(kind: str, root: Path) -> tuple[dict, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Read ``root``/cifar-…-py after every file in it has shown its official MD5."""
    from torchvision import datasets

    release, reader = RELEASES[kind], getattr(datasets, RELEASES[kind].reader)
    for name, md5 in [*reader.train_list, *reader.test_list, (reader.meta["filename"], reader.meta["md5"])]:
        path = root / release.folder / name
        if not path.is_file():
            raise UserError(f"{path} is missing: data.source must name the archive or the folder that holds {release.folder}/")
        if _file_md5(path) != md5:
            raise UserError(f"{path} is not the official file (MD5 {md5} expected): unpack the archive again")
    parts = {part: reader(root, train=part == "train") for part in ("train", "test")}
    if tuple(parts["train"].classes) != CLASSES[kind]:
        raise UserError(f"{root / release.folder} names other classes than {kind} has: unpack the archive again")
    arrays = {
        part: (np.ascontiguousarray(data.data.transpose(0, 3, 1, 2)), np.array(data.targets, dtype=np.int64))
        for part, data in parts.items()
    }
    return {"classes": list(CLASSES[kind])}, arrays


def _file_md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
