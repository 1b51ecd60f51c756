import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from hardpair import lease

SCRIPTS = Path(lease.__file__).parents[1]


@pytest.fixture
def two_gpus(tmp_path, monkeypatch):
    """Devices 7 and 8, as far as a job can tell, and locks of this test's own."""
    for variable in lease.SCHEDULERS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7,8")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(lease, "_held", [])
    yield monkeypatch
    for lock in lease._held:
        lock.release()


@pytest.mark.parametrize(("visible", "expected"), [("", []), ("-1", []), ("0", ["0"]), ("3, 1", ["3", "1"]), ("GPU-a/b,", ["GPU-a/b"])])
def test_devices_are_those_that_the_process_may_see(two_gpus, visible, expected):
    two_gpus.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert lease.devices() == expected


def test_without_devices_or_with_a_scheduler_nothing_is_chosen(two_gpus, tmp_path):
    assert lease.take_gpu(0) is None
    for variable in lease.SCHEDULERS:
        two_gpus.setenv(variable, "1")
        assert lease.take_gpu(1) is None
        two_gpus.delenv(variable)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7,8"
    two_gpus.setenv("CUDA_VISIBLE_DEVICES", "")
    assert lease.take_gpu(1) is None
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_finds_no_free_device_says_so_once_and_waits(two_gpus, capsys):
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        assert len(waits) <= 4, "it does not see that a device became free"
        if len(waits) == 4:
            lease._held[1].release()

    two_gpus.setattr(lease.time, "sleep", sleep)
    assert lease.take_gpu(1) == "7"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"
    two_gpus.setenv("CUDA_VISIBLE_DEVICES", "7,8")
    assert lease.take_gpu(1) == "8"
    two_gpus.setenv("CUDA_VISIBLE_DEVICES", "7,8")
    assert waits == []
    assert capsys.readouterr().err == ""
    assert lease.take_gpu(1, poll_seconds=0.5) == "8"
    assert waits == [0.5] * 4
    assert capsys.readouterr().err == "waiting for a free GPU: other jobs hold 7, 8\n"


JOB = """
import os, sys
from hardpair.lease import take_gpu
print(take_gpu(1, poll_seconds=0.01), os.environ["CUDA_VISIBLE_DEVICES"], "torch" in sys.modules, flush=True)
sys.stdin.read()
"""


def test_processes_hold_different_devices_and_a_killed_one_frees_its_own(two_gpus, tmp_path):
    environment = dict(os.environ) | {"TMPDIR": str(tmp_path)}
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    jobs = []

    def start():
        jobs.append(subprocess.Popen([sys.executable, "-c", JOB], cwd=SCRIPTS, env=environment, text=True, **pipes))
        return jobs[-1]

    watchdog = threading.Timer(60, lambda: [job.kill() for job in jobs])  # a failure must not wait for ever
    watchdog.start()
    try:
        first, second = start(), start()
        held = [job.stdout.readline() for job in (first, second)]
        assert sorted(held) == ["7 7 False\n", "8 8 False\n"]
        third = start()
        assert third.stderr.readline() == "waiting for a free GPU: other jobs hold 7, 8\n"
        first.send_signal(signal.SIGKILL)
        assert third.stdout.readline() == held[0]
        assert third.communicate("")[1] == "", "it said more than once that it waits"
        assert second.poll() is None
    finally:
        watchdog.cancel()
        for job in jobs:
            job.kill()
            job.communicate()
