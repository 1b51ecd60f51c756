"""Loss functions: one file each, named like its ``kind`` in config, with a class ``Loss``.

A ``Loss`` is a module called with logits float32 (B, C) and labels int64 (B,). It returns the loss of each image, float32 (B,); a step
minimises their mean. Its constructor takes the options of the schema. ``refresh`` is called with −ln p_t of every training image and
returns what to write beside the epoch in refreshes.csv. What it learns then it keeps in buffers, changed in place: checkpoints hold them,
and a captured step reads them where they were.
"""

import importlib

from torch import nn


def build(settings: dict) -> nn.Module:
    """The loss that ``settings`` (``kind`` and its options) describe."""
    options = {key: value for key, value in settings.items() if key != "kind"}
    return importlib.import_module(f"hardpair.losses.{settings['kind']}").Loss(**options)
