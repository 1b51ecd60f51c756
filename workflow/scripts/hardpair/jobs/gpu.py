"""The GPU that a job holds while it lives: a lock that the kernel frees when the job ends, however it ends.

Snakemake only counts GPUs and assigns none. Imports no torch, since the choice must be made before torch looks at the devices.
"""

import itertools
import os
import sys
import time
from pathlib import Path

from filelock import FileLock, Timeout

from hardpair.errors import UserError, say
from hardpair.files.own_folder import own_folder

AFFECTS_RESULTS = False

# Within one job of a scheduler its devices may be counted from 0, as those of its other jobs on the same node are.
JOB_IDS = ("SLURM_JOB_ID", "SLURM_STEP_ID", "PBS_JOBID", "LSB_JOBID", "LSB_JOBINDEX")
DEV = Path("/dev")
CUDA_IN_WINDOWS = Path("/usr/lib/wsl/lib/libcuda.so.1")  # of its driver for NVIDIA's GPUs; /dev/dxg is there for those of others too

_held: list[FileLock] = []  # for the life of the process


def devices() -> list[str]:
    """Names of the GPUs that this process may see, as CUDA_VISIBLE_DEVICES takes them (index, UUID or MIG name); empty without any."""
    if (visible := next((os.environ[name] for name in _variables() if name in os.environ), None)) is not None:
        names = (name.strip() for name in visible.split(","))
        # CUDA itself sees none from the first that it cannot read.
        return list(dict.fromkeys(itertools.takewhile(lambda name: name not in ("", "-1"), names)))
    if devices := list(DEV.glob("nvidia[0-9]*")):
        return [str(index) for index in range(len(devices))]
    return ["0"] if _within_windows() else []


def _variables() -> list[str]:
    """Variables that say which GPUs a process sees, the strongest first; AMD's runtime reads two."""
    return [*(["HIP_VISIBLE_DEVICES"] if (DEV / "kfd").exists() else []), "CUDA_VISIBLE_DEVICES"]


def present() -> bool:
    """Whether this machine has a GPU at all, whatever CUDA_VISIBLE_DEVICES names: of NVIDIA (also within Windows, also Jetson) or AMD."""
    return any(DEV.glob("nvidia[0-9]*")) or any((DEV / name).exists() for name in ("nvmap", "kfd")) or _within_windows()


def _within_windows() -> bool:
    """Whether this is Linux within Windows, with a GPU that CUDA can use."""
    return (DEV / "dxg").exists() and CUDA_IN_WINDOWS.exists()


def take_gpu(gpus: int, jobs_per_gpu: int = 1, who: str = "", poll_seconds: float = 1.0) -> str | None:
    """Wait for a free GPU, hold it for the life of this process, and make it the only one that torch will see.

    Devices that a scheduler gave to its job are shared within that job alone. On a machine without a GPU no job waits for another.

    Args:
        gpus: how many the job was given; 0 means that it computes on the CPU.
        jobs_per_gpu: how many such jobs may share a GPU; they spread over the GPUs first.
        who: description of this process, for the logs of jobs that wait.

    Returns:
        The device's name, or None where there is nothing to choose or to wait for.

    Raises:
        UserError: the folder of the locks is not this user's.
    """
    names = devices()
    if gpus < 1 or not names:
        return None
    start, holders = f"{_locks()}/{_scope()}", []
    places = [(name, f"{start}{name.replace('/', '_')}.{place}") for place in range(jobs_per_gpu) for name in names]
    while True:
        for name, place in places:
            lock = FileLock(f"{place}.lock", timeout=0)
            try:
                lock.acquire()
            except Timeout:
                continue
            _held.append(lock)
            Path(f"{place}.holder").write_text(f"process {os.getpid()}{who and f', {who}'}", encoding="utf-8")
            os.environ |= dict.fromkeys(_variables(), name)
            return name
        if not present():
            return None
        if not holders:
            holders = [f"{name} by {_holder(place)}" for name, place in places]
            say(f"waiting for a free GPU: in use are {'; '.join(holders)}", file=sys.stderr)
        time.sleep(poll_seconds)


def give_back() -> None:
    """Let other jobs have what this process holds."""
    while _held:
        _held.pop().release()


def _locks() -> Path:
    """The folder of this user's locks on this machine."""
    try:
        return own_folder("gpu")
    except FileExistsError as error:
        raise UserError(f"{error}, so GPUs cannot be assigned: ask its owner to remove it") from None


def _scope() -> str:
    """Start of the names of locks: a device that a scheduler gave to a job is another than the one of that name in its next job."""
    jobs = [os.environ[name] for name in JOB_IDS if name in os.environ] if any(map(os.environ.__contains__, _variables())) else []
    return "".join(f"{job.replace('/', '_')}." for job in jobs)


def _holder(place: str) -> str:
    """The process that holds a place, as it describes itself."""
    try:
        return Path(f"{place}.holder").read_text(encoding="utf-8")
    except OSError:
        return "a process that is just starting"
