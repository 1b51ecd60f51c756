"""Named streams of random numbers, all derived from the seed of a run.

Each use has a stream of its own (``initialisation``, ``order``, ``augmentation``, ``dropout``, ``sampler``), so that changing a variant's
loss or sampler leaves the other streams as they were and runs of one seed stay paired.
"""

import hashlib

import torch


def derive(seed: int, stream: str) -> int:
    """A 63-bit seed for one stream: the first bytes of SHA-256 of ``seed/stream``."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{stream}".encode()).digest()[:8], "big") >> 1


def generator(seed: int, stream: str) -> torch.Generator:
    """A CPU generator for one stream; numbers are drawn on the CPU so that they are the same whatever the device."""
    return torch.Generator().manual_seed(derive(seed, stream))
