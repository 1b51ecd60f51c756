"""On which device a job computes, and with how many threads."""

import contextlib
import ctypes
import os

import torch
import torch.utils.deterministic

from hardpair.device_in_words import report_cpu
from hardpair.jobs import gpu

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # malloc.h


def choose_device(gpus: int) -> torch.device:
    """The GPU if the job was given one and there is one, else the CPU."""
    return torch.device("cuda" if gpus > 0 and torch.cuda.is_available() else "cpu")


def start_device(gpus: int, threads: int, deterministic: bool) -> torch.device:
    """The configured device of a job; a line on stderr gives the reason if it is the CPU, and then no GPU is held any longer."""
    device = choose_device(gpus)
    configure(device, threads, deterministic)
    if device.type == "cpu":
        report_cpu(gpus)
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
