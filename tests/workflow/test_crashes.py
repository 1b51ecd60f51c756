"""Whatever moment a study is disturbed at, the README's commands end it with the results of an undisturbed one."""

import os
import shutil
import signal
import time

from faults import LAST_METRICS, LAST_RUN, Study, tries


@tries("SIGKILL of Snakemake with its jobs", daily=1)
def test_killed_with_its_jobs(undisturbed, attempt, tmp_path):
    study, seconds = undisturbed.start(tmp_path)
    with study.started() as running:
        running.wait(attempt.share * seconds)
        running.send_all(signal.SIGKILL)
    study.unlock()
    study.finish()
    undisturbed.assert_same(study)


@tries("SIGKILL of Snakemake alone, and the command again while its jobs live on", daily=1)
def test_killed_alone(undisturbed, attempt, tmp_path):
    study, seconds = undisturbed.start(tmp_path)
    with study.started() as running:
        running.wait(attempt.share * seconds)
        running.send(signal.SIGKILL)
        study.unlock()
        study.finish()
        running.wait_for_orphans()
    undisturbed.assert_same(study)


@tries("Ctrl-C", full=10, daily=1)
def test_interrupted(undisturbed, attempt, tmp_path):
    study, seconds = undisturbed.start(tmp_path)
    with study.started() as running:
        running.wait(attempt.share * seconds)
        running.send_all(signal.SIGINT)
        running.wait()
        study.finish()
        running.wait_for_orphans()
    undisturbed.assert_same(study)


@tries("A second Snakemake on the same study", full=10, daily=1)
def test_a_second_snakemake(undisturbed, attempt, tmp_path):
    study, seconds = undisturbed.start(tmp_path)
    locks = study.folder / ".snakemake/locks"
    with study.started() as first:
        while first.process.poll() is None and not (locks.exists() and os.listdir(locks)):
            time.sleep(0.01)
        first.wait(attempt.share * seconds)
        second = study.finish(check=False)
        assert first.wait() == 0, first.output_text()
    if second.returncode != 0:
        assert second.stdout.count("Error: Directory cannot be locked.") == 1
        assert "Traceback" not in second.stdout
    else:
        assert "Nothing to be done" in second.stdout
    undisturbed.assert_same(study)


@tries("Files dated in the future", full=10, daily=1)
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


@tries("Results copied without .snakemake, cut short by SIGKILL before", full=10, daily=1)
def test_copied_without_snakemakes_memory(undisturbed, attempt, tmp_path):
    study, seconds = undisturbed.start(tmp_path / "study")
    with study.started() as running:
        running.wait(attempt.share * seconds)
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
