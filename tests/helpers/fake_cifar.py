"""Small releases of CIFAR-10 and CIFAR-100, laid out as the official ones are."""

import hashlib
import pickle
import tarfile
from pathlib import Path

import numpy as np
from torchvision import datasets

from hardpair.data import sources
from hardpair.data.sources import Release

FILES = {
    "cifar10": ([f"data_batch_{number}" for number in range(1, 6)], ["test_batch"], "batches.meta", "labels", "label_names"),
    "cifar100": (["train"], ["test"], "meta", "fine_labels", "fine_label_names"),
}


def digest(path: Path, kind: str) -> str:
    return hashlib.new(kind, path.read_bytes()).hexdigest()


def write_release(root: Path, kind: str, monkeypatch, names: tuple[str, ...] | None = None) -> tuple[Path, dict]:
    """Write a folder and an archive of ``kind`` with 6 images a file, and make them the official release.

    Returns:
        The archive (the folder lies beside it), and the images uint8 (N, 3, 32, 32) and labels (N,) of each part.
    """
    source = sources.get(kind)
    generator = np.random.default_rng(len(kind))
    train, test, meta, labels_key, names_key = FILES[kind]
    folder = root / source.unpacked
    folder.mkdir()
    parts = {}
    for part, files in (("train", train), ("test", test)):
        images = generator.integers(0, 256, (6 * len(files), 3, 32, 32), dtype=np.uint8)
        labels = generator.integers(0, len(source.classes), len(images))
        parts[part] = images, labels
        for index, name in enumerate(files):
            at = slice(6 * index, 6 * index + 6)
            batch = {"data": images[at].reshape(6, -1), labels_key: labels[at].tolist(), "coarse_labels": [0] * 6}
            (folder / name).write_bytes(pickle.dumps(batch))
    (folder / meta).write_bytes(pickle.dumps({names_key: list(names or source.classes)}))
    archive = root / f"{kind}.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(folder, source.unpacked)

    reader = getattr(datasets, source.reader)
    md5 = {name: digest(folder / name, "md5") for name in [*train, *test, meta]}
    monkeypatch.setattr(reader, "train_list", [[name, md5[name]] for name in train])
    monkeypatch.setattr(reader, "test_list", [[name, md5[name]] for name in test])
    monkeypatch.setattr(reader, "meta", {"filename": meta, "key": names_key, "md5": md5[meta]})
    monkeypatch.setattr(source, "release", Release(source.release.url, digest(archive, "sha256")))
    return archive, parts
