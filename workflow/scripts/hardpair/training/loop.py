"""Epochs: training, validation, refreshes of the focal weights, last and best weights."""

import contextlib
import functools
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from hardpair import losses, samplers
from hardpair.measures.confusion import accuracy, confusion_matrix, most_confused
from hardpair.measures.pair_name import pair_name
from hardpair.networks import normalises_batches
from hardpair.training import model, optimiser
from hardpair.training.augment import draw_crops, padding_for
from hardpair.training.batches import Batches
from hardpair.training.contract import check_drawn, check_factors, check_loss, check_numbers, check_sampler
from hardpair.training.cuda_graph import GraphedStep, own_stream
from hardpair.training.divergence import Diverged, diverged, wrong_from_the_start
from hardpair.training.history import History
from hardpair.training.images import Images
from hardpair.training.inference import infer
from hardpair.training.precision import choose_precision
from hardpair.training.random_streams import generator, seed_globals
from hardpair.training.recipe import RunSettings
from hardpair.training.schedule import learning_rate
from hardpair.training.step import Learner, train_step
from hardpair.training.weight_refresh import LOGGED, class_shares, histogram, is_due, summary

Pause = Callable[[], None]  # called after every step and every batch of inference


class Training:
    """A run in progress: all that decides how it continues.

    Args:
        images: the training images of prepared data, validation images among them.
        split: indices int64 of the ``training`` and ``validation`` images (the latter may be empty).
        settings: loss, sampler, network, recipe and precision.
        stop_after: end after so many epochs, with the schedule of the full run.
        observed: whether p_t of the training images is recorded; else it is computed only where loss or sampler reads it.

    Attributes:
        history: what the run has left so far.
        steps_done: of the present epoch.
        started: time of ``time.perf_counter`` at which the present epoch would have begun if it had been trained without a break.
        take_step: takes one step on the next so many images.
    """

    def __init__(
        self,
        images: Images,
        split: dict[str, torch.Tensor],
        settings: RunSettings,
        seed: int,
        stop_after: int | None = None,
        observed: bool = True,
    ) -> None:
        device, recipe = images.pixels.device, settings.recipe
        self.images, self.recipe, self.device = images, recipe, device
        self.training, self.validation = split["training"].to(device), split["validation"].to(device)
        self.epochs = min(stop_after or recipe.epochs, recipe.epochs)
        self.labels = images.labels[self.training]
        seed_globals(seed, "plugins")  # from which a constructor may draw
        self.loss = losses.build(settings.loss, self.labels.bincount(minlength=len(images.classes)).cpu()).to(device)
        self.sampler = samplers.build(settings.sampler, self.labels.cpu())
        check_loss(self.loss)
        check_sampler(self.sampler)
        self.observed, self.refreshes = observed, observed or self.loss.adaptive or self.sampler.adaptive
        classes, size = len(images.classes), images.size
        self.network = model.build(classes, size, recipe.dropout, seed, self.loss.cosine_scale, settings.network).to(device).train()
        self.optimiser = optimiser.build(recipe, self.network)
        self.precision = choose_precision(settings.precision, device)
        self.order, self.augmentation = generator(seed, self.sampler.stream), generator(seed, "augmentation")
        seed_globals(seed, "dropout")  # nothing else draws from the global generators, but plugins
        weighted, single = self.sampler.factors() is not None, not normalises_batches(self.network)
        self.batches = Batches(images, len(self.training), recipe.batch_size, weighted, single)
        learner = Learner(self.network, self.loss, self.optimiser, self.precision)
        self.eager_step = functools.partial(train_step, learner, self.batches)
        self.take_step = self.eager_step
        if device.type == "cuda":
            modules = {"loss": self.loss, "network": self.network}
            self.take_step = GraphedStep(self.eager_step, recipe.batch_size, modules=modules, undo=self.optimiser.forget)
        parameters = sum(parameter.numel() for parameter in self.network.parameters())
        self.history, self.steps_done, self.started = History(parameters), 0, time.perf_counter()

    def run(
        self,
        on_epoch: Callable[[dict, float], None] = lambda row, seconds: None,
        after_step: Callable[["Training"], None] = lambda training: None,
    ) -> History:
        """Train to the end, from the initialisation or from a restored state.

        Args:
            on_epoch: called after every epoch with its row of epochs.csv and the seconds it took.
            after_step: called after every step and every batch of inference, when the state may be saved and the run be left.

        Raises:
            Diverged: the loss, the weights or the logits became NaN or infinite.
        """
        history, pause = self.history, functools.partial(after_step, self)
        for row, seconds in zip(history.epochs, history.seconds, strict=True):
            on_epoch(row, seconds)
        with self.stream():
            if not (history.refreshes or history.epochs or self.steps_done):  # some trainings never have refreshes
                self.refresh(0, self.training_losses(0, pause))
                self.started = time.perf_counter()
            while (completed := len(history.epochs)) < self.epochs:
                row = self.train_epoch(completed, pause)
                # Inference changes nothing, and what follows takes no time: a state saved on the way is that after the last step.
                logits, cross_entropy = self.infer(self.validation, pause), self.training_losses(completed + 1, pause)
                history.epochs.append(row | self.validate(logits))
                self.refresh(completed + 1, cross_entropy)
                history.seconds.append(self.elapsed)
                self.steps_done = 0
                on_epoch(history.epochs[-1], history.seconds[-1])
                self.started = time.perf_counter()
            history.last = weights_of(self.network)
        return history

    @property
    def elapsed(self) -> float:
        """Seconds spent on the present epoch."""
        return time.perf_counter() - self.started

    def stream(self) -> contextlib.AbstractContextManager:
        """Context in which steps are taken."""
        return own_stream(self.device)

    def train_epoch(self, completed: int, pause: Pause) -> dict:
        """What is left of a pass over the training images; waits for the device only at the end, and after a run's first step."""
        if not self.steps_done:
            self.loss.begin_epoch(completed / self.recipe.epochs)
            self.draw_epoch()
            if isinstance(self.take_step, GraphedStep):
                self.take_step.renew()
        sizes = self.batches.sizes
        for size in sizes[self.steps_done :]:
            self.optimiser.learning_rate = learning_rate(self.recipe, completed, self.steps_done, len(sizes))
            self.take_step(size)
            if completed == self.steps_done == 0:
                self._check_first_step()
            self.steps_done += 1
            pause()
        rate = self.optimiser.learning_rate = learning_rate(self.recipe, completed, len(sizes) - 1, len(sizes))
        step_losses = self.batches.losses.cpu().double()
        if not step_losses.isfinite().all():
            step = int((~step_losses.isfinite()).int().argmax()) + 1
            raise self._diverged("the loss", f"step {step} of epoch {completed + 1}")
        if not all(map(_is_finite, self.network.parameters())):  # which no later loss would show after the last epoch
            raise self._diverged("a weight", f"epoch {completed + 1}")
        total = torch.tensor(sizes, dtype=torch.float64) @ step_losses
        count = sum(sizes)
        row = {"epoch": completed + 1, "learning_rate": rate}
        return row | {"train_loss": total.item() / count, "train_accuracy": self.batches.correct.item() / count}

    def _check_first_step(self) -> None:
        """Refuse a loss that no learning rate can help; waits for the device."""
        # What the optimiser keeps of the gradient does not depend on the learning rate; without momentum, only the weights are left.
        traces = self.optimiser.state().values() if self.recipe.momentum else self.network.parameters()
        finite = {"loss": self.batches.losses[0].isfinite(), "gradient of the loss": all(map(_is_finite, traces))}
        if wrong := [what for what, value in finite.items() if not value]:
            raise wrong_from_the_start(wrong[0])

    def draw_epoch(self) -> None:
        """Draw images and crops of the next epoch."""
        count = len(self.training)
        drawn, factors = self.sampler.draw(self.order), self.sampler.factors()
        check_drawn(self.sampler, drawn, count)
        check_factors(self.sampler, factors, count, self.batches.weighted)
        crops = draw_crops(len(drawn), padding_for(self.images.size), self.augmentation, self.recipe.crop, self.recipe.flip)
        self.batches.begin(self.training[drawn.to(self.device)], crops, None if factors is None else factors[drawn])

    def infer(self, index: torch.Tensor, pause: Pause) -> torch.Tensor | None:
        """Logits of the images at ``index``, or None without any."""
        return infer(self.network, self.images, index, self.precision, pause) if len(index) else None

    def training_losses(self, completed: int, pause: Pause) -> torch.Tensor | None:
        """−ln p_t of the training images, float32 (N,); None after an epoch that needs none."""
        if not (self._due(completed) or (self.observed and completed in LOGGED)):
            return None
        cross_entropy = F.cross_entropy(self.infer(self.training, pause), self.labels, reduction="none")
        if not cross_entropy.isfinite().all():
            if not completed:
                raise wrong_from_the_start("loss of a training image", "before the first step", "the network and the images")
            raise self._diverged("the loss of a training image", f"epoch {completed}")
        return cross_entropy

    def _due(self, completed: int) -> bool:
        used = self.observed or completed < self.epochs  # what is refreshed after the last epoch is only recorded
        return self.refreshes and used and is_due(completed, self.recipe.refresh_every, self.epochs)

    def refresh(self, completed: int, cross_entropy: torch.Tensor | None) -> None:
        """Record −ln p_t of the training images, and refresh the weights if they are due."""
        if cross_entropy is None:
            return
        history, due = self.history, self._due(completed)
        row = {"epoch": completed, "applied": int(due), "mean_p": torch.exp(-cross_entropy.double()).mean().item()}
        sampler_weight = self.sampler.refresh(cross_entropy.cpu()) if due else None
        emphasis = self.sampler.emphasis()
        check_numbers(self.sampler, "emphasis", emphasis, len(self.training))
        loss_weight = self.loss.refresh(cross_entropy, emphasis.to(self.device)) if due else None  # its scale may depend on what is drawn
        for part, values in ((self.sampler, sampler_weight), (self.loss, loss_weight)):
            check_numbers(part, "refresh", values, len(self.training))
        for part, weight in (("loss", loss_weight), ("sampler", sampler_weight)):
            shares = np.full(len(self.images.classes), np.nan)
            if weight is not None:
                row |= {f"{part}_{name}": value for name, value in summary(weight).items()}
                shares = class_shares(weight, self.labels, len(shares)).numpy()
            history.shares[part].append(shares)
        history.refreshes.append(row | (self.refresh_metrics() if due else {}))
        history.histograms.append(histogram(cross_entropy).cpu().numpy())

    def refresh_metrics(self) -> dict[str, float]:
        """Columns of refreshes.csv about the loss and the sampler, apart from their weights."""
        metrics = {}
        if (scale := self._scale()) is not None:
            metrics["loss_scale"] = scale
        if (factors := self.sampler.factors()) is not None:
            metrics["sampler_largest_factor"] = factors.max().item()
        if self.history.epochs and self.sampler.stream == "sampler":
            metrics["sampler_distinct_share"] = self.batches.distinct() / len(self.training)
        return metrics

    def _scale(self) -> float | None:
        """The scale that multiplies the loss, if the loss keeps one; what a plugin calls so may be anything else."""
        scale = getattr(self.loss, "scale", None)
        return scale.item() if isinstance(scale, torch.Tensor) and scale.numel() == 1 else None

    def validate(self, logits: torch.Tensor | None) -> dict:
        """Validation columns of an epoch from logits float32 (N, C); keeps the confusion counts and the best weights."""
        images, history = self.images, self.history
        if logits is None:
            return {}
        labels = images.labels[self.validation]
        if not _is_finite(logits):
            raise self._diverged("the logits of a validation image", f"epoch {len(history.epochs) + 1}")
        confusion = confusion_matrix(labels.cpu().numpy(), logits.argmax(1).cpu().numpy(), len(images.classes))
        history.confusions.append(confusion)
        share = accuracy(confusion)
        if history.best_epoch is None or share > history.epochs[history.best_epoch - 1]["validation_accuracy"]:
            history.best, history.best_epoch = weights_of(self.network), len(history.epochs) + 1
        a, b, rate = most_confused(confusion, 1)[0]
        return {
            "validation_loss": F.cross_entropy(logits, labels).item(),
            "validation_accuracy": share,
            "confused": pair_name(images.classes[a], images.classes[b]),
            "confused_rate": rate,
        }

    def _diverged(self, what: str, when: str) -> Diverged:
        scale = self._scale() if hasattr(self.loss, "scale_max") else None
        return diverged(what, when, self.optimiser.learning_rate, scale)


def _is_finite(values: torch.Tensor) -> bool:
    return bool(values.isfinite().all())


def weights_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of the weights on the CPU in plain layout."""
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in network.state_dict().items()}
