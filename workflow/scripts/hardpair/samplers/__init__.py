"""Samplers: one file each, named like its ``kind`` in config, with a class ``Sampler`` made of ``EpochSampler``."""

import torch
from torch import nn

from hardpair import plugins


class EpochSampler(nn.Module):
    """Chooses the images of each epoch, on the CPU.

    The constructor takes ``labels`` of the training images, int64 (N,), and then the options of the schema. What a sampler learns at a
    refresh it keeps in buffers, which checkpoints hold.

    Attributes:
        stream: name of the random stream that it draws from.
        count: number of training images N.
    """

    stream = "sampler"

    def __init__(self, labels: torch.Tensor) -> None:
        super().__init__()
        self.count = len(labels)

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        """Positions int64 (N,) of one epoch's images among the training images."""
        raise NotImplementedError

    def factors(self) -> torch.Tensor | None:
        """What to multiply the loss of each training image by, float32 (N,); None for 1."""
        return None

    def emphasis(self) -> torch.Tensor:
        """How often an epoch's steps count each training image on average, by draws and factors: float64 (N,)."""
        return torch.ones(self.count, dtype=torch.float64)

    def refresh(self, cross_entropy: torch.Tensor) -> torch.Tensor | None:
        """Called when the weights of the images are due, with −ln p_t of every training image, float32 (N,).

        Returns:
            The weight that each is drawn by, float64 (N,), for the record; None for a sampler that does not depend on difficulty.
        """
        return None

    @property
    def adaptive(self) -> bool:
        """Whether ``refresh`` changes what is drawn: else the trials of a search leave it out."""
        return type(self).refresh is not EpochSampler.refresh


def build(settings: dict, labels: torch.Tensor) -> EpochSampler:
    """The sampler that ``settings`` (``kind`` and its options) describe, of training images with these labels."""
    return plugins.build("samplers", settings, labels)
