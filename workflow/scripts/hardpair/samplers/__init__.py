"""Samplers: one file each, named like its ``kind`` in config, with a class ``Sampler``.

A ``Sampler`` is a module built with the number of training images N and the options of the schema. ``draw`` returns the positions int64
(N,) of one epoch, from the random stream that it names in ``stream``. ``refresh`` is called with −ln p_t of every training image and
returns what to write beside the epoch in refreshes.csv. What it learns then it keeps in buffers, which checkpoints hold.
"""

import importlib

from torch import nn


def build(settings: dict, count: int) -> nn.Module:
    """The sampler of ``count`` training images that ``settings`` (``kind`` and its options) describe."""
    options = {key: value for key, value in settings.items() if key != "kind"}
    return importlib.import_module(f"hardpair.samplers.{settings['kind']}").Sampler(count, **options)
