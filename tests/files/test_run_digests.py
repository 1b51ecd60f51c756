"""Files of a run that are not what was written are refused where they are read."""

import hashlib
import json
import shutil

import pytest

from hardpair.comparison.runs import Runs
from hardpair.errors import UserError
from hardpair.files import run_digests

TRAINED = ["last.safetensors", "best.safetensors", "epochs.csv", "refreshes.csv", "history.npz"]


@pytest.fixture
def run(finished, tmp_path):
    folder = tmp_path / "runs/ce/seed0"
    shutil.copytree(finished.folder / "results/tiny/runs/ce/seed0", folder)
    return folder


def flip(path, place):
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_the_record_has_the_sha256_of_every_file(run):
    record, measured = (json.loads((run / name).read_text()) for name in ("run.json", "metrics.json"))
    expected = {name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in TRAINED}
    assert run_digests.digests(record) == expected
    assert measured["predictions"] == hashlib.sha256((run / "predictions.npz").read_bytes()).hexdigest()
    assert {path.name for path in run.iterdir()} == {*TRAINED, "run.json", "metrics.json", "predictions.npz"}
    assert run_digests.damaged(run, record) is None


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("place", [0, -1], ids=["first byte", "last byte"])
def test_a_single_bit_is_noticed(run, name, place):
    flip(run / name, place)
    record = json.loads((run / "run.json").read_text())
    assert run_digests.damaged(run, record) == name
    with pytest.raises(UserError, match=rf"{name} is damaged, its SHA-256 is not the recorded one: delete its folder"):
        run_digests.check(run / name)


READERS = {  # by what they read
    "epochs.csv": lambda runs: runs.epochs(["cat", "dog"]),
    "refreshes.csv": lambda runs: runs.refreshes(["cat", "dog"]),
    "history.npz": lambda runs: runs.difficulty(0.8, 0.5),
    "predictions.npz": lambda runs: runs.pair_calls(3, 5),
    "history.npz, for the choice of pairs": lambda runs: runs.validation_confusion(),
    "predictions.npz, for intervals": lambda runs: runs.called(["last"]),
}


@pytest.mark.parametrize("reader", READERS)
def test_tables_and_figures_refuse_a_damaged_file(run, reader):
    runs, name = Runs(run.parents[1], ("ce",), (0,)), reader.split(",")[0]
    READERS[reader](runs)
    path = run / name
    content = path.read_text().replace("1", "2", 1) if name.endswith(".csv") else None
    if content:
        path.write_text(content)
    else:
        flip(path, path.stat().st_size // 2)
    with pytest.raises(UserError, match=rf"{name} is damaged"):
        READERS[reader](runs)
    path.unlink()
    with pytest.raises(UserError, match=rf"{name} is missing"):
        READERS[reader](runs)
