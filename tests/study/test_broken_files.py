"""Files that a crash of the machine left cut short count as missing; nothing but jobs that make them again changes them."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from hardpair.config.resolve import resolve
from hardpair.staleness.due import Due
from hardpair.study import broken_files
from workspace import TINY

UNDECLARED = (
    "runs/ce/seed9/last.safetensors",
    "runs/ce/seed9/run.json",
    "made/evaluate/ce.seed9.json",
    "runs/gone/seed0/run.json",
    "search/round7/trial14.json",
    "search/ce/recipe.yaml",
    "figures/plane.png",
    "pairs.json",
)
DECLARED = {"runs/dfl/seed1/history.npz", "runs/dfl/seed1/run.json", "split.json"}


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Path("results/tiny")


def write(study, *names):
    for path in (study / name for name in names):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{")


def found(study, rule="results/tiny/.*"):
    """The broken files of a study, where a rule makes files of this form."""

    def is_produced(file):
        return re.fullmatch(rule, file) is not None

    broken = broken_files.broken_files(resolve(yaml.safe_load(TINY)), study, Path("resources/synthetic"), is_produced)
    return {path.removeprefix("results/tiny/") for path in broken}


def files_of(study):
    return {path.relative_to(study).as_posix() for path in study.rglob("*") if path.is_file()}


@pytest.mark.parametrize("end", ["", ".unreadable"])
def test_what_the_config_does_not_make_is_neither_renamed_nor_requested(study, end):
    """Even if a rule makes files of such names."""
    others = {f"{name}{end}" for name in UNDECLARED}
    write(study, *others, *DECLARED)
    assert found(study) == DECLARED
    assert files_of(study) == others | DECLARED, "to look changes nothing"
    broken_files.set_aside({f"results/tiny/{name}" for name in DECLARED}, [f"results/tiny/{name}" for name in (*DECLARED, *others)])
    assert found(study) == DECLARED, "missing since"
    assert files_of(study) == others | {f"{name}.unreadable" for name in DECLARED}


def test_what_no_rule_makes_is_not_requested(study):
    """Without validation images there is no best model."""
    write(study, "runs/ce/seed0/best.safetensors.unreadable")
    assert found(study, "results/tiny/runs/.*/last.safetensors") == set()
    assert found(study) == {"runs/ce/seed0/best.safetensors"}


@pytest.mark.parametrize("is_dry_run", [True, False])
def test_only_what_planned_jobs_make_is_renamed_and_nothing_in_a_dry_run(study, capsys, is_dry_run):
    write(study, "split.json", "comparison.csv")
    broken = {f"results/tiny/{name}" for name in ("split.json", "comparison.csv", "runs.csv")}
    act = broken_files.print_broken if is_dry_run else broken_files.set_aside
    act(broken, ["results/tiny/split.json", "results/tiny/runs.csv"])
    assert files_of(study) == {"comparison.csv", "split.json" if is_dry_run else "split.json.unreadable"}
    what = "without --dry-run it would be set aside" if is_dry_run else "set aside as split.json.unreadable,"
    assert capsys.readouterr().err == f"results/tiny/split.json or what it describes is cut short or damaged: {what} and made again\n"


def test_what_another_command_has_made_again_meanwhile_is_not_broken(study):
    write(study, "split.json", "runs/dfl/seed1/run.json")
    (study / "runs/dfl/seed1/last.safetensors").write_bytes(b"cut")
    due = Due(resolve(yaml.safe_load(TINY)), "x", (), found_paths(study))
    broken = {"split.json", "runs/dfl/seed1/run.json", "runs/dfl/seed1/last.safetensors"}
    due.look_again()
    assert due.broken == {f"{study}/{name}" for name in broken}
    for name in ("split.json", "runs/dfl/seed1/run.json"):
        (study / name).write_text("{}\n")
    due.look_again()
    assert due.broken == {f"{study}/{name}" for name in broken - {"split.json"}}, "run.json describes weights that are cut short"


def found_paths(study):
    return {f"{study}/{name}" for name in found(study)}


def test_broken_files_of_what_is_no_longer_declared_change_no_plan(finished, tmp_path):
    workspace = finished.copy(tmp_path)
    write(workspace.folder / "results/tiny", *UNDECLARED, "figures/search.png.unreadable", "pairs.json.unreadable")
    assert workspace.stale() == set()
    without = "search={enabled: false}"
    assert workspace.stale("--config", without) == finished.stale("--config", without)


def test_a_dry_run_changes_nothing_and_plans_what_the_start_after_it_runs(finished, tmp_path):
    workspace = finished.copy(tmp_path)
    study = workspace.folder / "results/tiny"
    cut = {"runs/dfl/seed1/predictions.npz", "figures/confusion.svg", "made/compare.json"}
    for name in cut:
        (study / name).write_bytes((study / name).read_bytes()[:100])
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    for read_only in (["--summary"], ["--list-rules"]):
        workspace.snakemake(*read_only)
    assert (
        "confusion.svg or what it describes is cut short or damaged: without --dry-run it would be"
        in workspace.snakemake("--dry-run").stderr
    )
    planned = workspace.stale()
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before
    assert {"Evaluate dfl with seed 1", "Draw the figure confusion", "Compare the runs"} <= planned
    done = workspace.snakemake()
    set_aside = {f"{name}.unreadable" for name in (*cut, "runs/dfl/seed1/metrics.json")}
    for name in set_aside:
        assert f"set aside as {Path(name).name}" in done.stderr
        assert not (study / name).exists(), "removed when made again"
    assert workspace.stale() == set()
    assert {path.relative_to(study) for path in before} <= {path.relative_to(study) for path in study.rglob("*")}


@pytest.mark.parametrize("damage", ["cut", "zeros"])
def test_damaged_images_of_a_study_without_runs_are_prepared_again_without_its_trials(finished, tmp_path, damage):
    workspace = finished.copy(tmp_path)
    shutil.rmtree(workspace.folder / "results/tiny/runs")
    images = workspace.folder / "resources/synthetic/train/images.npy"
    content = images.read_bytes()
    images.write_bytes(content[:-4096] if damage == "cut" else content[:4096].ljust(len(content), b"\0"))
    planned = workspace.planned()
    assert "Prepare the images of synthetic" in planned
    assert not any(job.startswith("Try recipe") for job in planned)
    workspace.snakemake("--until", "split_data", "prepare_data")
    assert images.read_bytes() == content
    assert "Prepare the images of synthetic" not in workspace.planned()
