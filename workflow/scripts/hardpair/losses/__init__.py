"""Loss functions: one file each, named like its ``kind`` in config, with a class ``Loss`` made of ``ImageLoss``."""

import torch
from torch import nn

from hardpair import plugins


class ImageLoss(nn.Module):
    """A loss of each image; a step minimises their mean.

    ``forward`` takes logits float32 (B, C) and labels int64 (B,), and returns float32 (B,). The constructor takes ``counts``, the training
    images of each class, int64 (C,), and then the options of the schema. What a loss learns as training continues it keeps in buffers,
    changed in place: checkpoints hold them, and a captured step reads them where they were. A scale that multiplies the loss is a buffer
    ``scale`` and is written to refreshes.csv.

    Attributes:
        cosine_scale: if not None, the network's logits are this many times the cosines between its last hidden layer and a vector a class.
    """

    cosine_scale: float | None = None

    def __init__(self, counts: torch.Tensor) -> None:
        super().__init__()

    def begin_epoch(self, share: float) -> None:
        """Called before each epoch with the share of the run that is done, in [0, 1)."""

    def refresh(self, cross_entropy: torch.Tensor, emphasis: torch.Tensor) -> torch.Tensor | None:
        """Called when the weights of the images are due, before the first epoch too.

        Args:
            cross_entropy: −ln p_t of every training image, float32 (N,), on the device of the loss, as is the next.
            emphasis: how often an epoch's steps count each image, on average, float64 (N,) of mean 1 or less; 1 with the uniform sampler.

        Returns:
            The weight of every training image, float64 (N,), for the record; None for a loss that does not weigh images.
        """
        return None

    @property
    def adaptive(self) -> bool:
        """Whether ``refresh`` changes the loss: else the trials of a search leave it out."""
        return type(self).refresh is not ImageLoss.refresh


def build(settings: dict, counts: torch.Tensor) -> ImageLoss:
    """The loss that ``settings`` (``kind`` and its options) describe, for so many training images of each class."""
    return plugins.build("losses", settings, counts)
