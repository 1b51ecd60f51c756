"""What ``train`` and ``run_trial`` share: a job's inputs on a device, its training with a checkpoint, and the record of what it was."""

import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from hardpair.config.resolve import canonical
from hardpair.device_in_words import visible_gpu
from hardpair.files.json_text import read_json
from hardpair.jobs.stopping import Stop
from hardpair.staleness.fingerprint import fingerprint
from hardpair.training.checkpoint import Checkpointer
from hardpair.training.contract import try_out
from hardpair.training.history import History
from hardpair.training.images import Images, load_images, load_split
from hardpair.training.loop import Training
from hardpair.training.machine import machine
from hardpair.training.network_contract import try_network
from hardpair.training.precision import choose_precision
from hardpair.training.recipe import RunSettings


@dataclass(frozen=True)
class Saving:
    """Where the state of a training is kept until it is done (None: nowhere), and the least seconds between two writes."""

    path: Path | None = None
    seconds: float = 60


@dataclass(frozen=True)
class Job:
    """A variant with its recipe and images on a device, ready to be trained with any seed.

    Attributes:
        data, split_path: folder of the prepared data and file of the split.
        code: hash of the code that trains.
        epochs: to train, on the schedule of the full recipe.
        observed: whether p_t of the training images is recorded, which changes no result and costs a forward pass of them each time.
    """

    settings: RunSettings
    images: Images
    split: dict[str, torch.Tensor]
    data: Path
    split_path: Path
    code: str
    epochs: int
    observed: bool = True

    @classmethod
    def load(cls, data: Path, split: Path, settings: RunSettings, device: torch.device, code: str) -> "Job":
        """Read prepared images and their split onto a device.

        Raises:
            UserError: the split was made for other data.
        """
        images, indices = load_images(data, "train", device), load_split(split, data)
        return cls(settings, images, indices, data, split, code, settings.recipe.epochs)

    @property
    def images_per_epoch(self) -> int:
        """Training images."""
        return len(self.split["training"])

    def train(self, seed: int, on_epoch: Callable[[dict, float], None], saving: Saving = Saving()) -> History:
        """Train with a seed; see ``Training.run``. A state that was saved by an equal job is resumed.

        Raises:
            Diverged: the loss, the weights or the logits became NaN or infinite.
            UserError: a plugin or a network cannot be used.
            Stopped: a signal came; the state is saved.
        """
        labels = self.images.labels[self.split["training"].to(self.images.labels.device)].cpu()
        classes, size = len(self.images.classes), self.images.size
        try_out(self.settings.loss, self.settings.sampler, labels, classes)
        try_network(self.settings.network, classes, size, self.settings.recipe.batch_size)
        training = Training(self.images, self.split, self.settings, seed, self.epochs, self.observed)
        if saving.path is None:
            return training.run(on_epoch)
        # Only a job of bit-identical results resumes it.
        key = canonical({"run": self.fingerprint(seed), "epochs": self.epochs} | self._conditions())
        with Stop() as stop:
            checkpointer = Checkpointer(saving.path, key, saving.seconds, stop)
            checkpointer.resume(training)
            return training.run(on_epoch, checkpointer.after_step)

    def fingerprint(self, seed: int) -> str:
        """What decides a run's result on one type of machine."""
        return fingerprint(self.settings.keys(), self.settings.recipe.keys(), seed, self.split_path, self.code)

    def _conditions(self) -> dict:
        """What else may change the bits of a result."""
        device = self.images.pixels.device
        return {"precision": choose_precision(self.settings.precision, device)} | machine(device, self.settings.network)

    def record(self, seed: int, history: History) -> dict:
        """Provenance of a finished run, for run.json."""
        dataset, seconds = read_json(self.data / "dataset.json"), sum(history.seconds)
        return {
            "fingerprint": self.fingerprint(seed),
            "seed": seed,
            "settings": self.settings.keys(),
            "recipe": self.settings.recipe.keys(),
            "code": self.code,
            "parameters": history.parameters,
            "data": {key: dataset[key] for key in ("name", "sha256")},
            **{key: dataset[key] for key in ("classes", "size", "mean", "std")},
            "epochs": len(history.epochs),
            "best_epoch": history.best_epoch,
            "seconds": round(seconds, 3),
            "images_per_second": round(len(history.epochs) * self.images_per_epoch / seconds, 1),
            "peak_memory_mb": peak_memory_mb(),
            "gpu": visible_gpu(self.images.pixels.device),
        } | self._conditions()


def peak_memory_mb() -> int:
    """The most memory that this process has had, in MB of 2^20 bytes."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes that the system counts in
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20)
