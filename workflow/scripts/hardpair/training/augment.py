"""Random crop and flip of whole batches of uint8 images, and their normalisation."""

import torch
import torch.nn.functional as F


def padding_for(size: int) -> int:
    """Zero pixels on each side before a crop: 4 for 32-pixel images, in proportion for others."""
    return size // 8


def draw_crops(
    count: int, padding: int, generator: torch.Generator, crop: bool = True, flip: bool = True
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Top rows and left columns in 0..2·padding (int64) and flips (bool), each of shape (count,).

    Without ``crop`` the rows and columns are those of the image itself, without ``flip`` no image is flipped. The random numbers drawn are
    the same in each case, so that one does not change the other.
    """
    rows, columns = torch.randint(2 * padding + 1, (2, count), generator=generator)
    flips = torch.randint(2, (count,), generator=generator, dtype=torch.bool)
    if not crop:
        rows, columns = torch.full_like(rows, padding), torch.full_like(columns, padding)
    return rows, columns, flips & flip


def crop_and_flip(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, flips: torch.Tensor, padding: int) -> torch.Tensor:
    """Zero-pad, cut one window an image, and mirror some.

    The same as torchvision's ``RandomCrop(size, padding, fill=0)`` and ``RandomHorizontalFlip`` of each image, with the draws given.

    Args:
        images: uint8 (B, 3, S, S).
        rows, columns: int64 (B,) in 0..2·padding, where the window starts in the padded image.
        flips: bool (B,).

    Returns:
        uint8 (B, 3, S, S).
    """
    size = images.shape[-1]
    windows = F.pad(images, [padding] * 4).unfold(2, size, 1).unfold(3, size, 1)  # (B, 3, 2p+1, 2p+1, S, S), a view
    crops = windows[torch.arange(len(images), device=images.device), :, rows, columns]
    return torch.where(flips[:, None, None, None], crops.flip(-1), crops)


def normalise(images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """uint8 (B, 3, S, S) to float32 (pixel / 255 − mean) / std in channels_last layout; ``mean`` and ``std`` have shape (3,)."""
    scale, shift = (1 / (255 * std)).view(3, 1, 1), (mean / std).view(3, 1, 1)
    return images.to(torch.float32, memory_format=torch.channels_last).mul_(scale).sub_(shift)
