"""What is removed of a study, and what never is."""

import io
import json
import os
import pty
import shutil
import subprocess
import sys

import pytest

from hardpair.errors import UserError
from hardpair.jobs.locks import only_one
from hardpair.study import clean, find
from hardpair.study.clean import count

COMMAND = ("python", "workflow/scripts/study.py", "clean")
LOG = "dfl, seed 1: 2 epochs of 200 images on CPU, 1 thread (host far-away, process 1)\n"


@pytest.fixture
def study(finished, tmp_path):
    return finished.copy(tmp_path / "here")


def clean_study(study, *options, check=False):
    return study.run(*COMMAND, "--study", "tiny", *options, check=check)


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def test_a_study_is_removed_completely_and_nothing_else(study):
    before = files(study.folder)
    (study.folder / "resources/precious").write_text("x")
    (study.folder / "results/tiny/link").symlink_to(study.folder / "resources")
    output = clean_study(study, "--yes", check=True).stdout
    removed = {name for name in before if name.startswith("results/tiny/")}
    assert files(study.folder) == before - removed | {"resources/precious"}
    assert not (study.folder / "results/tiny").exists()
    assert output.startswith("results/tiny: all of the study, 6 runs and 4 trials; ")
    assert f"; {len(removed) + 1} files, " in output
    assert output.endswith("removed results/tiny\n")


def test_leftovers_are_all_files_of_runs_that_are_no_longer_declared(study):
    home = study.folder / "results/tiny"
    mine = {"runs/ce/seed7.bak": "x", "runs/ce/notes/x": "x", "logs/train/mine.log": "x", "progress/old/seed1.txt": "x"}
    for name, text in mine.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    (home / "checkpoints/ce/seed0.safetensors").write_text("state")
    before = files(home)
    assert clean_study(study, "--leftovers").stdout == "nothing is left over in results/tiny\n"
    started = json.loads((home / "started.json").read_text())
    (home / "started.json").write_text(json.dumps(started | {"config": {"seeds": [1]}}))  # as after a look of settle
    assert clean_study(study, "--leftovers").stdout == "nothing is left over in results/tiny\n"
    (home / "started.json").write_text(json.dumps(started))
    study.edit("tiny.yaml", "seeds: [0, 1]", "seeds: [1]")
    study.edit("tiny.yaml", "  - {name: ce_sampler, sampler: {kind: focal, gamma: 2}}\n", "")
    output = clean_study(study, "--leftovers", "--yes", check=True).stdout
    removed = before - files(home)
    runs = [("ce", 0), ("dfl", 0), ("ce_sampler", 0), ("ce_sampler", 1)]
    parts = ("runs/{}/seed{}/", "progress/{}/seed{}.csv", "checkpoints/{}/.seed{}.lock", "checkpoints/{}/seed{}.safetensors")
    parts += ("logs/train/{}.seed{}.", "logs/evaluate/{}.seed{}.", "made/evaluate/{}.seed{}.json")
    own = tuple(part.format(*run) for part in parts for run in runs)
    assert removed == {name for name in before if name.startswith(own)}
    assert {f"runs/{variant}/seed{seed}/run.json" for variant, seed in runs} <= removed
    assert "checkpoints/ce/seed0.safetensors" in removed
    assert not (home / "runs/ce_sampler").exists()
    assert output.splitlines()[0].startswith("results/tiny: ce seed 0, ")
    assert "4 in all, " in output


def test_what_is_counted_is_what_du_counts(study):
    home = study.folder / "results/tiny/runs"
    (home / "link").symlink_to(study.folder / "workflow")
    number, size = count([home / "ce", home / "link"])
    counted = [path for path in (home / "ce").rglob("*") if path.is_file()]
    assert number == len(counted) + 1
    assert size == sum(path.stat().st_size for path in counted) + (home / "link").lstat().st_size


def test_nothing_is_removed_without_a_yes(study):
    before = files(study.folder)
    done = clean_study(study)
    assert done.returncode == 1
    assert "this is not an interactive terminal, so nothing was removed: add --yes" in done.stderr
    for answer, code, message in (("\n", 0, b"nothing was removed"), ("nope\n", 0, b"nothing was removed")):
        assert answered(study, answer) == (code, True)
        assert files(study.folder) == before, message
    assert answered(study, "y\n") == (0, False)
    assert not (study.folder / "results/tiny").exists()


def answered(study, answer):
    """Exit code of the command on a terminal where somebody types an answer, and whether it prints that it removed nothing."""
    main, side = pty.openpty()
    job = subprocess.Popen(
        [sys.executable, *COMMAND[1:], "--study", "tiny"], cwd=study.folder, stdin=side, stdout=subprocess.PIPE, text=True
    )
    os.close(side)
    os.write(main, answer.encode())
    output, _ = job.communicate(timeout=60)
    os.close(main)
    assert "remove this for good? [y/N]" in output
    return job.returncode, "nothing was removed" in output


def test_nothing_is_removed_while_a_job_runs(study):
    before, home = files(study.folder), study.folder / "results/tiny"
    with only_one(home / "checkpoints/dfl/seed1.safetensors"):
        done = clean_study(study, "--yes")
    assert (done.returncode, "a job is running in results/tiny: it holds results/tiny/checkpoints/dfl/.seed1.lock" in done.stderr) == (
        1,
        True,
    )
    locks = study.folder / ".snakemake/locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.output.lock").write_text("results/tiny/report.html\n")
    done = clean_study(study, "--yes")
    assert (done.returncode, "snakemake is running in results/tiny" in done.stderr) == (1, True)
    shutil.rmtree(locks)
    log = (home / "logs/train/dfl.seed1.log").read_text()
    (home / "logs/train/dfl.seed1.log").write_text(LOG)
    done = clean_study(study, "--yes")
    assert (done.returncode, "running on another machine" in done.stderr) == (1, True)
    (home / "logs/train/dfl.seed1.log").write_text(log)
    assert files(study.folder) == before


def test_nothing_outside_the_study_is_removed(study, tmp_path):
    shutil.move(study.folder / "results/tiny/runs/dfl", tmp_path / "big_disk")
    (study.folder / "results/tiny/runs/dfl").symlink_to(tmp_path / "big_disk")
    study.edit("tiny.yaml", "seeds: [0, 1]", "seeds: [1]")
    before = files(study.folder), files(tmp_path / "big_disk")
    done = clean_study(study, "--leftovers", "--yes")
    assert done.returncode == 1
    assert f"results/tiny/runs/dfl/seed0 is really at {tmp_path}/big_disk/seed0: remove it there yourself" in done.stderr
    assert (files(study.folder), files(tmp_path / "big_disk")) == before


@pytest.mark.parametrize("part", ["", "/runs", "/runs/dfl", "/search"])
def test_a_study_that_lies_elsewhere_is_shown_but_not_removed(study, tmp_path, part):
    shutil.move(study.folder / f"results/tiny{part}", tmp_path / "big_disk")
    (study.folder / f"results/tiny{part}").symlink_to(tmp_path / "big_disk")
    before = files(study.folder), files(tmp_path / "big_disk")
    assert "dfl" in study.run(*COMMAND[:2], "runs", "--study", "tiny").stdout
    done = clean_study(study, "--yes")
    assert done.returncode == 1
    assert f" is really at {tmp_path}/big_disk" in done.stderr
    assert "removed" not in done.stdout
    assert (files(study.folder), files(tmp_path / "big_disk")) == before


def test_what_is_no_study_stays(study):
    (study.folder / "results/README.md").write_text("x")
    before = files(study.folder)
    for name in ("..", ".", "", "/tmp", "tiny/..", "tiny/runs", "nope", "README.md", "$(id)"):
        done = study.run(*COMMAND, "--study", name, "--yes", check=False)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), name
        assert files(study.folder) == before, name


@pytest.mark.parametrize(("by_make", "advice"), [(True, "add --yes (with make: YES=1) to remove it"), (False, "add --yes to remove it")])
def test_without_a_terminal_the_option_of_this_folder_is_named(tmp_path, monkeypatch, by_make, advice):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    monkeypatch.setattr(find, "by_make", lambda: by_make)
    (tmp_path / "mine").mkdir()
    with pytest.raises(UserError) as error:
        clean.clean_study(tmp_path / "mine")
    assert str(error.value) == f"this is not an interactive terminal, so nothing was removed: {advice}"
    assert (tmp_path / "mine").exists()


def test_make_requires_a_name(study):
    done = study.run("make", "--silent", "--old-file=setup", "clean-study", check=False)
    assert done.returncode != 0
    assert "say which study: make clean-study STUDY=name" in done.stderr
    study.run("make", "--silent", "--old-file=setup", "clean-study", "STUDY=tiny", "YES=1")
    assert not (study.folder / "results/tiny").exists()
