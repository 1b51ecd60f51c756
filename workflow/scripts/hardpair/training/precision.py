"""Whether the network computes in bf16 or fp32."""

import contextlib
from pathlib import Path

import torch


def choose_precision(configured: str, device: torch.device) -> str:
    """``fp32`` or ``bf16``; ``auto`` takes bf16 where the device computes it faster, by its kind alone, so that noise decides nothing."""
    if configured != "auto":
        return configured
    return "bf16" if _has_fast_bf16(device) else "fp32"


def _has_fast_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)  # of the one device that a job sees
    with contextlib.suppress(OSError):
        cpu = set(Path("/proc/cpuinfo").read_text().split())
        # Measured: Intel's cores that have avx512_fp16 too take twice as long for a product in avx512_bf16 as AMD's (docs/speed.md).
        return "amx_bf16" in cpu or ("avx512_bf16" in cpu and ("AuthenticAMD" in cpu or "avx512_fp16" not in cpu))
    return False


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Context in which the network computes in ``precision``."""
    # Each weight is cast once a step anyway, and a captured step must not find casts of an earlier one.
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)
