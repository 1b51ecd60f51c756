"""Runs that are killed, stopped or find a strange checkpoint, and what they come to."""

import random
import re
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardpair.files import own_digest
from hardpair.files.atomic import write_json
from hardpair.files.json_text import read_json
from hardpair.jobs.stopping import Stop, Stopped
from hardpair.training import checkpoint, loop
from hardpair.training.images import load_images, load_split
from hardpair.training.job import Job, Saving
from hardpair.training.recipe import Recipe, RunSettings
from prepared_data import prepare
from training_process import FILES, RECIPE, Trainer

torch.set_num_threads(1)
DFL = {"kind": "focal", "gamma": 2, "scale": "dynamic", "scale_over": "training", "scale_max": None, "detach_weight": False}
VARIANTS = {
    "ce": ({"kind": "cross_entropy"}, {"kind": "uniform"}),
    "dfl_sampler": (DFL, {"kind": "focal", "gamma": 2, "unbias": 0.5, "factor_max": 100}),
}
RECIPES = {
    "ce": {},
    "dfl_sampler": {},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.001, "schedule": "cosine", "warmup_epochs": 0.7, "clip_gradient": 0.5},
    "nesterov": {"nesterov": True},
}
VARIANTS |= dict.fromkeys(("adamw", "nesterov"), VARIANTS["ce"])
STEPS, PAUSES = 3 * 3, 1 + 3 * (3 + 1) + 2  # the looks before the first epoch, at validation images, and at two refreshes


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Prepared data with the split: 170 images to train on, in batches of 64, 64 and 42, and 30 to validate."""
    return prepare(tmp_path_factory.mktemp("data"), training=170, validation=30)


def new_training(data, loss, sampler, observed=True, **changes):
    recipe = Recipe(**{"momentum": 0.9, "weight_decay": 5e-4, "lr_drops": (0.5,), "lr_factor": 0.1, "dropout": 0.5} | RECIPE | changes)
    images, split = load_images(data, "train", torch.device("cpu")), load_split(data / "split.json", data)
    return loop.Training(images, split, RunSettings(loss, sampler, recipe), 1, observed=observed)


def rows_of(history):
    return {name: getattr(history, name) for name in ("epochs", "refreshes", "best_epoch")}


@pytest.mark.parametrize("variant", VARIANTS)
def test_from_every_pause_of_a_run_its_saved_state_leads_to_the_same_bits(data, tmp_path, variant):
    states = []
    changes = RECIPES[variant]
    training = new_training(data, *VARIANTS[variant], **changes)
    uninterrupted = training.run(after_step=lambda training: states.append(checkpoint.state_of(training)))
    assert len(states) == PAUSES
    for number, state in enumerate(states):
        checkpoint.save(tmp_path / "state.safetensors", "mine", *state)
        again = new_training(data, *VARIANTS[variant], **changes)
        torch.rand(number)  # whatever was drawn before, the saved streams count
        checkpoint.restore(again, *checkpoint.load(tmp_path / "state.safetensors", "mine"))
        steps, reported, step = [], [], again.take_step
        again.take_step = lambda size, steps=steps, step=step: (steps.append(size), step(size))
        history = again.run(lambda record, seconds, reported=reported: reported.append(record))
        assert len(steps) == STEPS - 3 * len(state[1]["history"]["epochs"]) - state[1]["step"]
        assert reported == uninterrupted.epochs
        assert rows_of(history) == rows_of(uninterrupted)
        np.testing.assert_array_equal(history.confusions, uninterrupted.confusions)
        np.testing.assert_array_equal(history.histograms, uninterrupted.histograms)
        for name in ("last", "best"):
            ours, theirs = getattr(history, name), getattr(uninterrupted, name)
            assert ours.keys() == theirs.keys()
            assert all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(("variant", "observed"), [("ce", False), ("ce", True), ("dfl_sampler", False)])
def test_an_epoch_that_was_interrupted_took_the_seconds_of_both_its_parts(data, monkeypatch, variant, observed):
    """An hour between the parts does not count, nor does the time before the first epoch; a trial of ce has no refresh before it."""
    now, states = [0.0], []
    monkeypatch.setattr(loop.time, "perf_counter", lambda: now[0])

    def timed(seconds):
        training = new_training(data, *VARIANTS[variant], observed=observed)
        step = training.take_step
        training.take_step = lambda size: (step(size), now.__setitem__(0, now[0] + seconds))
        return training

    timed(seconds=10).run(after_step=lambda training: states.append(checkpoint.state_of(training)))
    state = next(state for state in states if state[1]["step"] == 2 and not state[1]["history"]["epochs"])
    now[0] += 3600
    again = timed(seconds=1)
    now[0] += 60  # until the state is read
    checkpoint.restore(again, *state)
    assert again.run().seconds == [10 + 10 + 1, 3, 3]


def test_a_state_is_saved_after_each_interval_and_at_once_when_a_stop_is_requested(data, tmp_path, monkeypatch):
    now, saved = [0.0], []
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(checkpoint, "save", lambda path, key, tensors, values: saved.append((now[0], values["step"])))
    with Stop() as stop:
        checkpointer = checkpoint.Checkpointer(tmp_path / "c.safetensors", "mine", 10, stop)

        def after_step(training):
            now[0] += 4
            if now[0] == 28:
                stop.received = signal.SIGTERM
            checkpointer.after_step(training)

        with pytest.raises(Stopped, match=r"stopped by SIGTERM; saved .*c\.safetensors, epoch 2 step 2: run the same command") as caught:
            new_training(data, *VARIANTS["ce"]).run(after_step=after_step)
    assert caught.value.code == 143
    assert saved == [(12.0, 2), (24.0, 1), (28.0, 2)]


@pytest.fixture(scope="module")
def saved(data, tmp_path_factory):
    """The bytes of a checkpoint."""
    path = tmp_path_factory.mktemp("saved") / "c.safetensors"
    tensors = {"a": torch.arange(6.0).view(2, 3), "b": torch.zeros((), dtype=torch.int64), "c": torch.ones(3, dtype=torch.uint8)}
    checkpoint.save(path, "mine", tensors, {"step": 1})
    return path.read_bytes()


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.bool, torch.int64, torch.complex64])
def test_tensors_of_every_kind_come_back(tmp_path, kind):
    tensors = {"a": torch.ones(2, 3).to(kind), "b": torch.zeros(()).to(kind), "c": torch.ones(0).to(kind)}
    checkpoint.save(tmp_path / "c.safetensors", "mine", tensors, {})
    read, _ = checkpoint.load(tmp_path / "c.safetensors", "mine")
    assert all(torch.equal(read[name], tensor) and read[name].dtype == kind for name, tensor in tensors.items())


def test_a_checkpoint_of_something_else_is_left_with_a_line(saved, tmp_path, capsys):
    path = tmp_path / "c.safetensors"
    assert checkpoint.load(path, "mine") is None
    assert capsys.readouterr().err == ""
    path.write_bytes(saved)
    tensors, values = checkpoint.load(path, "mine")
    assert (tensors["a"].tolist(), values) == ([[0, 1, 2], [3, 4, 5]], {"step": 1})
    assert checkpoint.load(path, "another") is None
    assert capsys.readouterr().err == f"{path} is of other settings, code or machine: ignored; starting from the beginning\n"
    assert path.read_bytes() == saved


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_checkpoint_is_left_with_a_line(saved, tmp_path, capsys, drawn):
    damaged = bytearray(saved)
    if drawn.draw(st.booleans(), label="cut"):
        del damaged[drawn.draw(st.integers(0, len(saved) - 1), label="length") :]
    else:
        at = drawn.draw(st.integers(0, len(saved) - 1), label="byte")
        damaged[at] ^= drawn.draw(st.integers(1, 255), label="flips")
    path = tmp_path / "c.safetensors"
    path.write_bytes(damaged)
    read = checkpoint.load(path, "mine")
    err = capsys.readouterr().err
    if read is not None:  # a flip in white space
        assert (read[0]["a"].tolist(), read[1]) == ([[0, 1, 2], [3, 4, 5]], {"step": 1})
    else:
        assert err == f"{path} is damaged: ignored; starting from the beginning\n"
    assert path.read_bytes() == bytes(damaged)


def test_a_state_belongs_to_the_content_of_a_split_wherever_its_file_lies(data, tmp_path, capsys):
    recipe = Recipe(**{"momentum": 0.9, "weight_decay": 5e-4, "lr_drops": (0.5,), "lr_factor": 0.1, "dropout": 0.5} | RECIPE)
    moved, other, path = tmp_path / "elsewhere.json", tmp_path / "split.json", tmp_path / "c.safetensors"
    split = read_json(data / "split.json")
    write_json(moved, split)
    write_json(other, split | {"training": split["training"][:-1], "validation": [*split["validation"], split["training"][-1]]})

    def finished(split):
        job = Job.load(data, split, RunSettings(*VARIANTS["ce"], recipe), torch.device("cpu"), "code")
        job.train(1, lambda row, seconds: None, Saving(path, 0))
        return capsys.readouterr().err

    assert finished(data / "split.json") == ""
    assert finished(moved) == f"resumed from {path}, epoch 3 step 3\n"
    assert finished(other) == f"{path} is of other settings, code or machine: ignored; starting from the beginning\n"


@pytest.fixture(scope="module")
def trainer(data):
    with Trainer.started(data) as trainer:
        yield trainer


@pytest.fixture(scope="module")
def undisturbed(trainer, tmp_path_factory):
    """The files of a run that nothing happened to, and the seconds it took."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    assert trainer.train(folder, checkpointed=False) == 0
    started = time.perf_counter()
    assert trainer.train(folder) == 0
    return {name: (folder / name).read_bytes() for name in FILES}, time.perf_counter() - started


def assert_same(folder, undisturbed):
    for name in FILES:
        assert (folder / name).read_bytes() == undisturbed[0][name], name
    assert not list(folder.parent.glob(".partial*"))


def test_a_finished_run_that_is_removed_before_it_is_evaluated_resumes_at_its_end(trainer, undisturbed, tmp_path):
    """As by Snakemake, where it has no room for a file of its own when the training has ended."""
    folder = tmp_path / "run"
    assert trainer.train(folder) == 0
    shutil.rmtree(folder)
    assert trainer.train(folder) == 0
    assert_same(folder, undisturbed)
    steps = re.search(r"resumed from .*", (tmp_path / "log").read_text())[0]
    assert "epoch 3" in steps, steps


def test_a_run_leaves_the_same_files_with_checkpoints_as_without(trainer, undisturbed, tmp_path):
    assert trainer.train(tmp_path / "run", checkpointed=False) == 0
    assert_same(tmp_path / "run", undisturbed)


def test_a_run_killed_at_random_moments_comes_to_the_same_bits(trainer, undisturbed, tmp_path):
    draw, resumed = random.Random(4), 0
    for number in range(5):
        folder = tmp_path / str(number) / "run"
        for _ in range(draw.choice([1, 1, 2])):
            code = trainer.train(folder, signal="SIGKILL", after=draw.uniform(0, undisturbed[1]))
            assert code in (0, -9)  # 0: it was done first
        assert trainer.train(folder) == 0
        assert_same(folder, undisturbed)
        resumed += "resumed from" in (folder.parent / "log").read_text()
        with open(folder.parent / "progress.csv") as progress:
            assert [line.partition(",")[0] for line in progress] == ["epoch", "1", "2", "3"]
    assert resumed > 0


@pytest.mark.parametrize("number", [1, 6, PAUSES])
def test_a_run_killed_while_it_writes_a_checkpoint_comes_to_the_same_bits(trainer, undisturbed, tmp_path, number):
    folder = tmp_path / "run"
    assert trainer.train(folder, write=number) == -9
    assert len(list(tmp_path.glob(".partial*"))) == 1
    assert trainer.train(folder) == 0
    assert_same(folder, undisturbed)
    assert ("resumed from" in (tmp_path / "log").read_text()) == (number > 1)


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_stopped_run_saves_first_and_leaves_no_model(trainer, tmp_path, name, code):
    folder, progress = tmp_path / "run", tmp_path / "progress.csv"
    disturbance = {"recipe": RECIPE | {"epochs": 10_000}, "signal": name, "progress": str(progress)}
    assert trainer.train(folder, **disturbance) == code
    log = (tmp_path / "log").read_text()
    assert f"train.py: stopped by {name}; saved {tmp_path}/c.safetensors, epoch " in log
    assert log.endswith("run the same command to continue\n")
    assert not folder.exists()
    progress.unlink()
    assert trainer.train(folder, **disturbance) == code
    first, second = (line.split(", ")[-1] for line in (tmp_path / "log").read_text().splitlines() if line.startswith("train.py: stopped"))
    assert f"resumed from {tmp_path}/c.safetensors, {first.partition(':')[0]}" in (tmp_path / "log").read_text()
    assert second != first


def test_a_run_ignores_a_checkpoint_of_other_settings(trainer, undisturbed, tmp_path):
    folder = tmp_path / "run"
    assert trainer.train(folder, recipe=RECIPE | {"momentum": 0.8}, write=5) == -9
    assert trainer.train(folder) == 0
    assert "c.safetensors is of other settings, code or machine: ignored" in (tmp_path / "log").read_text()
    assert_same(folder, undisturbed)


def train_beside(trainer, folder, **changes):
    """Exit code of a run that another job trains at the same time, which ends as soon as the run logs that it waits."""
    log = folder.parent / "log"
    log.unlink(missing_ok=True)
    with FileLock(folder.parent / ".c.lock") as other, ThreadPoolExecutor(1) as pool:
        code = pool.submit(trainer.train, folder, **changes)
        while not (log.exists() and "waiting for another job of this run, which holds" in log.read_text()):
            assert not code.done()
            time.sleep(0.01)
        other.release()
        return code.result()


def test_a_run_waits_for_another_job_that_trains_it_and_uses_its_results(trainer, undisturbed, tmp_path):
    folder = tmp_path / "run"
    assert train_beside(trainer, folder) == 0
    assert_same(folder, undisturbed)
    times = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert train_beside(trainer, folder) == 0
    assert f"{folder} was finished meanwhile: nothing to do" in (tmp_path / "log").read_text()
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == times
    record = read_json(folder / "run.json")
    write_json(folder / "run.json", own_digest.added(record | {"epochs": 1}))  # as with --stop-after
    assert train_beside(trainer, folder) == 0
    assert read_json(folder / "run.json")["epochs"] == record["epochs"]
    (folder / "last.safetensors").write_bytes(b"other")
    assert train_beside(trainer, folder) == 0
    assert_same(folder, undisturbed)
    assert train_beside(trainer, folder, recipe=RECIPE | {"momentum": 0.8}) == 0
    assert (folder / "last.safetensors").read_bytes() != undisturbed[0]["last.safetensors"]


def test_a_run_that_diverges_leaves_no_checkpoint(trainer, tmp_path):
    assert trainer.train(tmp_path / "run", recipe=RECIPE | {"learning_rate": 1e6}) == 1
    assert not list(tmp_path.glob("*.safetensors"))
