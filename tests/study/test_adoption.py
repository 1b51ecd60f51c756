"""Runs trained elsewhere, imported by the real command."""

import contextlib
import json
import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from hardpair.config.resolve import resolve
from hardpair.config.written import overlaid
from hardpair.errors import UserError
from hardpair.files import own_digest, paths
from hardpair.files.atomic import write_json
from hardpair.jobs import locks
from hardpair.jobs.locks import only_one
from hardpair.staleness.due import Due
from hardpair.staleness.run_difference import Expected
from hardpair.study import adoption, find, replaced
from workspace import PROJECT, TINY

VARIANTS, SEEDS = ("ce", "dfl", "ce_sampler"), (0, 1)
FILES = {"run.json", "last.safetensors", "best.safetensors", "epochs.csv", "refreshes.csv", "history.npz"}


def adopt(study, *options, check=True):
    command = ("python", "workflow/scripts/study.py", "adopt", *options, "--configfile", "tiny.yaml")
    return study.run(*command, check=check)


def jobs(step, variants=VARIANTS, seeds=SEEDS):
    return {f"{step} {variant} with seed {seed}" for variant in variants for seed in seeds}


def moments(folder, without):
    """When each file below a folder was written, but for those below a folder that is named."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and without not in path.parts}


@pytest.fixture
def home(finished, tmp_path):
    """The study without runs and comparison, and without Snakemake's records; the runs are in ``brought``."""
    study = finished.copy(tmp_path / "home")
    shutil.rmtree(study.folder / ".snakemake")
    shutil.move(study.folder / "results/tiny/runs", tmp_path / "brought")
    shutil.rmtree(study.folder / "results/tiny/logs")
    (study.folder / "results/tiny/comparison.md").unlink()
    return study


def test_adopted_runs_are_done_until_a_setting_of_theirs_changes(home, tmp_path):
    source = tmp_path / "brought"
    assert jobs("Train") <= home.stale()
    before = moments(home.folder / "results", without="logs"), moments(home.folder / "resources", without="logs")
    output = home.run("make", "--silent", "--old-file=setup", "adopt", f"RUNS={source}", "CONFIG=tiny.yaml").stdout
    assert output.endswith("6 of 6 runs imported\n")
    after = moments(home.folder / "results", without="logs"), moments(home.folder / "resources", without="logs")
    runs = home.folder / "results/tiny/runs"
    assert {path for path in after[0] if runs not in path.parents} == set(before[0])
    registered = home.folder / "results/tiny" / paths.REGISTRATION
    assert {path for place, part in enumerate(before) for path, moment in part.items() if after[place][path] != moment} == {registered}
    assert json.loads(registered.read_text())["entries"][-1]["imported"] == [
        f"{name}/seed{seed}" for name in sorted(VARIANTS) for seed in SEEDS
    ]
    for variant in VARIANTS:
        for seed in SEEDS:
            folder = runs / variant / f"seed{seed}"
            assert {path.name for path in folder.iterdir()} == FILES
            assert all((folder / name).read_bytes() == (source / variant / f"seed{seed}" / name).read_bytes() for name in FILES)
    stale = home.stale()
    assert not {job for job in stale if job.startswith("Train")}
    assert jobs("Evaluate") <= stale
    home.edit("tiny.yaml", "{kind: focal, gamma: 2, scale: dynamic}", "{kind: focal, gamma: 3, scale: dynamic}")
    assert {job for job in home.stale() if job.startswith("Train")} == jobs("Train", ["dfl"])


def test_an_existing_run_is_kept_and_a_stale_one_is_replaced_completely(home, tmp_path):
    source, target = tmp_path / "brought", home.folder / "results/tiny/runs/ce/seed0"
    shutil.copytree(source / "ce/seed0", target)
    stale = home.folder / "results/tiny/runs/ce/seed1"
    shutil.copytree(source / "ce/seed1", stale)
    record = json.loads((stale / "run.json").read_text())
    write_json(stale / "run.json", own_digest.added(record | {"code": "0" * 16}))
    left = moments(target, without="logs")
    output = adopt(home, "--runs", str(source / "ce")).stdout
    assert "seed0: not imported, the study already has this run in results/tiny/runs/ce/seed0\n" in output
    assert "1 of 2 runs imported" in output
    assert moments(target, without="logs") == left
    assert {path.name for path in stale.iterdir()} == FILES  # the old evaluation is removed
    assert json.loads((stale / "run.json").read_text()) == record


def test_a_study_without_its_recipe_is_refused_with_what_to_run_first(home, tmp_path):
    (home.folder / "results/tiny/search/recipe.yaml").unlink()
    done = adopt(home, "--runs", str(tmp_path / "brought"), check=False)
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    missing = "results/tiny/search/recipe.yaml results/tiny/split.json"
    assert f"run `snakemake --cores 4 --configfile tiny.yaml -- {missing}` first" in done.stderr
    assert not (home.folder / "results/tiny/runs").exists()


def test_a_refused_import_into_a_study_that_is_not_begun_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(TINY)
    Path("file").touch()
    for runs, problem in (("nope", "does not exist"), ("file", "is not a folder"), (".", "holds no run.json")):
        with pytest.raises(UserError, match=rf"^{re.escape(runs)} {re.escape(problem)}: name a folder with finished runs$"):
            adoption.adopt_runs(Path(runs), ["study.yaml"])
    Path("run.json").touch()
    with pytest.raises(UserError, match=r"^results/tiny/search/recipe\.yaml and results/tiny/split\.json are missing"):
        adoption.adopt_runs(Path(), ["study.yaml"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "run.json", "study.yaml"]


def test_a_stale_split_is_as_good_as_none(home, tmp_path):
    home.edit("tiny.yaml", "validation: 100", "validation: 90")
    done = adopt(home, "--runs", str(tmp_path / "brought"), check=False)
    assert "not those of the present config" in done.stderr
    assert not (home.folder / "results/tiny/runs").exists()


def test_nothing_is_adopted_while_snakemake_is_at_work(home, tmp_path):
    locks = home.folder / ".snakemake/locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text("results/tiny/report.html\n")
    done = adopt(home, "--runs", str(tmp_path / "brought"), check=False)
    assert done.returncode != 0
    assert "snakemake is running here" in done.stderr
    assert not (home.folder / "results/tiny/runs").exists()


@pytest.mark.parametrize("has_run", [False, True], ids=["no run", "no run of the study"])
def test_a_folder_without_a_run_of_the_study_ends_in_one_sentence(home, tmp_path, has_run):
    empty = tmp_path / "empty"
    (empty / "deep").mkdir(parents=True)
    if has_run:
        (empty / "deep/run.json").write_text("[]")
    done = adopt(home, "--runs", str(empty), check=False)
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert ("holds no run of the study tiny" if has_run else "holds no run.json") in done.stderr
    assert done.stdout == (f"{empty}/deep: not imported, its run.json was not written by train\n" if has_run else "")


@pytest.mark.parametrize("end", [UserError("no space left"), KeyboardInterrupt()], ids=["failed", "Ctrl-C"])
def test_an_import_that_cannot_be_recorded_is_undone(home, tmp_path, monkeypatch, end):
    """Runs that are new go, and those that were replaced come back."""
    target = home.folder / "results/tiny/runs/ce/seed1"
    shutil.copytree(tmp_path / "brought/ce/seed1", target)
    record = json.loads((target / "run.json").read_text())
    write_json(target / "run.json", own_digest.added(record | {"code": "0" * 16}))
    before = moments(home.folder / "results/tiny/runs", without="logs")

    def fail(*_):
        assert json.loads((target / "run.json").read_text()) == record
        raise end

    monkeypatch.chdir(home.folder)
    monkeypatch.setattr(adoption, "record_evaluations", fail)
    with pytest.raises(type(end)):
        adoption.adopt_runs(tmp_path / "brought", ["tiny.yaml"])
    assert moments(home.folder / "results/tiny/runs", without="logs") == before
    assert not list((home.folder / "results/tiny/runs").rglob(".*"))
    held = locks.held([home.folder / "results/tiny/checkpoints/.lock", home.folder / "results/tiny/checkpoints/ce/.seed1.lock"])
    assert held == set()


@pytest.mark.parametrize("earlier", [True, False], ids=["replaces a run", "a new run"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_adoption_that_was_killed_is_undone_by_the_next(tmp_path, earlier, moment):
    """Killed before or after the run moved to its place, and before Snakemake recorded it."""
    target = tmp_path / "runs/ce/seed0"
    kept = replaced.aside(target)
    kept.mkdir(parents=True)
    if earlier:
        (kept / "run.json").write_text("earlier")
    if moment == "after":
        target.mkdir()
        (target / "run.json").write_text("imported")
    assert replaced.interrupted(tmp_path)
    replaced.restore(tmp_path)
    assert not replaced.interrupted(tmp_path)
    assert {path: path.read_text() for path in tmp_path.rglob("*.json")} == ({target / "run.json": "earlier"} if earlier else {})
    assert not kept.exists()


def test_a_run_that_a_job_works_on_is_left_to_it(home, tmp_path):
    """Even where no Snakemake runs: the job may have outlived it."""
    with only_one(home.folder / "results/tiny/checkpoints/dfl/seed1.safetensors"):
        done = adopt(home, "--runs", str(tmp_path / "brought/dfl"))
    assert f"{tmp_path}/brought/dfl/seed1: not imported, its job is running here: wait until it ends" in done.stdout
    assert done.stdout.endswith("1 of 2 runs imported\n")
    assert not (home.folder / "results/tiny/runs/dfl/seed1").exists()


def test_a_study_whose_import_was_cut_short_is_not_started_before_it_is_repeated(home, tmp_path):
    """Undone later, the import would take away what has been trained since."""
    kept = replaced.aside(home.folder / "results/tiny/runs/ce/seed0")
    kept.mkdir(parents=True)
    begun = home.snakemake(check=False)
    assert begun.returncode != 0
    assert (
        "an import of runs into results/tiny was interrupted: first run `make adopt` again with the same runs and overlays" in begun.stderr
    )
    assert "Traceback" not in begun.stderr
    assert adopt(home, "--runs", str(tmp_path / "brought")).stdout.endswith("6 of 6 runs imported\n")
    assert not replaced.interrupted(home.folder / "results/tiny")


def test_a_run_that_is_there_twice_is_imported_once(home, tmp_path):
    shutil.copytree(tmp_path / "brought/ce", tmp_path / "brought/copies")
    output = adopt(home, "--runs", str(tmp_path / "brought")).stdout
    assert output.count("not imported, this run was already imported from another folder") == 2
    assert output.endswith("6 of 8 runs imported\n")


def test_one_command_at_a_time_works_on_a_study(home, tmp_path):
    lock = locks.take_study(home.folder / "results/tiny")
    done = adopt(home, "--runs", str(tmp_path / "brought"), check=False)
    begun = home.snakemake(check=False)
    lock.release()
    for failed in (done, begun):
        assert failed.returncode != 0
        assert "another command is running on the study tiny: wait until it ends" in failed.stderr
        assert "Traceback" not in failed.stderr
    assert not (home.folder / "results/tiny/runs").exists()


# ---------------------------------------------------------------------------------------------------------------- reasons


@pytest.fixture
def judged(finished, tmp_path):
    """A copy of one run, and why it is refused."""
    folder, results = tmp_path / "run", finished.folder / "results/tiny"
    shutil.copytree(results / "runs/dfl/seed1", folder)
    config = resolve(overlaid(yaml.safe_load((PROJECT / "config/config.yaml").read_text()), yaml.safe_load(TINY)))
    recipe = yaml.safe_load((results / "search/recipe.yaml").read_text())
    return folder, lambda: adoption.refusal(folder, Expected(config, {"dfl": recipe, "ce": recipe}, results / "split.json"))


def test_a_run_of_the_study_is_not_refused(judged):
    folder, refusal = judged
    assert refusal() is None
    for name in ("predictions.npz", "metrics.json"):
        (folder / name).unlink()
    assert refusal() is None


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("seed", 7, "the study does not declare its seed 7"),
        ("variant", "mine", "the study declares no variant 'mine', only ce, dfl, ce_sampler"),
        ("variant", "../dfl", "the study declares no variant '../dfl', only ce, dfl, ce_sampler"),
        ("variant", "ce", "its settings.loss.detach_weight is false, here not set"),
        ("settings.loss.gamma", 5, "its settings.loss.gamma is 5, here 2"),
        ("settings.loss.cap", None, "its settings.loss.cap is null, here not set"),
        ("recipe.batch_size", 64, "its recipe.batch_size is 64, here 128"),
        ("recipe.lr_drops", [0.5], "its recipe.lr_drops is [0.5], here [0.5, 0.8]"),
        ("data.sha256", "0", "it was trained on other images"),
        ("code", "c0de", "it was trained by other code (c0de, here "),
        ("fingerprint", "0" * 16, "it was trained on another split of the images"),
        ("epochs", 1, "it ended after 1 of 2 epochs"),
        ("weights.last", "0", "last.safetensors is damaged: its SHA-256 is not that of run.json"),
        ("weights", {"last": "0", "../../secret": "0"}, "its run.json was not written by train"),
        ("weights", None, "its run.json was not written by train"),
    ],
)
def test_a_record_that_differs_is_refused_with_what_differs(judged, path, value, reason):
    folder, refusal = judged
    record = json.loads((folder / "run.json").read_text())
    *parents, last = path.split(".")
    inner = record
    for step in parents:
        inner = inner[step]
    inner[last] = value
    write_json(folder / "run.json", own_digest.added(record))
    assert refusal().startswith(reason)
    assert "\n" not in refusal()


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_file_that_was_cut_off_is_named(judged, name, share):
    folder, refusal = judged
    os.truncate(folder / name, int(share * (folder / name).stat().st_size))
    assert name in refusal()
    (folder / name).unlink()
    assert f"{name} is missing" in refusal()


def test_a_file_that_cannot_be_read_is_a_reason(judged, monkeypatch):
    """It ends no import, which would lose the other runs."""
    folder, refusal = judged

    def unreadable(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(adoption, "file_sha256", unreadable)
    assert re.fullmatch(rf"{re.escape(str(folder))}/\S+ cannot be read \(Permission denied\)", refusal())


def test_a_copy_that_fails_leaves_what_was_there(judged, tmp_path, monkeypatch):
    folder, _ = judged
    target = tmp_path / "runs/dfl/seed1"
    shutil.copytree(folder, target)
    before = moments(tmp_path / "runs", without="logs")
    copy, copied = shutil.copyfile, []

    def full_disk(source, destination):
        copied.append(source)
        if len(copied) == 3:
            raise OSError(28, "No space left on device")
        return copy(source, destination)

    monkeypatch.setattr(shutil, "copyfile", full_disk)
    with pytest.raises(OSError, match="No space"):
        adoption.import_run(folder, target, Expected(None, None, None))
    assert moments(tmp_path / "runs", without="logs") == before


def test_the_older_code_of_earlier_imports_is_known(home, tmp_path):
    """Runs of a second older code are refused in a later call too."""
    shutil.copytree(tmp_path / "brought", home.folder / "results/tiny/runs")
    record = home.folder / "results/tiny/runs/ce/seed0/run.json"
    run = json.loads(record.read_text())
    write_json(record, own_digest.added(run | {"code": "older", "adopted": {"commit": "abc", "fingerprint": "x"}}))
    with contextlib.chdir(home.folder):
        due = Due.of(find.overlay(["tiny.yaml"]))
        _, expected = adoption._inputs(tmp_path / "brought", due, ["tiny.yaml"])
        assert adoption.older_hashes(home.folder / "results/tiny", expected) == {"ce": "older"}
