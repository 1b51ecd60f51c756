"""Whatever moment a study is disturbed at, the README's commands end it with the results of an undisturbed one."""

import os
import shutil
import signal
import sys
import time
from contextlib import suppress

from faults import COMMAND, LAST_METRICS, LAST_RUN, Study, tries

ADOPT, KEEP = (("python", "workflow/scripts/study.py", command, "--configfile=tiny.yaml") for command in ("adopt", "keep"))


@tries("SIGKILL of Snakemake with its jobs", daily=0)  # a power cut begins with it
def test_killed_with_its_jobs(undisturbed, attempt, tmp_path):
    study = undisturbed.start(tmp_path)
    with study.started() as running:
        undisturbed.wait(running, attempt.share)
        running.send_all(signal.SIGKILL)
    study.unlock()
    study.finish()
    undisturbed.assert_same(study)


@tries("SIGKILL of Snakemake alone, and the command again while its jobs live on", daily=1)
def test_killed_alone(undisturbed, attempt, tmp_path):
    study = undisturbed.start(tmp_path)
    with study.started() as running:
        undisturbed.wait(running, attempt.share)
        running.send(signal.SIGKILL)
        study.unlock()
        study.finish()
        running.wait_for_orphans()
    undisturbed.assert_same(study)


@tries("Adoption over results of any stage, from runs in part damaged, killed by SIGKILL", full=40, daily=0)
def test_adoption(undisturbed, attempt, tmp_path):
    study = undisturbed.start(tmp_path / "study")
    with study.started() as running:
        undisturbed.wait(running, attempt.share)
        running.send_all(signal.SIGKILL)
    study.unlock()
    source = shutil.copytree(undisturbed.study.folder / "results/tiny/runs", tmp_path / "source")
    files = sorted(path for path in source.rglob("*") if path.is_file())
    for path in attempt.random.sample(files, attempt.random.randint(0, 3)):
        content = path.read_bytes()
        path.write_bytes(content[: attempt.random.randrange(len(content))])
    with study.at_work(*ADOPT, f"--runs={source}") as adopting:
        adopting.wait(attempt.random.uniform(0, 3))
        adopting.send_all(signal.SIGKILL)
    again = study.run(*ADOPT, f"--runs={source}", check=False)  # refused while the study has no recipe, or where no run is intact
    assert again.stderr.count("\n") == (again.returncode != 0), again.stderr
    study.finish()
    undisturbed.assert_same(study, marked=True)


@tries("Commands and edits that are refused while the study is at work", daily=0)
def test_refusals(undisturbed, attempt, tmp_path):
    """What is refused changes nothing; without the edit the command that was refused ends as ever."""
    study = undisturbed.start(tmp_path)
    loss, config = study.folder / "workflow/scripts/hardpair/losses/focal.py", study.folder / "tiny.yaml"
    runs = undisturbed.study.folder / "results/tiny/runs"
    with study.started() as running:
        undisturbed.wait(running, attempt.share)
        kind = ("code", "config", "adopt", "keep")[attempt.number % 4]
        edited = {"code": loss, "config": config}.get(kind)
        if edited:
            text = edited.read_text()
            edited.write_text(text + {"code": "\nEDITED = True\n", "config": "\nseed: [0]\n"}[kind])
        command = {"adopt": (*ADOPT, f"--runs={runs}"), "keep": KEEP}.get(kind, COMMAND)
        refused = study.run(*command, check=False)
        running.wait()
        if edited:
            edited.write_text(text)
        assert "Traceback" not in refused.stdout + refused.stderr + running.output_text()
    study.finish()
    undisturbed.assert_same(study, marked=True)


@tries("Ctrl-C", full=10, daily=0)
def test_interrupted(undisturbed, attempt, tmp_path):
    study = undisturbed.start(tmp_path)
    with study.started() as running:
        undisturbed.wait(running, attempt.share)
        for _ in range(attempt.number % 3 + 1):  # a person presses it again
            running.send_all(signal.SIGINT)
            time.sleep(attempt.random.random() / 5)
        running.wait()
        assert "Traceback" not in running.output_text().partition("study tiny: ")[2]  # before its plan, Snakemake is interrupted as it is
        study.finish()
        running.wait_for_orphans()
    undisturbed.assert_same(study)


@tries("A second Snakemake on the same study", full=10, daily=0)
def test_a_second_snakemake(undisturbed, attempt, tmp_path):
    study = undisturbed.start(tmp_path)
    locks = study.folder / ".snakemake/locks"
    with study.started() as first:
        while first.process.poll() is None and not (locks.exists() and os.listdir(locks)):
            time.sleep(0.01)
        undisturbed.wait(first, attempt.share)
        second = study.finish(check=False)
        assert first.wait() == 0, first.output_text()
    if second.returncode != 0:
        assert second.stdout.count("Error: Directory cannot be locked.") == 1
        assert "Traceback" not in second.stdout
    else:
        assert "Nothing to be done" in second.stdout
    undisturbed.assert_same(study)


@tries("Files dated in the future", full=10, daily=0)
def test_files_of_the_future(undisturbed, attempt, tmp_path):
    study, draw = undisturbed.study.copy(tmp_path), attempt.random
    study.undo(*[[LAST_RUN, LAST_METRICS], [LAST_METRICS]][attempt.number % 2])
    now = time.time()
    files = [path for folder in ("results", "resources") for path in sorted((study.folder / folder).rglob("*")) if path.is_file()]
    for path in draw.sample(files, draw.randint(1, len(files))):
        moment = now + 10 ** draw.uniform(3, 8.5)  # a quarter of an hour to ten years
        os.utime(path, (moment, moment))
    study.finish()
    undisturbed.assert_same(study)
    assert "Nothing to be done" in study.finish().stdout


@tries("Clock set back during the study", daily=0)
def test_a_clock_set_back(undisturbed, attempt, tmp_path):
    """For a file it is the same whether the clock goes back or its time goes forward."""
    study = undisturbed.start(tmp_path)
    with study.started() as running:
        undisturbed.wait(running, attempt.share)
        ahead = attempt.random.uniform(60, 7200)
        for path in sorted(path for folder in ("results", "resources") for path in (study.folder / folder).rglob("*") if path.is_file()):
            with suppress(FileNotFoundError):
                moment = path.stat().st_mtime + ahead
                os.utime(path, (moment, moment))
        running.wait()
    study.finish()
    undisturbed.assert_same(study)


@tries("Results copied without .snakemake, cut short by SIGKILL before", full=10, daily=0)
def test_copied_without_snakemakes_memory(undisturbed, attempt, tmp_path):
    study = undisturbed.start(tmp_path / "study")
    with study.started() as running:
        undisturbed.wait(running, attempt.share)
    copied = Study.fresh(tmp_path / "copied", study.folder)
    copy = [shutil.copy2, shutil.copyfile][attempt.number % 2]  # with times, and without
    for folder in ("results", "resources"):
        if (study.folder / folder).exists():
            shutil.copytree(study.folder / folder, copied.folder / folder, copy_function=copy)
    copied.finish()
    undisturbed.assert_same(copied)


def test_results_copied_without_their_times_are_taken_as_they_are(undisturbed, tmp_path):
    copied = Study.fresh(tmp_path, undisturbed.study.folder)
    for folder in ("results", "resources"):
        shutil.copytree(undisturbed.study.folder / folder, tmp_path / folder, copy_function=shutil.copyfile)
    assert "Nothing to be done" in copied.finish().stdout
    undisturbed.assert_same(copied)


def test_jobs_that_had_written_all_files_when_snakemake_was_killed_are_done(undisturbed, tmp_path):
    """Before it has noted so, Snakemake counts their files as incomplete."""
    study = undisturbed.study.copy(tmp_path / "study")
    study.undo(LAST_RUN, LAST_METRICS)
    programs, number = tmp_path / "bin", tmp_path / "number"
    programs.mkdir()
    python = programs / "python"
    python.write_text(f'#!/bin/bash\n{sys.executable} "$@"\nend=$?\ncase $1 in */train.py) kill -KILL $(< {number}) ;; esac\nexit $end\n')
    python.chmod(0o755)
    with study.at_work("bash", "-c", f'echo $$ > {number}; PATH={programs}:$PATH exec "$@"', "bash", *COMMAND) as running:
        assert running.wait() == -signal.SIGKILL, running.output_text()
    assert any(path.is_file() for path in (study.folder / ".snakemake/incomplete").rglob("*"))
    study.unlock()
    record = study.folder / "results/tiny" / LAST_RUN
    before = record.stat().st_mtime_ns
    assert not {job for job in study.stale() if job.startswith("Train")}
    study.finish()
    assert record.stat().st_mtime_ns == before
    undisturbed.assert_same(study)


def test_a_checkpoint_of_a_finished_trial_is_removed(undisturbed, tmp_path):
    study = undisturbed.study.copy(tmp_path)
    checkpoint, recipe = tmp_path / "results/tiny/checkpoints/search/trial0.ce.seed0.safetensors", "results/tiny/search/recipe.yaml"
    checkpoint.write_bytes(b"left")
    study.snakemake("--config", "search={enabled: false}", "--", recipe)
    assert checkpoint.exists(), "the search may go on later"
    study.snakemake("--", recipe)
    undisturbed.assert_same(study)
