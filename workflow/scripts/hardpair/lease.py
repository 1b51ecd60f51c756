"""What a job holds for its own while it lives: its run, and a GPU. Both are locks that the kernel frees when the job ends, however it ends.

Snakemake only counts GPUs, it hands out none. Imports no torch, since the choice must be made before torch looks at the devices.
"""

import contextlib
import getpass
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

# A scheduler that assigns devices has made the choice already.
SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "KUBERNETES_SERVICE_HOST")

_held: list[FileLock] = []  # for the life of the process


def devices() -> list[str]:
    """Names of the GPUs that this process may see, as CUDA_VISIBLE_DEVICES takes them; empty without any."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name.strip() for name in visible.split(",") if name.strip() not in ("", "-1")]
    return [str(index) for index in range(len(list(Path("/dev").glob("nvidia[0-9]*"))))]


@contextlib.contextmanager
def only_one(checkpoint: Path | None) -> Iterator[bool]:
    """Within its block, be the only job that works on the run of this checkpoint; yields whether another had to be waited for.

    A job may outlive the workflow that started it, and would go on writing beside its successor.
    """
    if checkpoint is None:
        yield False
        return
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(checkpoint.with_name(f".{checkpoint.stem}.lock"))
    waited = False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"waiting for another job that works on this run: it holds {lock.lock_file}", file=sys.stderr, flush=True)
        waited = True
        lock.acquire()
    try:
        yield waited
    finally:
        lock.release()


def take_gpu(gpus: int, jobs_per_gpu: int = 1, poll_seconds: float = 1.0) -> str | None:
    """Wait for a free GPU, hold it for the life of this process, and make it the only one that torch will see.

    Args:
        gpus: how many the job was given; 0 means that it computes on the CPU.
        jobs_per_gpu: how many such jobs may share a GPU; they spread over the GPUs first.

    Returns:
        The device's name, or None where there is nothing to choose.
    """
    names = devices()
    if gpus < 1 or not names or any(variable in os.environ for variable in SCHEDULERS):
        return None
    folder = Path(tempfile.gettempdir()) / f"hardpair-gpu-{getpass.getuser()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    said = False
    while True:
        for place, name in itertools.product(range(jobs_per_gpu), names):
            lock = FileLock(folder / f"{name.replace('/', '_')}.{place}.lock", timeout=0)
            try:
                lock.acquire()
            except Timeout:
                continue
            _held.append(lock)
            os.environ["CUDA_VISIBLE_DEVICES"] = name
            return name
        if not said:
            print(f"waiting for a free GPU: other jobs hold {', '.join(names)}", file=sys.stderr, flush=True)
            said = True
        time.sleep(poll_seconds)
