"""Whether the network computes in bf16 or fp32."""

import contextlib
from pathlib import Path

import torch


def choose_precision(configured: str, device: torch.device) -> str:
    """``fp32`` or ``bf16``; ``auto`` takes bf16 where the device computes it in hardware."""
    if configured != "auto":
        return configured
    return "bf16" if _has_bf16(device) else "fp32"


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)  # of the one device that a job sees
    with contextlib.suppress(OSError):
        flags = Path("/proc/cpuinfo").read_text()
        return "avx512_bf16" in flags or "amx_bf16" in flags
    return False


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Context in which the network computes in ``precision``."""
    # Each weight is cast once a step anyway, and a captured step must not find casts of an earlier one.
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)
