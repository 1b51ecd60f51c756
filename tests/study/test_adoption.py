"""Runs trained elsewhere, imported by the real command."""

import json
import os
import shutil

import pytest
import yaml

from hardpair.cli.command import overlaid
from hardpair.config.resolve import resolve
from hardpair.errors import UserError
from hardpair.study import adoption
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
    """The study without runs and comparison, and without what Snakemake remembers; the runs lie in ``brought``."""
    study = finished.copy(tmp_path / "home")
    shutil.rmtree(study.folder / ".snakemake")
    shutil.move(study.folder / "results/tiny/runs", tmp_path / "brought")
    shutil.rmtree(study.folder / "results/tiny/logs")
    (study.folder / "results/tiny/comparison.md").unlink()  # newer than everything, it would make Snakemake look no further
    return study


def test_adopted_runs_are_done_until_a_setting_of_theirs_changes(home, tmp_path):
    brought = tmp_path / "brought"
    assert jobs("Train") <= home.stale()
    before = moments(home.folder / "results", without="logs"), moments(home.folder / "resources", without="logs")
    said = home.run("make", "--silent", "--old-file=setup", "adopt", f"RUNS={brought}", "CONFIG=tiny.yaml").stdout
    assert said.endswith("6 of 6 runs imported\n")
    after = moments(home.folder / "results", without="logs"), moments(home.folder / "resources", without="logs")
    runs = home.folder / "results/tiny/runs"
    assert {path for path in after[0] if runs not in path.parents} == set(before[0])
    assert all(after[place][path] == moment for place, part in enumerate(before) for path, moment in part.items())
    for variant in VARIANTS:
        for seed in SEEDS:
            folder = runs / variant / f"seed{seed}"
            assert {path.name for path in folder.iterdir()} == FILES
            assert all((folder / name).read_bytes() == (brought / variant / f"seed{seed}" / name).read_bytes() for name in FILES)
    stale = home.stale()
    assert not {job for job in stale if job.startswith("Train")}
    assert jobs("Evaluate") <= stale
    home.edit("tiny.yaml", "{kind: focal, gamma: 2, scale: dynamic}", "{kind: focal, gamma: 3, scale: dynamic}")
    assert {job for job in home.stale() if job.startswith("Train")} == jobs("Train", ["dfl"])


def test_a_run_that_is_there_is_left_and_a_stale_one_is_replaced_whole(home, tmp_path):
    brought, target = tmp_path / "brought", home.folder / "results/tiny/runs/ce/seed0"
    shutil.copytree(brought / "ce/seed0", target)
    stale = home.folder / "results/tiny/runs/ce/seed1"
    shutil.copytree(brought / "ce/seed1", stale)
    record = json.loads((stale / "run.json").read_text())
    (stale / "run.json").write_text(json.dumps(record | {"code": "0" * 16}))
    left = moments(target, without="logs")
    said = adopt(home, "--runs", str(brought / "ce")).stdout
    assert "seed0: not imported, the study has this run already in results/tiny/runs/ce/seed0\n" in said
    assert "1 of 2 runs imported" in said
    assert moments(target, without="logs") == left
    assert {path.name for path in stale.iterdir()} == FILES  # the old evaluation is gone
    assert json.loads((stale / "run.json").read_text()) == record


def test_a_study_without_its_recipe_says_what_to_run_first(home, tmp_path):
    (home.folder / "results/tiny/search/recipe.yaml").unlink()
    done = adopt(home, "--runs", str(tmp_path / "brought"), check=False)
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    wanted = "results/tiny/search/recipe.yaml results/tiny/split.json"
    assert f"run `snakemake --cores 4 --configfile tiny.yaml -- {wanted}` first" in done.stderr
    assert not (home.folder / "results/tiny/runs").exists()


def test_a_stale_split_is_as_good_as_none(home, tmp_path):
    home.snakemake("--touch", "--force", "--no-hooks", "--", "results/tiny/split.json")
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


@pytest.mark.parametrize("found", [False, True], ids=["no run", "no run of the study"])
def test_a_folder_without_a_run_of_the_study_ends_in_one_sentence(home, tmp_path, found):
    empty = tmp_path / "empty"
    (empty / "deep").mkdir(parents=True)
    if found:
        (empty / "deep/run.json").write_text("[]")
    done = adopt(home, "--runs", str(empty), check=False)
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert ("holds no run of the study tiny" if found else "holds no run.json") in done.stderr
    assert done.stdout == (f"{empty}/deep: not imported, its run.json is not one that train writes\n" if found else "")


def test_runs_that_snakemake_cannot_record_are_removed_again(tmp_path, monkeypatch):
    taken = tmp_path / "results/tiny/runs/ce/seed0"
    taken.mkdir(parents=True)
    (taken / "run.json").write_text("{}")
    monkeypatch.chdir(tmp_path)  # no Snakefile here
    with pytest.raises(UserError, match="so nothing was imported") as caught:
        adoption.record_in_snakemake([taken.relative_to(tmp_path)], [])
    assert "\n" not in str(caught.value)
    assert not taken.exists()


# ---------------------------------------------------------------------------------------------------------------- reasons


@pytest.fixture
def judged(finished, tmp_path):
    """A copy of one run, and why it is refused."""
    folder, results = tmp_path / "run", finished.folder / "results/tiny"
    shutil.copytree(results / "runs/dfl/seed1", folder)
    config = resolve(overlaid(yaml.safe_load((PROJECT / "config/config.yaml").read_text()), yaml.safe_load(TINY)))
    recipe = yaml.safe_load((results / "search/recipe.yaml").read_text())
    recipes = {variant["name"]: recipe for variant in config["variants"]}
    return folder, lambda: adoption.refusal(folder, config, recipes, results / "split.json")


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
        ("variant", "ce", "its settings.loss.detach_weight is false, here null"),
        ("settings.loss.gamma", 5, "its settings.loss.gamma is 5, here 2"),
        ("recipe.batch_size", 64, "its recipe.batch_size is 64, here 128"),
        ("recipe.lr_drops", [0.5], "its recipe.lr_drops is [0.5], here [0.5, 0.8]"),
        ("data.sha256", "0", "it was trained on other images"),
        ("code", "c0de", "it was trained by other code (c0de, here "),
        ("fingerprint", "0" * 16, "it was trained on another split of the images"),
        ("epochs", 1, "it ended after 1 of 2 epochs"),
        ("weights.last", "0", "last.safetensors is damaged: its SHA-256 is not that of run.json"),
        ("weights", {"last": "0", "../../secret": "0"}, "its run.json is not one that train writes"),
        ("weights", None, "its run.json is not one that train writes"),
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
    (folder / "run.json").write_text(json.dumps(record))
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
        adoption.import_run(folder, target)
    assert moments(tmp_path / "runs", without="logs") == before
