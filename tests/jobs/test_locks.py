"""Locks that are looked at without being taken."""

import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from hardpair.jobs import locks
from hardpair.jobs.locks import only_one
from workspace import PROJECT


@pytest.fixture(params=["table", "asked"])
def way(request, monkeypatch):
    """Both ways to know: the kernel's table, and asking where there is none."""
    if request.param == "asked":
        monkeypatch.setattr(locks.Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(FileNotFoundError()))
    elif not Path("/proc/locks").exists():
        pytest.skip("this system has no /proc/locks")


def test_a_run_that_is_worked_on_is_seen_and_no_other(tmp_path, way):
    paths = [tmp_path / f"checkpoints/dfl/.seed{seed}.lock" for seed in range(3)]
    with only_one(tmp_path / "checkpoints/dfl/seed1.safetensors"), only_one(tmp_path / "checkpoints/dfl/seed2.safetensors"):
        assert locks.held(paths) == set(paths[1:])
    assert locks.held(paths) == set()


def test_looking_takes_no_lock_and_writes_nothing(tmp_path, monkeypatch):
    path = tmp_path / "x.lock"
    path.touch()
    before = path.stat()
    monkeypatch.setattr(fcntl, "flock", lambda *_: pytest.fail("it tried to lock"))
    assert locks.held([path, tmp_path / "missing"]) == set()
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (before.st_mtime_ns, 0)
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_job_that_starts_while_it_is_looked_at_never_waits(tmp_path):
    path, end = tmp_path / "x.lock", threading.Event()
    path.touch()

    def look():
        while not end.is_set():
            locks.held([path])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(50):
            with FileLock(path, timeout=0):
                pass
    finally:
        end.set()
        thread.join()


def test_snakemake_is_at_work_on_the_study_whose_files_it_locked(tmp_path):
    (tmp_path / "locks").mkdir()
    study = Path("results/mine")
    assert not locks.snakemake_running(study, tmp_path / "locks")
    (tmp_path / "locks/0.output.lock").write_text("results/mine2/runs/a\nresults/other/report.html\n")
    assert not locks.snakemake_running(study, tmp_path / "locks")
    for line in ("results/mine/report.html", str(Path.cwd() / "results/mine/report.html")):
        (tmp_path / "locks/1.input.lock").write_text(f"resources/x\n{line}\n")
        assert locks.snakemake_running(study, tmp_path / "locks")


def test_more_locks_are_held_than_a_process_may_open_files_by_default(tmp_path):
    code = f"""
import resource, sys
from pathlib import Path
from hardpair.jobs import locks
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
locks.allow_many()
held = [locks.take(Path({str(tmp_path)!r}, str(number)), "taken") for number in range(200)]
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT / "workflow/scripts", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
