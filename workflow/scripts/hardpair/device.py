"""On which device a job computes, and with how many threads."""

import contextlib
import ctypes
import os
import platform
import sys
from pathlib import Path

import torch
import torch.utils.deterministic

from hardpair.jobs import gpu

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # malloc.h


def choose_device(gpus: int) -> torch.device:
    """The GPU if the job was given one and there is one, else the CPU."""
    return torch.device("cuda" if gpus > 0 and torch.cuda.is_available() else "cpu")


def why_cpu(gpus: int) -> str:
    """Why a job computes on the CPU; of a GPU that torch cannot use, in torch's words."""
    if gpus < 1:
        return "it was given no GPU"
    if torch.backends.mps.is_available():
        return "Apple's GPU cannot add in float64, as refreshes of weights do"
    if not (torch.version.cuda or torch.version.hip):
        return "this build of torch cannot use a GPU"
    if not gpu.present():
        return "there is no GPU here"
    try:
        torch.cuda.init()
        reason = "it sees no device"
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().partition("\n")[0]
    return f"torch cannot use this machine's GPU: {reason}"


def start_device(gpus: int, threads: int, deterministic: bool) -> torch.device:
    """The configured device of a job; a line on stderr says why it is the CPU, and then no GPU is held any longer."""
    device = choose_device(gpus)
    configure(device, threads, deterministic)
    if device.type == "cpu":
        print(f"computing on the CPU: {why_cpu(gpus)}", file=sys.stderr)
        gpu.give_back()
    return device


def configure(device: torch.device, threads: int, deterministic: bool) -> None:
    """Make a job compute with so many CPU threads, in true fp32 where that is asked for, and, on a GPU, fast or to the same bits.

    On the CPU results are the same to the bit anyway, for one number of threads.
    """
    torch.set_num_threads(threads)
    _keep_freed_memory()
    if device.type == "cuda":
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # read when cuBLAS starts; cuBLAS may differ from run to run without
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        torch.use_deterministic_algorithms(deterministic)
        torch.utils.deterministic.fill_uninitialized_memory = False  # no result reads such memory, and to fill it takes time


def _keep_freed_memory() -> None:
    """Let glibc reuse the memory of freed tensors instead of giving it back to the system, which then has to clear it page by page for the
    next tensor: a sixth of a CPU step's time. Elsewhere than on glibc nothing happens."""
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def device_name(device: torch.device) -> str:
    """Model of the GPU or CPU, for the record of a run."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def visible_gpu(device: torch.device) -> str | None:
    """Which of this machine's GPUs the device is, by the index, UUID or MIG name under which it is visible; None for a CPU."""
    return os.environ.get("CUDA_VISIBLE_DEVICES", str(device.index or 0)) if device.type == "cuda" else None
