"""What computed a result, apart from settings and code: the same code on another machine may come to other bits."""

import torch

from hardpair import networks
from hardpair.device_in_words import device_name
from hardpair.staleness.fingerprint import versions


def machine(device: torch.device, network: dict) -> dict:
    """Device, CPU threads and versions of the packages that this process computes with, for a record.

    Args:
        network: settings of the network, ``kind`` and its options.

    Returns:
        ``device`` (model), ``device_type`` (``cpu`` or ``cuda``), ``threads`` and ``versions`` by package.
    """
    packages = versions(*networks.packages(network))
    return {"device": device_name(device), "device_type": device.type, "threads": torch.get_num_threads(), "versions": packages}
