import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hardpair.errors import UserError
from hardpair.files import own_folder
from hardpair.jobs import gpu

SCRIPTS = Path(gpu.__file__).parents[2]


@pytest.fixture
def two_gpus(tmp_path, monkeypatch):
    """Devices 7 and 8, as far as a job can tell, and locks of this test's own."""
    for variable in gpu.JOB_IDS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7,8")
    monkeypatch.setattr(own_folder, "TEMPORARY", tmp_path)
    monkeypatch.setattr(gpu, "present", lambda: True)
    monkeypatch.setattr(gpu, "_held", [])
    yield monkeypatch
    for lock in gpu._held:
        lock.release()


@pytest.mark.parametrize(
    ("visible", "expected"),
    [("", []), ("-1", []), ("0", ["0"]), ("3, 1", ["3", "1"]), ("GPU-a/b,", ["GPU-a/b"]), ("1,-1,0", ["1"]), ("2,2", ["2"])],
)
def test_devices_are_those_that_the_process_may_see(two_gpus, visible, expected):
    two_gpus.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu.devices() == expected


def test_devices_are_counted_where_none_are_named(two_gpus, tmp_path):
    two_gpus.delenv("CUDA_VISIBLE_DEVICES")
    two_gpus.setattr(gpu, "DEV", tmp_path)
    assert gpu.devices() == []
    (tmp_path / "dxg").touch()
    two_gpus.setattr(gpu, "CUDA_IN_WINDOWS", tmp_path / "libcuda")
    assert gpu.devices() == []
    (tmp_path / "libcuda").touch()
    assert gpu.devices() == ["0"]
    for name in ("nvidia1", "nvidia3", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert gpu.devices() == ["0", "1"]  # as torch counts those that it can see


@pytest.mark.parametrize(
    ("amd", "variables", "expected", "others"),
    [
        (True, {"HIP_VISIBLE_DEVICES": "2,3", "CUDA_VISIBLE_DEVICES": "0"}, "2", {"HIP_VISIBLE_DEVICES": "2"}),
        (True, {"CUDA_VISIBLE_DEVICES": "1,2"}, "1", {"HIP_VISIBLE_DEVICES": "1"}),
        (False, {"HIP_VISIBLE_DEVICES": "2,3", "CUDA_VISIBLE_DEVICES": "0"}, "0", {"HIP_VISIBLE_DEVICES": "2,3"}),
    ],
)
def test_amd_s_own_variable_goes_first_where_there_is_an_amd_gpu(two_gpus, tmp_path, amd, variables, expected, others):
    two_gpus.setattr(gpu, "DEV", tmp_path)
    if amd:
        (tmp_path / "kfd").touch()
    two_gpus.delenv("CUDA_VISIBLE_DEVICES")
    two_gpus.setenv("HIP_VISIBLE_DEVICES", "to be restored")
    two_gpus.delenv("HIP_VISIBLE_DEVICES")
    for name, value in variables.items():
        two_gpus.setenv(name, value)
    assert gpu.take_gpu(1) == expected
    assert os.environ["CUDA_VISIBLE_DEVICES"] == expected
    assert {name: os.environ.get(name) for name in others} == others


def test_without_devices_nothing_is_chosen(two_gpus, tmp_path):
    assert gpu.take_gpu(0) is None
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7,8"
    two_gpus.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu.take_gpu(1) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("visible", ["0", "NoDevFiles", "void", "GPU-5fd4f087"])
def test_jobs_on_a_machine_without_a_gpu_do_not_wait_for_one_another(two_gpus, tmp_path, visible):
    two_gpus.undo()
    two_gpus.setattr(own_folder, "TEMPORARY", tmp_path)
    two_gpus.setattr(gpu, "DEV", tmp_path)
    two_gpus.setattr(gpu, "_held", held := [])
    two_gpus.setattr(gpu.time, "sleep", lambda seconds: pytest.fail("it waits"))
    two_gpus.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [gpu.take_gpu(1) for _ in range(3)] == [visible, None, None]
    (tmp_path / "nvidia0").touch()
    with pytest.raises(pytest.fail.Exception, match="it waits"):
        gpu.take_gpu(1)
    for lock in held:
        lock.release()


@pytest.mark.parametrize(
    ("names", "present"),
    [
        ([], False),
        (["nvidiactl", "nvidia-uvm", "null"], False),
        (["dxg"], False),
        (["dxg", "libcuda"], True),
        *(([name], True) for name in ("nvidia0", "nvidia12", "kfd", "nvmap")),
    ],
)
def test_a_gpu_is_there_where_its_device_file_is(two_gpus, tmp_path, names, present):
    two_gpus.undo()
    two_gpus.setattr(gpu, "DEV", tmp_path)
    two_gpus.setattr(gpu, "CUDA_IN_WINDOWS", tmp_path / "libcuda")
    for name in names:
        (tmp_path / name).touch()
    assert gpu.present() == present


@pytest.mark.parametrize("variable", gpu.JOB_IDS)
def test_what_a_scheduler_gave_to_its_job_is_shared_out_within_that_job(two_gpus, variable):
    def device_of(job):
        two_gpus.setenv("CUDA_VISIBLE_DEVICES", "0")
        two_gpus.setenv(variable, job)
        return gpu.take_gpu(1)

    two_gpus.setattr(gpu.time, "sleep", lambda seconds: pytest.fail("it waits"))
    assert [device_of("11"), device_of("12.pbs/1")] == ["0", "0"]  # the first device of each job
    with pytest.raises(pytest.fail.Exception, match="it waits"):
        device_of("11")


def test_a_device_that_a_scheduler_did_not_name_is_the_machine_s(two_gpus, tmp_path):
    two_gpus.setattr(gpu, "DEV", tmp_path)
    for name in ("nvidia0", "nvidia1"):
        (tmp_path / name).touch()
    devices = []
    for job in ("11", "12"):
        two_gpus.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        two_gpus.setenv("SLURM_JOB_ID", job)
        devices.append(gpu.take_gpu(1))
    assert devices == ["0", "1"]


def test_a_lock_folder_of_somebody_else_is_refused(two_gpus, tmp_path):
    (tmp_path / "theirs").mkdir()
    place = tmp_path / f"hardpair-gpu-{os.getuid()}"
    for occupy in (lambda: place.symlink_to(tmp_path / "theirs"), place.touch):
        occupy()
        with pytest.raises(UserError, match="is a link, a file or another user's folder, so GPUs cannot be assigned: ask its owner"):
            gpu.take_gpu(1)
        place.unlink()


def test_a_job_that_finds_no_free_device_says_so_once_and_waits(two_gpus, capsys):
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        assert len(waits) <= 4, "it does not see that a device became free"
        if len(waits) == 4:
            gpu._held[1].release()

    two_gpus.setattr(gpu.time, "sleep", sleep)
    assert gpu.take_gpu(1, who="dfl with seed 3") == "7"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"
    two_gpus.setenv("CUDA_VISIBLE_DEVICES", "7,8")
    assert gpu.take_gpu(1) == "8"
    two_gpus.setenv("CUDA_VISIBLE_DEVICES", "7,8")
    assert waits == []
    assert capsys.readouterr().err == ""
    assert gpu.take_gpu(1, poll_seconds=0.5) == "8"
    assert waits == [0.5] * 4
    me = f"process {os.getpid()}"
    assert capsys.readouterr().err == f"waiting for a free GPU: in use are 7 by {me}, dfl with seed 3; 8 by {me}\n"


JOB = """
import os, sys
from pathlib import Path
from hardpair.files import own_folder
from hardpair.jobs import gpu
own_folder.TEMPORARY, gpu.present = Path(sys.argv[1]), lambda: True
print(gpu.take_gpu(1, poll_seconds=0.01), os.environ["CUDA_VISIBLE_DEVICES"], "torch" in sys.modules, flush=True)
sys.stdin.read()
"""


def test_processes_hold_different_devices_and_a_killed_one_frees_its_own(two_gpus, tmp_path):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    jobs = []

    def start():
        jobs.append(subprocess.Popen([sys.executable, "-c", JOB, str(tmp_path)], cwd=SCRIPTS, text=True, **pipes))
        return jobs[-1]

    watchdog = threading.Timer(60, lambda: [job.kill() for job in jobs])  # a failure must not wait for ever
    watchdog.start()
    try:
        first, second = start(), start()
        lines = [job.stdout.readline() for job in (first, second)]
        assert sorted(lines) == ["7 7 False\n", "8 8 False\n"]
        third = start()
        holders = [f"{line[0]} by process {job.pid}" for line, job in zip(lines, (first, second), strict=True)]
        assert third.stderr.readline() == f"waiting for a free GPU: in use are {'; '.join(sorted(holders))}\n"
        first.send_signal(signal.SIGKILL)
        assert third.stdout.readline() == lines[0]
        assert third.communicate("")[1] == "", "it printed more than once that it waits"
        assert second.poll() is None
    finally:
        watchdog.cancel()
        for job in jobs:
            job.kill()
            job.communicate()


STORM = """
rule all:
    input:
        expand("done/{n}", n=range(20)),


rule job:
    output:
        "done/{n}",
    retries: 9
    resources:
        gpu=1,
    shell:
        "python job.py {wildcards.n} > {output}"
"""

# Whoever holds a device also holds a lock of another sort on its marker. At an end without farewell the kernel closes files in the order
# in which they were opened, the marker's first.
STORM_JOB = """
import fcntl, os, random, signal, sys, time
from pathlib import Path
from hardpair.files import own_folder
from hardpair.jobs import gpu

shared = own_folder.TEMPORARY = Path.cwd().parent
gpu.present = lambda: True
markers = {name: open(shared / f"marker {name.replace('/', '_')}", "a") for name in gpu.devices()}
tries = Path(f"tries {sys.argv[1]}")
with open(tries, "a") as file:
    print(file=file)
attempt = len(tries.read_text())
dice = random.Random(f"{Path.cwd().name} {sys.argv[1]} {attempt}")


def perhaps_die():
    if attempt < 4 and dice.random() < 0.3:
        os.kill(os.getpid(), signal.SIGKILL)


perhaps_die()
device = gpu.take_gpu(1, poll_seconds=0.01)
try:
    fcntl.lockf(markers[device], fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    (shared / "held twice").touch()
time.sleep(dice.uniform(0, 0.1))
perhaps_die()
print(device, flush=True)
os._exit(0)
"""


def test_no_device_is_held_twice_or_lost_among_forty_jobs_of_two_workflows_that_are_killed_at_random(two_gpus, tmp_path):
    names = ["0", "GPU-5fd4f087", "MIG-GPU-5fd4f087/1/0", "3"]
    two_gpus.setenv("CUDA_VISIBLE_DEVICES", ",".join(names))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(SCRIPTS)}
    command = ["snakemake", "--cores", "4", "--resources", "gpu=4", "--quiet", "all"]
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        (folder / "Snakefile").write_text(STORM)
        (folder / "job.py").write_text(STORM_JOB)
    pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    workflows = [subprocess.Popen(command, cwd=folder, env=environment, text=True, **pipes) for folder in folders]
    errors = [workflow.communicate()[1] for workflow in workflows]
    assert [workflow.returncode for workflow in workflows] == [0, 0], errors
    used = [(folder / "done" / str(number)).read_text().strip() for folder in folders for number in range(20)]
    assert set(used) <= set(names)
    tries = [len((folder / f"tries {number}").read_text()) for folder in folders for number in range(20)]
    assert sum(tries) > 60, "at least twenty were killed"
    assert not (tmp_path / "held twice").exists()
    two_gpus.setattr(gpu.time, "sleep", lambda seconds: pytest.fail("a device is lost"))
    devices = []
    for _ in names:
        two_gpus.setenv("CUDA_VISIBLE_DEVICES", ",".join(names))
        devices.append(gpu.take_gpu(1))
    assert devices == names
