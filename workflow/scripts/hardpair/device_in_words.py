"""On which device a job computes, and why, as logs and the records of runs name it."""

import contextlib
import os
import platform
import sys
from pathlib import Path

import torch

from hardpair.errors import say
from hardpair.jobs import gpu

AFFECTS_RESULTS = False


def report_cpu(gpus: int) -> None:
    """Print on stderr that a job computes on the CPU, and why."""
    say(f"computing on the CPU: {why_cpu(gpus)}", file=sys.stderr)


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
