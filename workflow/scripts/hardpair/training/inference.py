"""Logits of many images."""

from collections.abc import Callable

import torch
from torch import nn

from hardpair.training.augment import normalise
from hardpair.training.images import Images
from hardpair.training.precision import autocast

BATCH = 250


@torch.inference_mode()
def infer(
    network: nn.Module, images: Images, index: torch.Tensor, precision: str, after_batch: Callable[[], None] = lambda: None
) -> torch.Tensor:
    """Logits float32 (len(index), C) of the images at ``index`` in evaluation mode, without augmentation; the network's mode stays."""
    was_training = network.training
    network.eval()
    logits = []
    for chosen in index.to(images.pixels.device).split(BATCH):
        with autocast(images.pixels.device, precision):
            logits.append(network(normalise(images.pixels[chosen], images.mean, images.std)).float())
        after_batch()
    network.train(was_training)
    return torch.cat(logits)
