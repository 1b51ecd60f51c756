"""What ``train`` and ``run_trial`` share: a job's inputs made ready, and the record of what it was."""

import resource
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from hardpair import loop
from hardpair.code import code_hash
from hardpair.config import resolve_part
from hardpair.device import choose_device, choose_precision, device_name
from hardpair.files import read_json
from hardpair.provenance import fingerprint, versions
from hardpair.settings import Recipe
from hardpair.tensors import Images, load_images, load_split


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

    def train(self, seed: int, stop_after: int | None = None, on_epoch: Callable = lambda record, seconds: None) -> loop.Course:
        """Train with a seed; see ``loop.train``."""
        recipe = Recipe(**self.recipe | {"lr_drops": tuple(self.recipe["lr_drops"])})
        return loop.train(
            self.images, self.split, self.settings["loss"], self.settings["sampler"], recipe, seed, self.precision, stop_after, on_epoch
        )

    def record(self, seed: int, course: loop.Course) -> dict:
        """Provenance of a finished run, for run.json."""
        about = read_json(self.data / "dataset.json")
        device = self.images.pixels.device
        peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {
            "fingerprint": fingerprint(self.settings, self.recipe, seed, self.split_path, self.code),
            "seed": seed,
            "settings": self.settings,
            "recipe": self.recipe,
            "code": self.code,
            "parameters": sum(value.numel() for value in course.last.values()),
            "data": {key: about[key] for key in ("name", "sha256")},
            **{key: about[key] for key in ("classes", "size", "mean", "std")},
            "epochs": len(course.epochs),
            "best_epoch": course.best_epoch,
            "device": device_name(device),
            "device_type": device.type,
            "precision": self.precision,
            "threads": torch.get_num_threads(),
            "versions": versions(),
            "peak_memory_mb": round(peak_kib / 1024),
        }


def complete_settings(given: dict) -> dict:
    """Settings of a job (``loss``, ``sampler``, ``precision``) with the schema's defaults for what is left out.

    Raises:
        UserError: a key or value is wrong.
    """
    variant = resolve_part("variant", {"name": "run"} | {key: value for key, value in given.items() if key != "precision"})
    train = resolve_part("train", {key: value for key, value in given.items() if key == "precision"})
    return {"loss": variant["loss"], "sampler": variant["sampler"], "precision": train["precision"]}


def prepare(options: Namespace, settings: dict | None = None, recipe: dict | None = None) -> Job:
    """Load images and split, choose device, precision and threads; ``options`` are the arguments that both scripts have."""
    settings = complete_settings(options.settings if settings is None else settings)
    recipe = resolve_part("recipe", options.recipe if recipe is None else recipe)
    torch.set_num_threads(options.threads)
    device = choose_device(options.gpus)
    if options.gpus and device.type == "cpu":
        print("no GPU here: training on the CPU", file=sys.stderr)
    script = Path(sys.argv[0]).name
    kinds = (f"hardpair/losses/{settings['loss']['kind']}.py", f"hardpair/samplers/{settings['sampler']['kind']}.py")
    return Job(
        settings=settings,
        recipe=recipe,
        images=load_images(options.data, "train", device),
        split=load_split(options.split, options.data),
        split_path=options.split,
        data=options.data,
        precision=choose_precision(settings["precision"], device),
        code=options.code or code_hash(script, *kinds),
        epochs=min(options.stop_after or recipe["epochs"], recipe["epochs"]),
    )
