"""What a job holds for its own while it lives: its run, and a GPU. Both are locks that the kernel frees when the job ends, however it ends.

Snakemake only counts GPUs, it hands out none. Imports no torch, since the choice must be made before torch looks at the devices.
"""

import contextlib
import itertools
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from hardpair.errors import UserError
from hardpair.files.paths import lock_of

# Within one job of a scheduler its devices may be counted from 0, as those of its other jobs on the same node are.
JOB_IDS = ("SLURM_JOB_ID", "SLURM_STEP_ID", "PBS_JOBID", "LSB_JOBID", "LSB_JOBINDEX")
DEV, TEMPORARY = Path("/dev"), Path("/tmp")

_held: list[FileLock] = []  # for the life of the process


def devices() -> list[str]:
    """Names of the GPUs that this process may see, as CUDA_VISIBLE_DEVICES takes them (index, UUID or MIG name); empty without any."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        names = (name.strip() for name in visible.split(","))
        # CUDA itself sees none from the first that it cannot read.
        return list(dict.fromkeys(itertools.takewhile(lambda name: name not in ("", "-1"), names)))
    if found := list(DEV.glob("nvidia[0-9]*")):
        return [str(index) for index in range(len(found))]
    return ["0"] if (DEV / "dxg").exists() else []  # Linux within Windows


@contextlib.contextmanager
def only_one(checkpoint: Path | None) -> Iterator[bool]:
    """Within its block, be the only job that works on the run of this checkpoint; yields whether another had to be waited for.

    A job may outlive the workflow that started it, and would go on writing beside its successor.
    """
    if checkpoint is None:
        yield False
        return
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    lock = lock_of(checkpoint)
    with alone(lock, f"waiting for another job that works on this run: it holds {lock}") as waited:
        yield waited


@contextlib.contextmanager
def alone(lock_file: Path, waiting: str) -> Iterator[bool]:
    """Within its block, be the only process that holds this lock; yields whether another had to be waited for, which is said first."""
    lock, waited = FileLock(lock_file), False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(waiting, file=sys.stderr, flush=True)
        waited = True
        lock.acquire()
    try:
        yield waited
    finally:
        lock.release()


def take_gpu(gpus: int, jobs_per_gpu: int = 1, who: str = "", poll_seconds: float = 1.0) -> str | None:
    """Wait for a free GPU, hold it for the life of this process, and make it the only one that torch will see.

    Devices that a scheduler gave to its job are shared out within that job alone.

    Args:
        gpus: how many the job was given; 0 means that it computes on the CPU.
        jobs_per_gpu: how many such jobs may share a GPU; they spread over the GPUs first.
        who: what those that wait are told of this process.

    Returns:
        The device's name, or None where there is nothing to choose.

    Raises:
        UserError: the folder of the locks is not this user's.
    """
    names = devices()
    if gpus < 1 or not names:
        return None
    start, held_by = f"{_locks()}/{_scope()}", []
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
            os.environ["CUDA_VISIBLE_DEVICES"] = name
            return name
        if not held_by:
            held_by = [f"{name} by {_holder(place)}" for name, place in places]
            print(f"waiting for a free GPU: held are {'; '.join(held_by)}", file=sys.stderr, flush=True)
        time.sleep(poll_seconds)


def _locks() -> Path:
    """The folder of this user's locks on this machine. Not below TMPDIR, which may differ from job to job."""
    folder = TEMPORARY / f"hardpair-gpu-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise UserError(f"{folder} belongs to somebody else, so GPUs cannot be shared out: have it removed")
    return folder


def _scope() -> str:
    """Start of the names of locks: a device that a scheduler gave to a job is another than the one of that name in its next job."""
    given = [os.environ[name] for name in JOB_IDS if name in os.environ] if "CUDA_VISIBLE_DEVICES" in os.environ else []
    return "".join(f"{job.replace('/', '_')}." for job in given)


def _holder(place: str) -> str:
    """Who holds a place, as far as it has said."""
    try:
        return Path(f"{place}.holder").read_text(encoding="utf-8")
    except OSError:
        return "a process that is just starting"
