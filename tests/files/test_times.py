"""Files of the future, since a clock was set back while a job was at work, are dated now when it ends."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hardpair.files import times
from hardpair.files.times import date_inputs, date_now
from prepared_data import prepare
from workspace import PROJECT


def test_inputs_of_the_future_are_dated_now_with_all_of_their_study(tmp_path, monkeypatch, capsys):
    """In their order, or the next start would take what is older for stale."""
    monkeypatch.chdir(tmp_path)
    now, files = (
        time.time(),
        [tmp_path / name for name in ("results/a/split.json", "results/a/runs/ce/run.json", "results/b/split.json", "mine")],
    )
    for place, path in enumerate(files):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (now + 900 + place,) * 2)
    date_inputs(["--split", "mine", "results/a/none", '{"settings": "results/a"}'])
    assert min(path.stat().st_mtime for path in files) > now + 800, "none of these is an input below results/"
    date_inputs(["--runs", "results/a/runs", "--seed", "3"])
    times = [path.stat().st_mtime_ns for path in files]
    assert times[0] < times[1] <= time.time_ns()
    assert min(times[2:]) > (now + 800) * 1e9, "another study and other files are not touched"
    assert capsys.readouterr().err.startswith("set the times of files dated in the future to now: 2 files, such as ")
    date_inputs(["--runs", "results/a/runs"])
    assert [path.stat().st_mtime_ns for path in files] == times


@pytest.mark.parametrize("command", [date_now, date_inputs], ids=["at the start", "at the end of a job"])
def test_what_another_job_writes_or_removes_meanwhile_is_not_of_the_future(tmp_path, monkeypatch, capsys, command):
    """Each file is written after the scan has begun, and looked at later."""
    monkeypatch.chdir(tmp_path)
    folder = Path("results/a")
    folder.mkdir(parents=True)
    for number in range(9):
        (folder / f"{number}.csv").touch()

    def at_work(inside):
        for entry in os.scandir(inside):
            if entry.name[0] in "147":
                os.unlink(entry)
            else:
                os.utime(entry, ns=(time.time_ns(),) * 2)
                written[entry.path] = os.stat(entry).st_mtime_ns
            yield entry

    written = {}
    monkeypatch.setattr(times, "entries", at_work)
    command([str(folder)])
    assert len(written) == 6
    assert {path: os.stat(path).st_mtime_ns for path in written} == written
    assert capsys.readouterr().err == ""


def test_a_job_leaves_no_input_that_is_newer_than_its_output(tmp_path):
    data = prepare(tmp_path / "resources/tiny", 20, 10)
    for path in data.rglob("*"):
        os.utime(path, (time.time() + 3600,) * 2)
    output = tmp_path / "results/a/split.json"
    command = [sys.executable, PROJECT / "workflow/scripts/split_data.py", "--data", "resources/tiny"]
    settings = '{"validation": 10, "training": null, "split": "stratified"}'
    subprocess.run([*command, "--settings", settings, "--output", output], cwd=tmp_path, check=True)
    output.touch()  # as Snakemake does
    assert max(path.stat().st_mtime_ns for path in data.rglob("*.*")) < output.stat().st_mtime_ns
