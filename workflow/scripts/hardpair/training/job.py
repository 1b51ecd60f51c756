"""What ``train`` and ``run_trial`` share: a job's inputs made ready, and the record of what it was."""

import resource
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from hardpair import plugins
from hardpair.config.resolve import canonical, resolve_part
from hardpair.device import choose_device, choose_precision, configure, device_name, visible_gpu, why_cpu
from hardpair.files.atomic import read_json
from hardpair.jobs.stopping import Stop
from hardpair.staleness.code_hash import code_hash
from hardpair.staleness.fingerprint import fingerprint, versions
from hardpair.training import loop
from hardpair.training.checkpoint import Keeper
from hardpair.training.images import Images, load_images, load_split
from hardpair.training.recipe import Recipe

COMPUTING = ("precision", "deterministic")  # keys of ``train`` in config on which results depend


@dataclass(frozen=True)
class Job:
    """A variant with its recipe and images on a device, ready to be trained with any seed."""

    settings: dict
    recipe: dict
    images: Images
    split: dict[str, torch.Tensor]
    split_path: Path
    data: Path
    precision: str
    code: str
    epochs: int

    @property
    def images_an_epoch(self) -> int:
        """Training images."""
        return len(self.split["training"])

    def train(
        self, seed: int, on_epoch: Callable[[dict, float], None], checkpoint: Path | None = None, checkpoint_seconds: float = 60
    ) -> loop.Course:
        """Train with a seed; see ``loop.Training.run``.

        Args:
            checkpoint: where to save the state from time to time, and to go on from if it is there.

        Raises:
            Stopped: a signal came; the state is saved.
        """
        recipe = Recipe(**self.recipe | {"lr_drops": tuple(self.recipe["lr_drops"])})
        loss, sampler = self.settings["loss"], self.settings["sampler"]
        training = loop.Training(self.images, self.split, loss, sampler, recipe, seed, self.precision, self.epochs)
        if checkpoint is None:
            return training.run(on_epoch)
        # Only a job that would come to the same bits goes on from it.
        key = canonical({"run": self.fingerprint(seed), "epochs": self.epochs} | self._conditions())
        with Stop() as stop:
            keeper = Keeper(checkpoint, key, checkpoint_seconds, stop)
            keeper.resume(training)
            try:
                return training.run(on_epoch, keeper.on_pause)
            except loop.Diverged:
                checkpoint.unlink(missing_ok=True)  # it would only diverge again
                raise

    def fingerprint(self, seed: int) -> str:
        """What decides a run's result on one type of machine."""
        return fingerprint(self.settings, self.recipe, seed, self.split_path, self.code)

    def _conditions(self) -> dict:
        """What else may change the bits of a result."""
        device = self.images.pixels.device
        return {
            "device": device_name(device),
            "device_type": device.type,
            "precision": self.precision,
            "threads": torch.get_num_threads(),
            "versions": versions(),
        }

    def record(self, seed: int, course: loop.Course) -> dict:
        """Provenance of a finished run, for run.json."""
        about = read_json(self.data / "dataset.json")
        return {
            "fingerprint": self.fingerprint(seed),
            "seed": seed,
            "settings": self.settings,
            "recipe": self.recipe,
            "code": self.code,
            "parameters": sum(value.numel() for value in course.last.values() if value.dim()),  # a scale is none
            "data": {key: about[key] for key in ("name", "sha256")},
            **{key: about[key] for key in ("classes", "size", "mean", "std")},
            "epochs": len(course.epochs),
            "best_epoch": course.best_epoch,
            "seconds": round(seconds := sum(course.seconds), 3),
            "images_per_second": round(len(course.epochs) * self.images_an_epoch / seconds, 1),
            "peak_memory_mb": peak_memory_mb(),
            "gpu": visible_gpu(self.images.pixels.device),
        } | self._conditions()


def peak_memory_mb() -> int:
    """The most memory that this process has had, in MB of 2^20 bytes."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes that the system counts in
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20)


def complete_settings(given: dict) -> dict:
    """Settings of a job (``loss``, ``sampler``, ``precision``, ``deterministic``) with the schema's defaults for what is left out.

    Raises:
        UserError: a key or value is wrong.
    """
    variant = resolve_part("variant", {"name": "run"} | {key: value for key, value in given.items() if key not in COMPUTING})
    train = resolve_part("train", {key: value for key, value in given.items() if key in COMPUTING})
    return {"loss": variant["loss"], "sampler": variant["sampler"]} | {key: train[key] for key in COMPUTING}


def prepare(options: Namespace, settings: dict | None = None, recipe: dict | None = None) -> Job:
    """Load images and split, choose device, precision and threads; ``options`` are the arguments that both scripts have."""
    plugins.use(options.plugins)
    settings = complete_settings(options.settings if settings is None else settings)
    recipe = resolve_part("recipe", options.recipe if recipe is None else recipe)
    device = choose_device(options.gpus)
    configure(device, options.threads, settings["deterministic"])
    if device.type == "cpu":
        print(f"training on the CPU: {why_cpu(options.gpus)}", file=sys.stderr)
    script = Path(sys.argv[0]).name
    return Job(
        settings=settings,
        recipe=recipe,
        images=load_images(options.data, "train", device),
        split=load_split(options.split, options.data),
        split_path=options.split,
        data=options.data,
        precision=choose_precision(settings["precision"], device),
        code=options.code or code_hash(script, *plugins.code_files(settings)),
        epochs=min(options.stop_after or recipe["epochs"], recipe["epochs"]),
    )
