"""Named streams of random numbers, all derived from the seed of a run.

Each use has a stream of its own (``initialisation``, ``order``, ``augmentation``, ``dropout``, ``sampler``), so that changing a variant's
loss or sampler leaves the other streams as they were and runs of one seed stay paired. The global generators of Python, NumPy and torch,
from which plugins may draw, belong to a run too.
"""

import hashlib
import random

import numpy as np
import torch


def derive(seed: int, stream: str) -> int:
    """A 63-bit seed for one stream: the first bytes of SHA-256 of ``seed/stream``."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{stream}".encode()).digest()[:8], "big") >> 1


def generator(seed: int, stream: str) -> torch.Generator:
    """A CPU generator for one stream; numbers are drawn on the CPU so that they are the same whatever the device."""
    return torch.Generator().manual_seed(derive(seed, stream))


def seed_globals(seed: int, stream: str) -> None:
    """Let the global generators of Python, NumPy and torch (of the GPU, too) start from one stream."""
    random.seed(derive(seed, stream))
    np.random.seed(derive(seed, stream) % 2**32)  # noqa: NPY002, plugins may use the legacy generator
    torch.manual_seed(derive(seed, stream))


def python_states() -> dict:
    """States of Python's and NumPy's global generators, as JSON holds them exactly."""
    numpy = np.random.get_state(legacy=False)  # noqa: NPY002
    return {"python": random.getstate(), "numpy": numpy | {"state": numpy["state"] | {"key": numpy["state"]["key"].tolist()}}}


def restore_python(states: dict) -> None:
    """Put the generators into states of ``python_states``."""
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state(states["numpy"])  # noqa: NPY002
