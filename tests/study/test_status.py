"""How far a study is: real files of a finished one, changed to every state that a study can be in."""

import io
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from hardpair.files import own_digest
from hardpair.files.atomic import write_json
from hardpair.jobs.locks import WAITING, only_one
from hardpair.staleness.due import Due
from hardpair.study import find
from hardpair.study.status import DONE, FAILED, RUNNING, STALE, STOPPED, TO_DO, JobStatus
from hardpair.study.status_reader import Watch, expected_rate
from hardpair.study.status_view import view

COMMAND = ("python", "workflow/scripts/study.py", "status")
HEAD = "dfl, seed 1: 2 epochs of 200 images on CPU, 1 thread (host {}, process 1)\n"
EPOCH = "epoch 1/2  lr 0.01       loss 2.0000  train 50.00%  validation 40.00%      100 images/s  00:00:02 left\n"
SECOND = EPOCH.replace("1/2", "2/2").replace("00:02 left", "00:00 left")
END = "trained: 2 epochs in 00:00:04, 100 images/s; highest validation accuracy 40.00%, after epoch 1\n"


@pytest.fixture
def folder(finished, tmp_path, monkeypatch):
    """Results of a finished study, in a copy where commands would be called."""
    monkeypatch.chdir(finished.copy_results(tmp_path / "here").folder)
    return Path("results/tiny")


def look(changes=None):
    """The status of the study, its config changed first if that is wanted."""
    config = find.overlay(["tiny.yaml"], changes)
    return Watch(config, Path("results/tiny")).status()


def states(status):
    return {run.name: run.state for run in status.runs if run.state != DONE}


def unfinish(folder, variant="dfl", seed=1, log=None, epochs=None):
    """Take a run's results away and leave this log, and the progress of so many epochs."""
    shutil.rmtree(folder / f"runs/{variant}/seed{seed}")
    path, progress = folder / f"logs/train/{variant}.seed{seed}.log", folder / f"progress/{variant}/seed{seed}.csv"
    path.unlink() if log is None else path.write_text(log)
    if epochs is not None:
        progress.write_text("".join(progress.read_text().splitlines(keepends=True)[: 1 + epochs]))
    return path


def test_a_finished_study_is_finished(folder):
    status = look()
    assert status.finished
    assert states(status) == {}
    assert [trial.state for trial in status.trials] == [DONE] * 4
    assert (status.leftover, status.working, status.locked, status.seconds) == ([], False, False, None)


HERE = os.uname().nodename
UNFINISHED = {
    "never begun": (None, None, TO_DO, ""),
    "result removed": (HEAD.format(HERE) + EPOCH + "trained: 2 epochs in 00:00:04, 100 images/s\n", 2, TO_DO, ""),
    "failed": (
        HEAD.format(HERE) + EPOCH + "train.py: the loss became NaN: lower it\n",
        1,
        FAILED,
        "train.py: the loss became NaN: lower it",
    ),
    "failed at once": ("Traceback\nImportError: no\n", None, FAILED, "ImportError: no"),
    "killed": (HEAD.format(HERE) + EPOCH, 1, STOPPED, ""),
    "told to stop": (HEAD.format(HERE) + EPOCH + "train.py: stopped by SIGINT; saved\n", 1, STOPPED, ""),
    "interrupted at once": ("train.py: interrupted\n", None, STOPPED, ""),
    "at work elsewhere": (HEAD.format("far-away") + EPOCH, 1, RUNNING, ""),
}


@pytest.mark.parametrize("case", UNFINISHED)
def test_the_state_of_a_run_without_results_is_read_from_its_log(folder, case):
    log, epochs, state, reason = UNFINISHED[case]
    unfinish(folder, log=log, epochs=epochs)
    status = look()
    assert states(status) == {"dfl seed 1": state}
    [run] = [run for run in status.runs if run.state == state]
    assert run.reason == reason
    assert run.epoch == (epochs or 0 if state in (STOPPED, RUNNING) else 0)
    assert not status.finished


def test_a_run_whose_lock_is_held_is_running_from_its_progress(folder):
    unfinish(folder, log=HEAD.format(HERE) + EPOCH, epochs=1)
    rows = (folder / "progress/dfl/seed1.csv").read_text().splitlines()
    values = dict(zip(rows[0].split(","), rows[1].split(","), strict=True))
    os.utime(folder / "progress/dfl/seed1.csv")
    with only_one(folder / "checkpoints/dfl/seed1.safetensors"):
        status = look()
    [run] = status.running
    assert (run.name, run.state, run.epoch, run.epochs) == ("dfl seed 1", RUNNING, 1, 2)
    assert (run.accuracy, run.rate) == (float(values["validation_accuracy"]), float(values["images_per_second"]))
    assert 0 <= run.left <= float(values["seconds"])
    assert status.seconds >= run.left
    assert states(look()) == {"dfl seed 1": STOPPED}


def test_a_run_that_starts_anew_does_not_show_the_progress_of_its_last_try(folder):
    unfinish(folder, log="waiting for a free GPU: other jobs hold 0, 1\n")
    with only_one(folder / "checkpoints/dfl/seed1.safetensors"):
        [run] = look().running
    assert (run.epoch, run.rate, run.reason) == (0, None, "waiting for a free GPU: other jobs hold 0, 1")


@pytest.mark.parametrize("log", [f"{WAITING}, which holds x.lock\n", f"{WAITING}, which holds x.lock\ntrain.py: interrupted\n"])
def test_a_job_that_waits_for_another_of_its_run_does_not_hide_that_one(folder, log):
    unfinish(folder, log=log, epochs=1)
    with only_one(folder / "checkpoints/dfl/seed1.safetensors"):
        [run] = look().running
    assert (run.epoch, run.epochs) == (1, 2)


def test_a_trial_is_running_from_its_log(folder):
    (folder / "search/round1/trial3.json").unlink()
    (folder / "logs/run_trial/trial3.round1.log").write_text(HEAD.format(HERE).removeprefix("dfl, seed 1: ") + EPOCH)
    with only_one(folder / "checkpoints/search/trial3.safetensors"):
        status = look()
    [trial] = status.running
    assert (trial.name, trial.epoch, trial.accuracy, trial.rate) == ("trial 3", 1, 0.4, 100)
    assert [trial.state for trial in look().trials] == [DONE, DONE, DONE, STOPPED]


@pytest.mark.parametrize(
    ("lines", "epoch", "left"),
    [
        (HEAD + EPOCH, 1, 2 + 3 * 4),
        (HEAD + EPOCH + SECOND + END, 2, None),
        (HEAD + EPOCH + SECOND + END + HEAD, 2, None),
        ((HEAD + EPOCH + SECOND + END) * 3 + HEAD + EPOCH, 7, 2),
        ((HEAD + EPOCH + SECOND + END) * 60 + HEAD + EPOCH, 8, 2),  # of an earlier config, and longer than what is read of other logs
    ],
)
def test_the_epochs_of_a_trial_are_those_of_all_its_trainings(folder, lines, epoch, left):
    (folder / "search/round1/trial3.json").unlink()
    (folder / "logs/run_trial/trial3.round1.log").write_text(lines.format(*[HERE] * lines.count("{}")))
    with only_one(folder / "checkpoints/search/trial3.safetensors"):
        [trial] = look({"search": {"variants": ["ce", "dfl"], "seeds": [100, 101], "epochs": 2}}).running
    assert (trial.epoch, trial.epochs) == (epoch, 8)
    assert trial.left == (left if left is None else pytest.approx(left, abs=1))


def test_what_the_present_config_would_not_train_is_stale_with_a_reason(folder):
    changed = [{"name": "ce"}, {"name": "dfl", "loss": {"kind": "focal", "gamma": 3, "scale": "dynamic"}}, {"name": "ce_sampler"}]
    status = look({"variants": changed})
    assert states(status) == {f"{name} seed {seed}": STALE for name in ("dfl", "ce_sampler") for seed in (0, 1)}
    reasons = {run.variant: run.reason for run in status.runs if run.state == STALE}
    assert reasons == {"dfl": "its settings.loss.gamma is 2, here 3", "ce_sampler": "its settings.sampler.factor_max is 100, here not set"}
    assert not status.finished


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"variant": "gone"}, "it is a run of another variant or seed"),
        ({"seed": 1}, "it is a run of another variant or seed"),
        ({"settings": {"loss": None}}, "its settings.deterministic is not set, here "),
        ({"settings": 5}, "its settings is 5, here {"),
        ({"seed": None}, "it is a run of another variant or seed"),
    ],
)
def test_a_record_of_another_run_is_stale_with_a_reason(folder, record, reason):
    path = folder / "runs/dfl/seed0/run.json"
    write_json(path, own_digest.added(json.loads(path.read_text()) | record | {"fingerprint": "0"}))
    [stale] = [run for run in look().runs if run.state == STALE]
    assert (stale.name, stale.reason[: len(reason)]) == ("dfl seed 0", reason)


@pytest.mark.parametrize("change", [{"search": {"epochs": 2}}, {"variants": [{"name": "ce", "loss": {"kind": "focal"}}, {"name": "dfl"}]}])
def test_trials_of_other_settings_are_stale(folder, change):
    status = look(change)
    assert [trial.state for trial in status.trials] == [STALE] * 4
    assert not status.finished
    shown = Console(width=100, file=io.StringIO())
    shown.print(view(status, 100))
    assert "~ search: 4 stale, its recipe, settings, split or code has changed" in shown.file.getvalue()


def test_a_trial_of_another_proposal_is_stale(folder):
    trial = folder / "search/round1/trial3.json"
    text = trial.read_text()
    write_json(trial, own_digest.added(json.loads(text) | {"fingerprint": "0" * 16}))
    assert [trial.state for trial in look().trials] == [DONE, DONE, DONE, STALE]
    trial.write_text(text)
    assert [trial.state for trial in look().trials] == [DONE] * 4
    (folder / "search/round1.json").write_text("[]")
    assert [trial.state for trial in look().trials] == [DONE, DONE, STALE, STALE]


def test_what_snakemake_would_train_again_is_what_is_stale(finished, tmp_path, monkeypatch):
    copy = finished.copy(tmp_path)
    monkeypatch.chdir(copy.folder)
    copy.edit("workflow/scripts/hardpair/losses/focal.py", "min(1 / seen", "min(2 / seen")
    output = copy.run(*COMMAND, "--configfile", "tiny.yaml").stdout
    assert re.search(r"~ dfl: 2 stale, it was trained by other code \(\w+, here \w+\)", output)
    assert {job for job in copy.stale() if job.startswith("Train")} == {"Train dfl with seed 0", "Train dfl with seed 1"}
    assert "● 4 done  ~ 2 stale" in output


def test_new_seeds_are_to_do_and_removed_ones_are_left_over(folder):
    status = look({"seeds": [1, 2]})
    assert states(status) == {f"{name} seed 2": TO_DO for name in ("ce", "dfl", "ce_sampler")}
    assert status.leftover == [f"{name} seed 0" for name in ("ce", "ce_sampler", "dfl")]


def test_a_run_that_was_not_evaluated_is_done_but_the_study_is_not(folder):
    (folder / "runs/ce/seed0/metrics.json").write_text("{ cut off")
    status = look()
    assert states(status) == {}
    assert [run.name for run in status.runs if not run.evaluated] == ["ce seed 0"]
    assert not status.finished


@pytest.mark.parametrize("text", ["[]", "{ cut off", '{"fingerprint": 1, "images_per_second": "fast"}', "{}"])
def test_a_record_that_is_none_does_not_stop_the_look(folder, text):
    (folder / "runs/ce/seed0/run.json").write_text(text)
    status = look()
    assert len(states(status)) == 1
    assert not status.finished


def test_a_watch_sees_what_has_changed_since(folder):
    watch = Watch(find.overlay(["tiny.yaml"]), folder)
    assert watch.status().finished
    record = json.loads((folder / "runs/ce/seed0/run.json").read_text())
    record["fingerprint"] = "another"
    write_json(folder / "runs/ce/seed0/run.json", own_digest.added(record))
    os.utime(folder / "runs/ce/seed0/run.json", (1e9, 1e9))
    assert states(watch.status()) == {"ce seed 0": STALE}
    unfinish(folder, log="train.py: broke\n")
    assert states(watch.status()) == {"ce seed 0": STALE, "dfl seed 1": FAILED}


def test_a_study_that_was_never_started_is_all_to_do(folder):
    shutil.rmtree(folder)
    status = look()
    assert {run.state for run in status.runs} | {trial.state for trial in status.trials} == {TO_DO}
    assert (status.finished, status.seconds) == (False, None)
    assert len(status.due) == len(Due.of(find.overlay(["tiny.yaml"])).declared) - 1, "the images are there"


def test_another_step_that_failed_is_named_until_it_has_succeeded(folder):
    (folder / "comparison.csv").unlink()
    (folder / "logs/compare.log").write_text("compare.py: two runs of one seed: remove one\n")
    [failed] = look().failed
    assert (failed.name, failed.reason) == ("Compare the runs", "compare.py: two runs of one seed: remove one")
    (folder / "logs/compare.log").write_text("")
    assert look().failed == []


def test_a_download_that_failed_is_named(folder):
    logs = Path("resources/synthetic/logs")
    (logs / "download_data.synthetic.log").write_text("download_data.py: no address served the archive: try again later\n")
    assert look().failed == []
    (folder / "split.json").unlink()
    Path("resources/synthetic/dataset.json").unlink()
    assert [(job.name, job.reason[:40]) for job in look().failed] == [("Download synthetic", "download_data.py: no address served the ")]


def everything(folder):
    """Files and folders with the times and sizes of files; Python's own cache changes the times of the package's folders."""
    paths = (path for path in Path(folder).rglob("*") if "__pycache__" not in path.parts)
    return {path: path.is_file() and (path.stat().st_mtime_ns, path.stat().st_size) for path in paths}


def test_the_command_shows_it_in_plain_text_and_touches_nothing(finished, tmp_path):
    copy = finished.copy(tmp_path)
    unfinish(copy.folder / "results/tiny", log="train.py: the loss became NaN\n")
    before = everything(copy.folder)
    done = copy.run(*COMMAND)  # the study that was started last
    assert everything(copy.folder) == before
    lines = done.stdout.splitlines()
    assert lines[0].startswith("tiny   3 variants × 2 seeds, 2 epochs")
    assert [re.sub(r"\s+━*╸?┄*\s*", " ", line).strip() for line in lines[1:5]] == [
        "search 4/4 trials",
        "train 5/6 runs",
        "evaluate 5/6 runs",
        "report to do",
    ]
    assert "dfl         ●✗  1/2" in done.stdout
    assert "✗ dfl seed 1 failed: train.py: the loss became NaN  results/tiny/logs/train/dfl.seed1.log" in done.stdout
    assert "\x1b" not in done.stdout
    assert max(map(len, lines)) <= 100


def test_make_passes_the_study_on(finished):
    shown = finished.run("make", "--silent", "--old-file=setup", "status", "STUDY=tiny").stdout
    assert "all done: results/tiny/report.html" in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--study", "../tiny"], "is not the name of a study"),
        (["--study", "gone"], "results/gone does not exist: name a study that was started here (tiny)"),
        (["--configfile", "gone.yaml"], "gone.yaml does not exist: "),
        (["--follow"], "--follow needs a terminal, but the output is not one: omit --follow"),
    ],
)
def test_what_cannot_be_shown_ends_in_one_sentence(finished, options, message):
    done = finished.run(*COMMAND, *options, check=False)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def job(variant, state, rate=None):
    return JobStatus(f"{variant} seed 0", state, Path("log"), variant, rate=rate)


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([job("a", "to do")], None),
        ([job("a", "done", 100), job("a", "done", 200), job("a", "done", 600), job("a", "to do")], 200),
        ([job("a", "done", 100), job("a", "running", 50), job("a", "to do")], 50),
        ([job("a", "done", 100), job("slow", "done", 10), job("slow", "to do")], 10),
        ([job("a", "done", 100), job("slow", "done", 10), job("a", "to do"), job("slow", "stale")], 2 / (1 / 100 + 1 / 10)),
        ([job("a", "done", 100), job("slow", "to do")], 100),
        ([JobStatus("trial 0", "running", Path("log"), rate=30), job("a", "to do"), job("slow", "to do")], 30),
    ],
)
def test_each_network_is_expected_at_its_own_rate(jobs, expected):
    assert expected_rate(jobs, {"a": "cnn", "slow": "resnet18"}) == pytest.approx(expected)
