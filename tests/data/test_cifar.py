import os
import pickle
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

import fake_cifar
import prepare_data
from hardpair.cli import command
from hardpair.data import dataset, sources
from hardpair.data.arrays import load_part
from hardpair.errors import UserError
from hardpair.files.json_text import read_json
from hostile_pickle import Trap
from prepared_data import same_parts


def read(kind: str, source: Path):
    return sources.get(kind).read({"source": source}, Path(), threads=1)


@pytest.mark.parametrize("kind", ["cifar10", "cifar100"])
def test_archive_and_folder_give_the_images_and_fine_labels_that_were_packed(tmp_path, monkeypatch, kind):
    archive, packed = fake_cifar.write_release(tmp_path, kind, monkeypatch)
    for source in (archive, tmp_path, tmp_path / sources.get(kind).unpacked):
        about, parts = read(kind, source)
        assert same_parts(parts, packed)
        assert about == {"classes": list(sources.get(kind).classes)}
        assert [array.dtype for array in parts["train"]] == [np.uint8, np.int64]


@pytest.mark.parametrize("kind", ["cifar10", "cifar100"])
def test_images_that_are_not_there_are_refused_when_a_study_starts_unless_they_are_prepared(tmp_path, kind):
    source, data = sources.get(kind), {"kind": kind, "source": str(tmp_path / "gone.tar.gz")}
    with pytest.raises(UserError, match=r"gone\.tar\.gz does not exist: name the archive or the folder that holds cifar-10*-"):
        source.inventory(data, tmp_path)
    for known in (source.inventory(data), source.inventory(data | {"source": None}, tmp_path)):
        assert (known.train, known.test, known.size) == (50_000, 10_000, 32)
    (tmp_path / "dataset.json").touch()
    assert source.inventory(data, tmp_path) == source.inventory(data)


def test_an_archive_with_another_hash_is_never_opened(tmp_path, monkeypatch):
    archive, _ = fake_cifar.write_release(tmp_path, "cifar10", monkeypatch)
    archive.write_bytes(archive.read_bytes() + b"\0")
    monkeypatch.setattr(tarfile, "open", lambda *_, **__: pytest.fail("the archive was opened"))
    with pytest.raises(UserError, match=r"cifar10\.tar\.gz has SHA-256 .* download it again"):
        read("cifar10", archive)


def test_an_archive_that_was_damaged_since_its_download_is_set_aside(tmp_path, monkeypatch):
    archive, _ = fake_cifar.write_release(tmp_path, "cifar10", monkeypatch)
    downloaded = tmp_path / "data/download/cifar10.tar.gz"
    downloaded.parent.mkdir(parents=True)
    downloaded.write_bytes(archive.read_bytes()[:-100] + bytes(100))
    with pytest.raises(UserError, match=r"cifar10\.tar\.gz was damaged since its download: run the same command again, which downloads it"):
        sources.get("cifar10").read({"source": downloaded}, tmp_path / "data", threads=1)
    assert not downloaded.exists()
    assert downloaded.with_name("cifar10.tar.gz.unreadable").exists()


@pytest.mark.parametrize("name", ["data_batch_1", "data_batch_5", "test_batch", "batches.meta"])
def test_a_changed_file_is_refused_before_it_is_unpickled(tmp_path, monkeypatch, name):
    fake_cifar.write_release(tmp_path, "cifar10", monkeypatch)
    (tmp_path / "cifar-10-batches-py" / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(UserError, match=f"{name} is not the official file"):
        read("cifar10", tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    fake_cifar.write_release(tmp_path, "cifar10", monkeypatch)
    (tmp_path / "cifar-10-batches-py" / "data_batch_3").unlink()
    with pytest.raises(UserError, match="data_batch_3 is missing"):
        read("cifar10", tmp_path)
    with pytest.raises(UserError, match=r"data\.source .*elsewhere does not exist"):
        read("cifar10", tmp_path / "elsewhere")


def test_classes_in_another_order_are_refused(tmp_path, monkeypatch):
    archive, _ = fake_cifar.write_release(tmp_path, "cifar10", monkeypatch, names=sources.get("cifar10").classes[::-1])
    with pytest.raises(UserError, match="names other classes"):
        read("cifar10", archive)


@pytest.mark.skipif("HARDPAIR_CIFAR10" not in os.environ, reason="HARDPAIR_CIFAR10 names no folder with cifar-10-batches-py")
def test_the_real_cifar10_has_its_known_shape_and_statistics():
    _, parts = read("cifar10", Path(os.environ["HARDPAIR_CIFAR10"]))
    assert [parts[part][0].shape for part in ("train", "test")] == [(50000, 3, 32, 32), (10000, 3, 32, 32)]
    assert [np.bincount(parts[part][1]).tolist() for part in ("train", "test")] == [[5000] * 10, [1000] * 10]
    mean, std = dataset.channel_statistics(parts["train"][0])
    np.testing.assert_allclose(mean, [0.4914, 0.4822, 0.4465], atol=5e-5)
    np.testing.assert_allclose(std, [0.2470, 0.2435, 0.2616], atol=5e-5)


def test_an_archive_is_prepared(tmp_path, monkeypatch):
    archive, packed = fake_cifar.write_release(tmp_path, "cifar100", monkeypatch)
    arguments = ["--kind", "cifar100", "--name", "c", "--source", str(archive), "--output-dir", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["prepare_data.py", *arguments])
    command.run(prepare_data.main)
    assert same_parts({part: load_part(tmp_path / "out", part) for part in ("train", "test")}, packed)
    assert read_json(tmp_path / "out" / "dataset.json")["classes"] == list(sources.get("cifar100").classes)
