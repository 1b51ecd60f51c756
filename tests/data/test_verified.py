"""Arrays that are not those of dataset.json are refused, and hashed once while they stay as they are."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from hardpair.cli import inputs
from hardpair.data import verified
from hardpair.errors import UserError
from hardpair.files import own_folder
from hardpair.files.json_text import read_json
from prepared_data import prepare
from workspace import PROJECT


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(own_folder, "TEMPORARY", tmp_path)
    return prepare(tmp_path / "data", 20, 10)


def digest(folder):
    return read_json(folder / "dataset.json")["sha256"]


@pytest.mark.parametrize("name", ["train/images.npy", "train/labels.npy", "test/images.npy", "test/labels.npy"])
def test_arrays_that_were_cut_and_filled_up_with_zeros_are_refused(folder, name):
    """Their header is intact; also where the time of the file is set back to what it was."""
    path = folder / name
    verified.check(folder, digest(folder))
    before = path.stat()
    array = np.load(path)
    array.flat[-1] = 1  # so that zeros differ
    os.truncate(path, before.st_size - 1)
    os.truncate(path, before.st_size)
    with open(path, "r+b") as file:
        file.seek(before.st_size - array.itemsize)
        file.write(bytes([array.flat[-2] + 1 & 255]).ljust(array.itemsize, b"\0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(
        UserError,
        match=r"^the arrays in .*data are damaged, .* the study's snakemake command .* with `--forcerun prepare_data -- .*dataset\.json`",
    ):
        verified.check(folder, digest(folder))


def test_unchanged_files_are_hashed_once(folder, monkeypatch):
    hashed = []
    real = verified.content_hash
    monkeypatch.setattr(verified, "content_hash", lambda parts: hashed.append(1) or real(parts))
    for _ in range(3):
        verified.check(folder, digest(folder))
    assert len(hashed) == 1
    os.utime(folder / "train/labels.npy")
    verified.check(folder, digest(folder))
    assert len(hashed) == 2
    with pytest.raises(UserError):
        verified.check(folder, "0" * 64)


def test_a_folder_of_marks_that_another_made_is_not_trusted(folder, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"hardpair-verified-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    verified.check(folder, digest(folder))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_missing_part_is_refused_since_the_other_cannot_be_verified(folder):
    shutil.rmtree(folder / "test")
    with pytest.raises(UserError, match=r"test/images\.npy is missing: run prepare_data first$"):
        inputs.check_data(folder)


def test_a_named_pipe_in_place_of_an_array_is_not_waited_for(folder):
    (folder / "train/labels.npy").unlink()
    os.mkfifo(folder / "train/labels.npy")
    with pytest.raises(OSError, match="is no regular file"):
        inputs.check_data(folder)


def test_a_job_does_not_train_on_zeros(folder, tmp_path):
    path = folder / "train/images.npy"
    size = path.stat().st_size
    os.truncate(path, size // 2)
    os.truncate(path, size)
    script = PROJECT / "workflow/scripts/train.py"
    command = [sys.executable, script, "--data", folder, "--split", folder / "split.json", "--output-dir", tmp_path / "run"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "are damaged, their SHA-256 is not that of dataset.json" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()
