"""What a crash or a wrong clock left is put right."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hardpair.errors import UserError
from hardpair.files.atomic import atomic_write, owner
from hardpair.study.after_crash import refuse_files, refuse_unwritable, tidy


@pytest.fixture
def dead():
    """How a process that has ended wrote its files."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return owner().replace(str(os.getpid()), str(process.pid))


def test_half_written_files_of_dead_jobs_are_removed_and_all_else_stays(tmp_path, dead, capsys):
    (tmp_path / "runs/ce").mkdir(parents=True)
    (tmp_path / f"runs/.partial-{dead}-seed1/deeper").mkdir(parents=True)
    (tmp_path / f"runs/.partial-{dead}-seed1/deeper/a").write_text("a")
    left = tmp_path / f"runs/ce/.partial-{dead}-run.json"
    alive = owner().replace(str(os.getpid()), str(os.getppid()))
    kept = [  # of another machine nobody here knows what lives, until a day has passed
        tmp_path / "runs/ce" / name
        for name in ("run.json", f".partial-{alive}-run.json", ".partial-odd-run.json", f".partial-{dead}0x-run.json", ".seed0.lock")
    ]
    for path in (left, *kept):
        path.write_text("{")
    with atomic_write(tmp_path / "runs/mine.csv") as mine:
        mine.write_text("a,b\n")
        tidy([tmp_path / "runs", tmp_path / "none"])
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted([*kept, tmp_path / "runs/mine.csv"])
    assert not (tmp_path / f"runs/.partial-{dead}-seed1").exists()
    assert capsys.readouterr().err.startswith("removed unfinished files of killed jobs: 2 files, ")
    tidy([tmp_path])
    assert capsys.readouterr().err == ""


def test_neither_a_zombie_nor_a_later_process_of_the_same_number_is_the_writer(tmp_path):
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    files = {pid: tmp_path / f".partial-{owner().replace(str(os.getpid()), str(pid))}-run.json" for pid in (zombie.pid, os.getpid())}
    for path in files.values():
        path.touch()
    tidy([tmp_path])
    assert list(tmp_path.iterdir()) == [files[os.getpid()]]
    zombie.wait()
    long_ago = time.time() - 10**6
    os.utime(files[os.getpid()], (long_ago, long_ago))
    tidy([tmp_path])
    assert list(tmp_path.iterdir()) == []


def test_half_written_files_of_other_machines_are_removed_a_day_after_they_were_written_to_last(tmp_path):
    """A node of a cluster may never come back."""
    now, alive = time.time(), owner()
    ages = {  # hours since the last write: of a folder, since that of the last of its files
        ".partial-12.node7-run.json": 25,
        ".partial-13.node7-run.json": 23,
        "events/.partial-odd-a.csv": 25,
        ".partial-14.node7-seed0/a": 25,
        ".partial-15.node7-seed0/a/b": 23,
        f".partial-{alive}-run.json": 0,
        "run.json": 900,
    }
    for name in ages:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{")
    for path in tmp_path.rglob("*"):
        os.utime(path, (now - 3600 * ages.get(path.relative_to(tmp_path).as_posix(), 30),) * 2)
    tidy([tmp_path])
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {name for name, hours in ages.items() if hours != 25}
    assert not (tmp_path / ".partial-14.node7-seed0").exists()


def test_marks_of_other_machines_stay(tmp_path, dead):
    """A command may be at work for longer than a day."""
    for name in (".partial-12.node7-due-a", f".partial-{owner()}-due-b", f".partial-{dead}-due-c"):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - 900 * 3600,) * 2)
    tidy([], os.scandir(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {".partial-12.node7-due-a", f".partial-{owner()}-due-b"}


def test_files_of_the_future_are_dated_now_in_their_order(tmp_path, capsys):
    draw, now = random.Random(5), time.time()
    times = {tmp_path / str(number): now + draw.choice([-1, 1]) * 10 ** draw.uniform(2, 8) for number in range(40)}
    for path, moment in times.items():
        path.write_text("")
        os.utime(path, (moment, moment))
    before = {path: path.stat().st_mtime_ns for path in times}
    tidy([tmp_path])
    after = {path: path.stat().st_mtime_ns for path in times}
    assert max(after.values()) <= time.time_ns()
    assert sorted(times, key=after.get) == sorted(times, key=before.get)
    assert len(set(after.values())) == len(times)
    assert all(after[path] == before[path] for path in times if times[path] < now)
    future = sorted((path for path in times if times[path] > now), key=before.get)
    assert capsys.readouterr().err == f"set the times of files dated in the future to now: {len(future)} files, such as {future[0]}\n"


def test_a_folder_that_may_not_be_written_to_is_named(tmp_path, monkeypatch):
    """Whoever runs the tests, root or not."""
    monkeypatch.setattr(os, "access", lambda path, mode: bool(path.stat().st_mode & 0o200))
    (tmp_path / "runs/ce/seed0").mkdir(parents=True)
    folders = {tmp_path / "runs/ce/seed0", tmp_path / "runs/dfl/seed0", tmp_path / "new/deeper"}
    refuse_unwritable(folders)
    (tmp_path / "runs").chmod(0o555)
    with pytest.raises(UserError) as caught:
        refuse_unwritable(folders)
    assert str(caught.value) == f"{tmp_path}/runs is not writable: change its permissions, or work in a folder of your own"
    (tmp_path / "runs").chmod(0o755)


def test_a_file_in_the_place_of_a_folder_of_outputs_is_not_called_unwritable(tmp_path):
    (tmp_path / "figures").touch()
    with pytest.raises(UserError, match=r"/figures is not a folder, but files would be written into it: move or rename it$"):
        refuse_unwritable([tmp_path / "figures", tmp_path / "figures/more"])


@pytest.mark.parametrize("file", ["results", "results/a", "resources", "resources/images"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path, monkeypatch, file):
    monkeypatch.chdir(tmp_path)
    folders = Path("results/a"), Path("resources/images")
    refuse_files(*folders)
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).touch()
    with pytest.raises(UserError, match=f"^{file} is not a folder, but (results/a|resources/images) would be written: move or rename it$"):
        refuse_files(*folders)
    Path(file).unlink()
    for folder in folders:
        folder.mkdir(parents=True)
    refuse_files(*folders)
