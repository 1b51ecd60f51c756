"""The images of an epoch, a batch at a time."""

import torch

from hardpair.training.augment import crop_and_flip, normalise, padding_for
from hardpair.training.images import Images


class Batches:
    """Batches of an epoch, cut, flipped and normalised on the device, and what their steps return.

    All that changes from step to step lies on the device, the place in the epoch too: a step is the same sequence of kernels on the same
    memory whenever it is taken, so that it can be captured, and nothing waits for the device before the epoch is over.

    Args:
        images: the training images of prepared data.
        count: images an epoch.
        batch_size: images a step; the last, short batch is kept.
        weighted: whether the images come with factors of their losses.
        single: whether the last batch may be one image; else that image joins the batch before.

    Attributes:
        weighted: whether the images come with factors of their losses.
        sizes: of the batches, in their order.
        losses: mean loss of each batch, float32 (len(sizes),); of those not taken yet, 0.
        correct: images classified correctly so far, int64 ().
    """

    def __init__(self, images: Images, count: int, batch_size: int, weighted: bool, single: bool = True) -> None:
        device = images.pixels.device
        self.images, self.batch_size, self.padding = images, batch_size, padding_for(images.size)
        self.sizes = [min(batch_size, count - start) for start in range(0, count, batch_size)]
        if not single and self.sizes[-1] == 1 and len(self.sizes) > 1:
            self.sizes[-2:] = [batch_size + 1]
        self.losses = torch.zeros(len(self.sizes), device=device)
        self.correct = torch.zeros((), dtype=torch.int64, device=device)
        self._plan = [torch.zeros(count, dtype=dtype, device=device) for dtype in (torch.int64, torch.int64, torch.int64, torch.bool)]
        self.weighted, self._factors = weighted, torch.ones(count, device=device) if weighted else None
        self._taken = torch.zeros((), dtype=torch.int64, device=device)
        self._offsets = torch.arange(max(self.sizes), device=device)

    def begin(
        self,
        chosen: torch.Tensor,
        crops: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
        factors: torch.Tensor | None = None,
    ) -> None:
        """Start an epoch.

        Args:
            chosen: which images, int64 (count,).
            crops: rows, columns and flips of ``augment.draw_crops``.
            factors: of their losses, float32 (count,), if they are ``weighted``.
        """
        for tensor, values in zip(self._plan, (chosen, *crops), strict=True):
            tensor.copy_(values)
        if self._factors is not None:
            self._factors.copy_(factors)
        for tensor in (self._taken, self.losses, self.correct):
            tensor.zero_()

    def state(self) -> dict[str, torch.Tensor]:
        """The tensors that change in place: the plan of the epoch, how much of it is taken, and what its steps returned."""
        names = ("chosen", "rows", "columns", "flips")
        state = dict(zip(names, self._plan, strict=True)) | {"taken": self._taken, "losses": self.losses, "correct": self.correct}
        return state if self._factors is None else state | {"factors": self._factors}

    def distinct(self) -> int:
        """How many different images the epoch has."""
        return len(self._plan[0].unique())

    def next_batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """The next images, float32 (size, 3, S, S) in channels_last layout, their labels, int64 (size,), and factors, float32 (size,)."""
        at = self._taken + self._offsets[:size]
        chosen, rows, columns, flips = (tensor[at] for tensor in self._plan)
        augmented = crop_and_flip(self.images.pixels[chosen], rows, columns, flips, self.padding)
        factors = None if self._factors is None else self._factors[at]
        return normalise(augmented, self.images.mean, self.images.std), self.images.labels[chosen], factors

    def record(self, mean_loss: torch.Tensor, correct: torch.Tensor, size: int) -> None:
        """Keep what a step over the batch taken last returned, and move on."""
        self.losses.index_copy_(0, (self._taken // self.batch_size).view(1), mean_loss.view(1))
        self.correct += correct
        self._taken += size
