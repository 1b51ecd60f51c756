"""Prepared images as tensors, shared by the jobs that run the network."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from hardpair.data.arrays import load_part
from hardpair.errors import UserError
from hardpair.files.json_text import read_json


@dataclass(frozen=True)
class Images:
    """A set of images with what a network must be given of them.

    Attributes:
        pixels: uint8 (N, 3, S, S); on the CPU a view of the file, which all jobs of a machine share.
        labels: int64 (N,).
        mean, std: float32 (3,) of pixel / 255 over the training images.
        classes: names in the order of the labels.
    """

    pixels: torch.Tensor
    labels: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor
    classes: list[str]

    @property
    def size(self) -> int:
        """Height and width in pixels."""
        return self.pixels.shape[-1]


def load_images(folder: Path, part: str, device: torch.device) -> Images:
    """The ``train`` or ``test`` images of prepared data on a device."""
    about = read_json(folder / "dataset.json")
    pixels, labels = load_part(folder, part)
    return Images(
        pixels=torch.from_numpy(pixels).to(device),
        labels=torch.from_numpy(np.array(labels)).to(device),
        mean=torch.tensor(about["mean"], device=device),
        std=torch.tensor(about["std"], device=device),
        classes=about["classes"],
    )


def load_split(path: Path, folder: Path) -> dict[str, torch.Tensor]:
    """Indices int64 of the ``training`` and ``validation`` images.

    Raises:
        UserError: the split was made for other data than ``folder`` holds.
    """
    split = read_json(path)
    if split["data_sha256"] != read_json(folder / "dataset.json")["sha256"]:
        raise UserError(f"{path} was made for other data than {folder} holds: make the split again")
    return {part: torch.tensor(split[part], dtype=torch.int64) for part in ("training", "validation")}
