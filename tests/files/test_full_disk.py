"""A disk that is full or may not be written to: one sentence, nothing half-written, and the same command ends right afterwards."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from faults import LAST_METRICS, LAST_RUN, tries
from hardpair.data.download import download
from hardpair.errors import UserError
from hardpair.files.atomic import file_sha256
from loopback import running, serving
from prepared_data import prepare
from training_process import FILES, Trainer

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
PAGE, SIZE = 4096, 32 * 2**20  # bytes


class Disk:
    """A small file system."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.filler = folder, folder / "filler"

    def leave(self, size: float) -> None:
        """Fill it up to so many bytes, rounded down to pages."""
        state = os.statvfs(self.folder)
        self.filler.write_bytes(bytes(state.f_bavail * state.f_frsize - int(size) // PAGE * PAGE))

    def make_room(self) -> None:
        self.filler.unlink()


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk needs root and mount")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "hardpair-test", folder], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no disk can be made here: {done.stderr.strip()}")
    yield Disk(folder)
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def trainer(tmp_path_factory):
    with Trainer.started(prepare(tmp_path_factory.mktemp("data"), training=170, validation=30)) as trainer:
        yield trainer


@pytest.fixture(scope="module")
def run(trainer, tmp_path_factory):
    """A run to which nothing happened."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    assert trainer.train(folder) == 0
    return folder


WRITTEN = ["last.safetensors", "best.safetensors", "epochs.csv", "refreshes.csv", "history.npz", "run.json"]  # in this order


def pages(size: int) -> int:
    """Bytes of the pages that hold ``size``."""
    return -(-size // PAGE) * PAGE


def fails_on(disk: Disk, trainer: Trainer, run: Path, folder: Path, checkpointed: bool, name: str) -> None:
    """Train on a disk that is full, then with room again, and look at what is left each time."""
    log, file = run.parent / "log", folder.parent / name
    assert trainer.train(folder, checkpointed, log=log) == 1
    assert re.fullmatch(rf"train\.py: {re.escape(str(file))}: No space left on device: .*", log.read_text().splitlines()[-1])
    assert "Traceback" not in log.read_text()
    left = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    assert left == ([] if checkpointed else sorted(WRITTEN[: WRITTEN.index(file.name)]))
    assert all((folder / entry).read_bytes() == (run / entry).read_bytes() for entry in left)
    assert not list(folder.parent.rglob(".partial*"))
    disk.make_room()
    log.unlink()
    assert trainer.train(folder, checkpointed, log=log) == 0
    assert all((folder / entry).read_bytes() == (run / entry).read_bytes() for entry in FILES)
    assert {path.name for path in folder.parent.iterdir()} <= {"run", "progress.csv", ".c.lock", "c.safetensors"}


@tries("Disk full while a checkpoint is written")
def test_while_a_checkpoint_is_written(attempt, disk, trainer, run):
    folder = disk.folder / "study/run"
    folder.parent.mkdir()
    # A first checkpoint holds weights and momentum, a later one the best weights too, and is written beside the one before.
    disk.leave(PAGE + attempt.share * 4 * (run / "last.safetensors").stat().st_size)
    fails_on(disk, trainer, run, folder, True, "c.safetensors")


@tries("Disk full while models and tables are written")
def test_while_models_and_tables_are_written(attempt, disk, trainer, run):
    folder = disk.folder / "study/run"
    folder.parent.mkdir()
    written = [(run / name).stat().st_size for name in WRITTEN]
    number = attempt.number % len(WRITTEN)
    disk.leave(PAGE + sum(map(pages, written[:number])) + attempt.random.random() * (pages(written[number]) - 1))  # a page: progress.csv
    fails_on(disk, trainer, run, folder, False, f"run/{WRITTEN[number]}")


@tries("Disk full while images are prepared")
def test_while_images_are_prepared(attempt, disk, tmp_path):
    def prepared(folder, check):
        settings = '{"synthetic": {"train": 600, "test": 200, "size": 16}}'
        command = ["prepare_data.py", "--kind", "synthetic", "--name", "s", "--settings", settings, "--output-dir", folder]
        return subprocess.run([sys.executable, *command], cwd=SCRIPTS, capture_output=True, text=True, check=check)

    def arrays(folder):
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    prepared(tmp_path / "whole", check=True)
    expected, folder = arrays(tmp_path / "whole"), disk.folder / "data"
    disk.leave(attempt.share * sum(pages(len(content)) for content in expected.values()))
    done = prepared(folder, check=False)
    assert done.returncode == 1
    assert re.fullmatch(rf"prepare_data\.py: {folder}/\S+: (No space left on device|\d+ requested and \d+ written): .*\n", done.stderr)
    assert arrays(folder).items() < expected.items()
    disk.make_room()
    prepared(folder, check=True)
    assert arrays(folder) == expected


@tries("Disk full while the archive is downloaded")
def test_while_the_archive_is_downloaded(attempt, disk, tmp_path):
    archive = attempt.random.randbytes(2**20)
    (tmp_path / "a").write_bytes(archive)
    output = disk.folder / "a.tar.gz"
    disk.leave(attempt.share * len(archive))
    with running() as server:
        arguments = [server.url("/a", serving(archive))], file_sha256(tmp_path / "a"), output
        with pytest.raises(UserError, match=r"cannot be written \(No space left on device\): free space or choose another place$"):
            download(*arguments)
        assert not output.exists()
        disk.make_room()
        download(*arguments)
    assert output.read_bytes() == archive
    assert [path.name for path in disk.folder.iterdir() if not path.name.endswith(".lock")] == ["a.tar.gz"]


@tries("Disk full under the whole study", full=10, daily=0)
def test_under_a_complete_study(undisturbed, attempt, disk):
    study = undisturbed.study.copy(disk.folder / "study")
    for cache in list(study.folder.rglob("__pycache__")):  # which a job would write again
        shutil.rmtree(cache)
    study.undo(LAST_RUN, LAST_METRICS)
    models = [study.folder / Path("results/tiny", LAST_RUN).with_name(f"{name}.safetensors") for name in ("last", "best")]
    needed = sum(model.stat().st_size for model in models)
    for model in models:
        model.unlink()
    disk.leave(attempt.share * needed)
    done = study.finish(check=False)
    assert done.returncode != 0
    assert "No space left on device" in done.stdout, done.stdout
    assert not list(study.folder.rglob(".partial*"))
    undisturbed.assert_no_wrong_result(study)
    disk.make_room()
    study.finish()
    undisturbed.assert_same(study)


@pytest.fixture
def as_anyone():
    """Words before a command that take away what root may do more than others."""
    if os.geteuid() != 0:
        return ()
    words = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--")
    if shutil.which("setpriv") is None or subprocess.run([*words, "true"], capture_output=True).returncode != 0:
        pytest.skip("root may write anything, and setpriv is missing")
    return words


@tries("Results that may not be written to", full=6, daily=1)
def test_results_that_may_not_be_written(undisturbed, attempt, tmp_path, as_anyone):
    study = undisturbed.study.copy(tmp_path)
    study.undo(LAST_RUN, LAST_METRICS)
    results = study.folder / "results/tiny"
    folder, sentence = [
        ((results / LAST_RUN).parent, "results/tiny/runs/dfl_sampler/seed0 is not writable: "),
        (results / "checkpoints/dfl_sampler", "results/tiny/checkpoints/dfl_sampler/seed0.safetensors: Permission denied: "),
        (results, "results/tiny is not writable: "),
    ][attempt.number % 3]
    folder.chmod(0o555)
    with study.started(*as_anyone) as running:
        assert running.wait() != 0
        output = running.output_text()
    folder.chmod(0o755)
    assert sentence in output
    assert "Traceback" not in output
    undisturbed.assert_no_wrong_result(study)
    study.finish()
    undisturbed.assert_same(study)
