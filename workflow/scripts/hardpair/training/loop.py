"""Epochs: training, validation, refreshes of the focal weights, last and best weights."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from hardpair import losses, samplers
from hardpair.errors import UserError
from hardpair.focal_weight import LOGGED, class_shares, histogram, is_due, summary
from hardpair.measures.confusion import accuracy, confusion_matrix, most_confused
from hardpair.training import model
from hardpair.training.augment import draw_crops, padding_for
from hardpair.training.batches import Batches
from hardpair.training.cuda_graph import Captured, own_stream
from hardpair.training.images import Images
from hardpair.training.inference import infer
from hardpair.training.recipe import Recipe
from hardpair.training.step import SGD, train_step
from hardpair.training.streams import derive, generator

EPOCH_COLUMNS = (
    "epoch",
    "learning_rate",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "confused",
    "confused_rate",
)
REFRESH_COLUMNS = (
    "epoch",
    "applied",
    "mean_p",
    "loss_mean_weight",
    "loss_largest_weight",
    "loss_effective_share",
    "loss_scale",
    "sampler_mean_weight",
    "sampler_largest_weight",
    "sampler_effective_share",
    "sampler_largest_factor",
    "sampler_distinct_share",
)


class Diverged(UserError):
    """The loss of a run became NaN or infinite."""


@dataclass
class Course:
    """What a run leaves.

    Attributes:
        epochs: one dict an epoch, the columns of epochs.csv.
        refreshes: one dict a refresh, the columns of refreshes.csv.
        confusions: validation confusion counts int64 (C, C), one an epoch; empty without validation images.
        histograms: counts int64 (100,) of p_t, one a refresh.
        shares: each class's share of the weights of the ``loss`` and of the ``sampler``, float64 (C,), one a refresh; NaN without weights.
        seconds: that each epoch took, with its validation and refresh.
        last, best: weights after the last epoch, and after the first epoch of highest validation accuracy (None without validation).
        best_epoch: that epoch, or None.
    """

    epochs: list[dict] = field(default_factory=list)
    refreshes: list[dict] = field(default_factory=list)
    confusions: list[np.ndarray] = field(default_factory=list)
    histograms: list[np.ndarray] = field(default_factory=list)
    shares: dict[str, list[np.ndarray]] = field(default_factory=lambda: {"loss": [], "sampler": []})
    seconds: list[float] = field(default_factory=list)
    last: dict[str, torch.Tensor] = field(default_factory=dict)
    best: dict[str, torch.Tensor] | None = None
    best_epoch: int | None = None


class Training:
    """A run in progress: all that decides how it goes on.

    Args:
        images: the training images of prepared data, validation images among them.
        split: indices int64 of the ``training`` and ``validation`` images (the latter may be empty).
        loss_settings, sampler_settings: ``kind`` and options, complete.
        precision: ``fp32`` or ``bf16`` for the network.
        stop_after: end after so many epochs, with the schedule of the full run.

    Attributes:
        course: what the run has left so far.
        step: steps done of the present epoch.
        elapsed: seconds spent on them.
        streams: states of the generators of order and augmentation before the present epoch drew from them.
    """

    def __init__(
        self,
        images: Images,
        split: dict[str, torch.Tensor],
        loss_settings: dict,
        sampler_settings: dict,
        recipe: Recipe,
        seed: int,
        precision: str,
        stop_after: int | None = None,
    ) -> None:
        device = images.pixels.device
        self.images, self.recipe, self.precision = images, recipe, precision
        self.device = device
        self.training, self.validation = split["training"].to(device), split["validation"].to(device)
        self.epochs = min(stop_after or recipe.epochs, recipe.epochs)
        self.labels = images.labels[self.training]
        self.loss = losses.build(loss_settings, self.labels.bincount(minlength=len(images.classes)).cpu()).to(device)
        self.sampler = samplers.build(sampler_settings, self.labels.cpu())
        self.network = model.build(len(images.classes), images.size, recipe.dropout, seed, self.loss.cosine_scale).to(device)
        self.optimiser = SGD(self.network, recipe.learning_rate, recipe.momentum, recipe.weight_decay)
        self.order, self.augmentation = generator(seed, self.sampler.stream), generator(seed, "augmentation")
        torch.manual_seed(derive(seed, "dropout"))  # nothing else draws from the global stream
        self.batches = Batches(images, len(self.training), recipe.batch_size, weighted=self.sampler.factors() is not None)
        self.take_step = Captured(self._step, recipe.batch_size) if device.type == "cuda" else self._step
        self.course, self.step, self.elapsed = Course(), 0, 0.0
        self.streams = self._streams()

    def run(
        self,
        on_epoch: Callable[[dict, float], None] = lambda record, seconds: None,
        on_pause: Callable[["Training"], None] = lambda training: None,
    ) -> Course:
        """Train to the end, from the initialisation or from where a restored state was saved.

        Args:
            on_epoch: called after every epoch with its row of epochs.csv and the seconds it took.
            on_pause: called after every step and every batch of a look at images, when the state may be saved and the run be left.

        Raises:
            Diverged: the loss became NaN or infinite.
        """
        course = self.course
        for record, seconds in zip(course.epochs, course.seconds, strict=True):
            on_epoch(record, seconds)
        with self.stream():
            if not course.refreshes:
                self._refresh(0, self._look(0, lambda: on_pause(self)))
            while (completed := len(course.epochs)) < self.epochs:
                started = time.perf_counter() - self.elapsed

                def pause(started: float = started) -> None:
                    self.elapsed = time.perf_counter() - started
                    on_pause(self)

                record = self._epoch(completed, pause)
                # The looks change nothing, and what follows takes no time: a state saved on the way is that after the last step.
                logits, cross_entropy = self._infer(self.validation, pause), self._look(completed + 1, pause)
                course.epochs.append(record | self._validate(logits))
                self._refresh(completed + 1, cross_entropy)
                course.seconds.append(time.perf_counter() - started)
                self.streams, self.step, self.elapsed = self._streams(), 0, 0.0
                on_epoch(course.epochs[-1], course.seconds[-1])
            course.last = weights_of(self.network)
        return course

    def stream(self) -> contextlib.AbstractContextManager:
        """Context in which steps are taken."""
        return own_stream(self.device)

    def _epoch(self, completed: int, pause: Callable[[], None]) -> dict:
        """What is left of a pass over the training images; waits for the device only at the end."""
        rate = self.optimiser.learning_rate = self.recipe.learning_rate_at(completed)
        self.loss.begin_epoch(completed / self.recipe.epochs)
        self.draw_epoch()
        sizes = self.batches.sizes
        for size in sizes[self.step :]:
            self.take_step(size)
            self.step += 1
            pause()
        each = self.batches.losses.cpu().double()
        if not each.isfinite().all():
            step = int((~each.isfinite()).int().argmax()) + 1
            raise Diverged(self._diverged("the loss", f"step {step} of epoch {completed + 1}", rate))
        total = torch.tensor(sizes, dtype=torch.float64) @ each
        count = sum(sizes)
        record = {"epoch": completed + 1, "learning_rate": rate}
        return record | {"train_loss": total.item() / count, "train_accuracy": self.batches.correct.item() / count}

    def draw_epoch(self) -> None:
        """Draw images and crops of the present epoch, of which ``step`` steps are done."""
        for stream, state in zip((self.order, self.augmentation), self.streams, strict=True):
            stream.set_state(state)
        drawn, factors = self.sampler.draw(self.order), self.sampler.factors()
        crops = draw_crops(len(drawn), padding_for(self.images.size), self.augmentation)
        self.batches.begin(self.training[drawn.to(self.device)], crops, None if factors is None else factors[drawn], self.step)

    def _step(self, size: int) -> None:
        """One step on the next ``size`` images of the epoch."""
        self.batches.tell(*train_step(self.network, self.loss, self.optimiser, *self.batches.take(size), self.precision), size)

    def _streams(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.order.get_state(), self.augmentation.get_state()

    def _infer(self, index: torch.Tensor, pause: Callable[[], None]) -> torch.Tensor | None:
        """Logits of the images at ``index``, or None without any."""
        return infer(self.network, self.images, index, self.precision, pause) if len(index) else None

    def _look(self, completed: int, pause: Callable[[], None]) -> torch.Tensor | None:
        """−ln p_t of the training images, or None after an epoch where nobody asks for it."""
        if not self._due(completed) and completed not in LOGGED:
            return None
        cross_entropy = F.cross_entropy(self._infer(self.training, pause), self.labels, reduction="none")
        if not cross_entropy.isfinite().all():
            raise Diverged(self._diverged("the loss of a training image", f"epoch {completed}", self.optimiser.learning_rate))
        return cross_entropy

    def _due(self, completed: int) -> bool:
        return is_due(completed, self.recipe.refresh_every, self.epochs)

    def _refresh(self, completed: int, cross_entropy: torch.Tensor | None) -> None:
        """Tell of −ln p_t of the training images, and refresh the weights if they are due."""
        if cross_entropy is None:
            return
        due = self._due(completed)
        row = {"epoch": completed, "applied": int(due), "mean_p": torch.exp(-cross_entropy.double()).mean().item()}
        of_sampler = self.sampler.refresh(cross_entropy) if due else None
        of_loss = self.loss.refresh(cross_entropy, self.sampler.emphasis()) if due else None  # its scale may depend on what is drawn
        for part, weight in (("loss", of_loss), ("sampler", of_sampler)):
            shares = np.full(len(self.images.classes), np.nan)
            if weight is not None:
                row |= {f"{part}_{name}": value for name, value in summary(weight).items()}
                shares = class_shares(weight, self.labels, len(shares)).numpy()
            self.course.shares[part].append(shares)
        if due:
            row |= self._told()
        self.course.refreshes.append(row)
        self.course.histograms.append(histogram(cross_entropy).cpu().numpy())

    def _told(self) -> dict[str, float]:
        """What refreshes.csv tells of the loss and the sampler beside their weights."""
        told = {}
        if (scale := self._scale()) is not None:
            told["loss_scale"] = scale
        if (factors := self.sampler.factors()) is not None:
            told["sampler_largest_factor"] = factors.max().item()
        if self.course.epochs and self.sampler.stream == "sampler":
            told["sampler_distinct_share"] = self.batches.distinct() / len(self.training)
        return told

    def _scale(self) -> float | None:
        """The scale that multiplies the loss, if the loss keeps one; what a plugin calls so may be anything else."""
        scale = getattr(self.loss, "scale", None)
        return scale.item() if isinstance(scale, torch.Tensor) and scale.numel() == 1 else None

    def _validate(self, logits: torch.Tensor | None) -> dict:
        """Validation columns of an epoch; keeps the confusion counts and the best weights."""
        images, course = self.images, self.course
        if logits is None:
            return {}
        labels = images.labels[self.validation]
        confusion = confusion_matrix(labels.cpu().numpy(), logits.argmax(1).cpu().numpy(), len(images.classes))
        course.confusions.append(confusion)
        share = accuracy(confusion)
        if course.best_epoch is None or share > course.epochs[course.best_epoch - 1]["validation_accuracy"]:
            course.best, course.best_epoch = weights_of(self.network), len(course.epochs) + 1
        a, b, rate = most_confused(confusion, 1)[0]
        return {
            "validation_loss": F.cross_entropy(logits, labels).item(),
            "validation_accuracy": share,
            "confused": f"{images.classes[a]}-{images.classes[b]}",
            "confused_rate": rate,
        }

    def _diverged(self, what: str, when: str, rate: float) -> str:
        advice = "lower recipe.learning_rate"
        if (scale := self._scale()) is not None and scale > 1:
            advice += f", or cap the scale of the loss, now {scale:.3g}, with loss.scale_max"
        return f"{what} became NaN or infinite in {when} at learning rate {rate:g}: {advice}"


def weights_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of the weights on the CPU in plain layout."""
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in network.state_dict().items()}
