"""Epochs: training, validation, refreshes of the focal weights, last and best weights."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from hardpair import losses, model, samplers
from hardpair.augment import crop_and_flip, draw_crops, normalise, padding_for
from hardpair.confusion import accuracy, confusion_matrix, most_confused
from hardpair.errors import UserError
from hardpair.inference import infer
from hardpair.randomness import derive, generator
from hardpair.refresh import LOGGED, histogram, is_due
from hardpair.settings import Recipe
from hardpair.tensors import Images
from hardpair.train_step import SGD, train_step

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
REFRESH_COLUMNS = ("epoch", "applied", "mean_p", "loss_mean_weight", "loss_scale", "sampler_mean_weight", "sampler_effective_share")


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
        last, best: weights after the last epoch, and after the first epoch of highest validation accuracy (None without validation).
        best_epoch: that epoch, or None.
    """

    epochs: list[dict] = field(default_factory=list)
    refreshes: list[dict] = field(default_factory=list)
    confusions: list[np.ndarray] = field(default_factory=list)
    histograms: list[np.ndarray] = field(default_factory=list)
    last: dict[str, torch.Tensor] = field(default_factory=dict)
    best: dict[str, torch.Tensor] | None = None
    best_epoch: int | None = None


def train(
    images: Images,
    split: dict[str, torch.Tensor],
    loss_settings: dict,
    sampler_settings: dict,
    recipe: Recipe,
    seed: int,
    precision: str,
    stop_after: int | None = None,
    on_epoch: Callable[[dict, float], None] = lambda record, seconds: None,
) -> Course:
    """Train a network from its initialisation.

    Args:
        images: the training images of prepared data, validation images among them.
        split: indices int64 of the ``training`` and ``validation`` images (the latter may be empty).
        loss_settings, sampler_settings: ``kind`` and options, complete.
        stop_after: end after so many epochs, with the schedule of the full run.
        on_epoch: called after every epoch with its row of epochs.csv and the seconds it took.

    Raises:
        Diverged: the loss became NaN or infinite.
    """
    device = images.pixels.device
    training, validation = split["training"].to(device), split["validation"].to(device)
    epochs = min(stop_after or recipe.epochs, recipe.epochs)

    network = model.build(len(images.classes), images.size, recipe.dropout, seed).to(device)
    loss = losses.build(loss_settings).to(device)
    sampler = samplers.build(sampler_settings, len(training))
    optimiser = SGD(network, recipe.learning_rate, recipe.momentum, recipe.weight_decay)
    order, augmentation = generator(seed, sampler.stream), generator(seed, "augmentation")
    torch.manual_seed(derive(seed, "dropout"))  # nothing else draws from the global stream

    course = Course()

    def refresh(completed: int) -> None:
        due = is_due(completed, recipe.refresh_every, epochs)
        if due or completed in LOGGED:
            cross_entropy = F.cross_entropy(infer(network, images, training, precision), images.labels[training], reduction="none")
            if not cross_entropy.isfinite().all():
                raise Diverged(_diverged("the loss of a training image", completed, optimiser.learning_rate))
            told = loss.refresh(cross_entropy) | sampler.refresh(cross_entropy) if due else {}
            mean_p = torch.exp(-cross_entropy.double()).mean().item()
            course.refreshes.append({"epoch": completed, "applied": int(due), "mean_p": mean_p} | told)
            course.histograms.append(histogram(cross_entropy).cpu().numpy())

    refresh(0)
    for completed in range(epochs):
        started = time.perf_counter()
        rate = optimiser.learning_rate = recipe.learning_rate_at(completed)
        chosen = training[sampler.draw(order).to(device)]
        mean_loss, share = _train_epoch(network, loss, optimiser, images, chosen, augmentation, recipe.batch_size, precision)
        if not np.isfinite(mean_loss):
            raise Diverged(_diverged("the loss", completed + 1, rate))
        record = {"epoch": completed + 1, "learning_rate": rate, "train_loss": mean_loss, "train_accuracy": share}
        record |= _validate(network, images, validation, precision, course)
        course.epochs.append(record)
        refresh(completed + 1)
        on_epoch(record, time.perf_counter() - started)
    course.last = _weights(network)
    return course


def _diverged(what: str, epoch: int, rate: float) -> str:
    return f"{what} became NaN or infinite in epoch {epoch} at learning rate {rate:g}: lower recipe.learning_rate"


def _train_epoch(network, loss, optimiser, images, chosen, augmentation, batch_size, precision) -> tuple[float, float]:
    """One pass over the images at ``chosen``; mean loss and share classified correctly, waiting for the device only at the end."""
    device, padding = images.pixels.device, padding_for(images.size)
    crops = [draw.to(device) for draw in draw_crops(len(chosen), padding, augmentation)]
    total = torch.zeros((), device=device)
    correct = torch.zeros((), dtype=torch.int64, device=device)
    for batch, rows, columns, flips in zip(*(part.split(batch_size) for part in (chosen, *crops)), strict=True):
        augmented = crop_and_flip(images.pixels[batch], rows, columns, flips, padding)
        inputs = normalise(augmented, images.mean, images.std)
        mean, right = train_step(network, loss, optimiser, inputs, images.labels[batch], precision)
        total += mean * len(batch)
        correct += right
    return total.item() / len(chosen), correct.item() / len(chosen)


def _validate(network, images, validation, precision, course) -> dict:
    """Validation columns of an epoch; keeps the confusion counts and the best weights in ``course``."""
    if len(validation) == 0:
        return {}
    logits, labels = infer(network, images, validation, precision), images.labels[validation]
    confusion = confusion_matrix(labels.cpu().numpy(), logits.argmax(1).cpu().numpy(), len(images.classes))
    course.confusions.append(confusion)
    share = accuracy(confusion)
    if course.best_epoch is None or share > course.epochs[course.best_epoch - 1]["validation_accuracy"]:
        course.best, course.best_epoch = _weights(network), len(course.epochs) + 1
    a, b, rate = most_confused(confusion, 1)[0]
    return {
        "validation_loss": F.cross_entropy(logits, labels).item(),
        "validation_accuracy": share,
        "confused": f"{images.classes[a]}-{images.classes[b]}",
        "confused_rate": rate,
    }


def _weights(network: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of the weights on the CPU in plain layout."""
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in network.state_dict().items()}
