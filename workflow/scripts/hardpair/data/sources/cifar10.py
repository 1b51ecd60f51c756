"""CIFAR-10 (Krizhevsky 2009) from the official Python archive or the folder that it unpacks to."""

import hashlib
import tarfile
import tempfile
from pathlib import Path

from hardpair.data.sources import Arrays, Inventory, Release, Source
from hardpair.errors import UserError
from hardpair.files import intact
from hardpair.files.atomic import file_sha256


class Cifar(Source):
    """CIFAR-10 or CIFAR-100 (fine labels).

    Args:
        unpacked: name of the folder within the archive.
        reader: name of the class of torchvision that reads it and has the MD5 of each file.
    """

    def __init__(self, classes: tuple[str, ...], release: Release, unpacked: str, reader: str) -> None:
        self.classes, self.release, self.unpacked, self.reader = classes, release, unpacked, reader
        self.local = f"the archive or the folder that holds {unpacked}/"

    def inventory(self, data: dict, folder: Path | None = None) -> Inventory:
        """As ``Source.inventory``; where ``folder`` holds the prepared images, the local ones are not needed."""
        if folder is not None and data.get("source") and not (folder / "dataset.json").exists():
            self._refuse_missing(Path(data["source"]))
        return Inventory(50_000, 10_000, self.classes, size=32)

    def read(self, data: dict, folder: Path, threads: int) -> tuple[dict, Arrays]:
        """As ``Source.read``. Nothing is opened before its hash is checked, since a pickle can run any code: the archive's SHA-256, and the
        MD5 of each file in the folder."""
        source = Path(data["source"])
        if source.is_dir():
            return self._read_folder(source.parent if source.name == self.unpacked else source)
        self._refuse_missing(source)
        if (sha256 := file_sha256(source)) != (official := self.release.sha256):
            if source.parent == folder / "download":  # its SHA-256 was right when it arrived
                intact.set_aside(source)
                raise UserError(f"{source} was damaged since its download: run the same command again, which downloads it again")
            raise UserError(f"data.source {source} has SHA-256 {sha256}, not that of the official archive, {official}: download it again")
        with tempfile.TemporaryDirectory() as temporary:
            with tarfile.open(source) as archive:
                archive.extraction_filter = getattr(tarfile, "data_filter", None)  # which Python has from 3.11.4 on
                archive.extractall(temporary)
            return self._read_folder(Path(temporary))

    def _refuse_missing(self, source: Path) -> None:
        if not (source.is_file() or source.is_dir()):
            raise UserError(f"data.source {source} does not exist: name {self.local}")

    def _read_folder(self, root: Path) -> tuple[dict, Arrays]:
        """Read ``root``/cifar-…-py after the MD5 of every file in it has been checked."""
        import numpy as np
        from torchvision import datasets

        reader = getattr(datasets, self.reader)
        for name, md5 in [*reader.train_list, *reader.test_list, (reader.meta["filename"], reader.meta["md5"])]:
            path = root / self.unpacked / name
            if not path.is_file():
                raise UserError(f"{path} is missing: data.source must name {self.local}")
            if hashlib.md5(path.read_bytes()).hexdigest() != md5:
                raise UserError(f"{path} is not the official file (MD5 {md5} expected): unpack the archive again")
        parts = {part: reader(root, train=part == "train") for part in ("train", "test")}
        if tuple(parts["train"].classes) != self.classes:
            raise UserError(f"{root / self.unpacked} names other classes than the official release: unpack the archive again")
        arrays = {
            part: (np.ascontiguousarray(images.data.transpose(0, 3, 1, 2)), np.array(images.targets, dtype=np.int64))
            for part, images in parts.items()
        }
        return {"classes": list(self.classes)}, arrays


CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
RELEASE = Release("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz", SHA256)
SOURCE = Cifar(CLASSES, RELEASE, unpacked="cifar-10-batches-py", reader="CIFAR10")
