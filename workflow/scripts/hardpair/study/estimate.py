"""How much a study has to compute, and how long that takes at a given rate. Imports no torch."""

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path

from hardpair.config.resolve import canonical
from hardpair.config.schema import CNN
from hardpair.data import sources
from hardpair.errors import UserError
from hardpair.files import formats, paths, shapes
from hardpair.staleness import plan
from hardpair.wording import counted

LONG = 1_000_000  # images to train on from which a study is worth measuring the machine for: at least half an hour of one CPU core
START_UP = 5  # seconds that a job takes before its first step and after its last


@dataclass(frozen=True)
class Workload:
    """The work of runs and trials that are still to do."""

    runs: int
    trials: int
    run_images: int  # that a run trains on, counted in every epoch
    trial_images: int
    trainings: int  # of a trial: one for each searched variant and seed
    passes: float  # forward and backward passes an image trained on: more than 1 because of refreshes and validation
    evaluated: int  # images that each model of a run is evaluated on
    models: int  # saved models of a run
    moments: int  # numbers that the optimiser keeps for each parameter

    @property
    def images(self) -> int:
        """Images trained on in all."""
        return self.runs * self.run_images + self.trials * self.trial_images

    def seconds(self, rate: float, at_once: int, trained: int = 0) -> float:
        """Time for all jobs at ``rate`` images/s a job and ``at_once`` jobs side by side, ``trained`` images being done already."""
        jobs = self.trials + 2 * self.runs  # a run is trained and evaluated
        return (max(self.images - trained, 0) / rate + jobs * START_UP) / max(min(at_once, self.runs + self.trials), 1)

    def disk(self, parameters: int, classes: int) -> int:
        """Bytes at most, in float32: states of all trials, kept until the search ends, or weights and logits of all runs."""
        states = self.trials * self.trainings * (2 + self.moments) * 4 * parameters  # the network as it is, and as it was best
        return max(states, self.runs * self.models * 4 * (parameters + self.evaluated * classes))


def workload(config: dict, runs: int, trials: int) -> Workload:
    """The work of so many runs and trials of a resolved config."""
    data, recipe, search = config["data"], config["recipe"], config["search"]
    images = inventory(config)
    training = data["training"] or images.train - data["validation"]
    if data["imbalance"] != 1:
        import numpy as np

        from hardpair.data.split import long_tail

        training = int(long_tail(np.full(len(images.classes), training // len(images.classes)), data["imbalance"]).sum())
    refreshes = recipe["epochs"] // recipe["refresh_every"] + 2  # before the first epoch and after epoch 4 too
    forward = training * refreshes + data["validation"] * recipe["epochs"]
    trainings = plan.trainings(config, plan.searches(config)[0])
    return Workload(
        runs=runs,
        trials=trials,
        run_images=training * recipe["epochs"],
        trial_images=training * search["epochs"] * trainings,
        trainings=trainings,
        passes=1 + forward / 3 / (training * recipe["epochs"]),  # a forward pass is a third of a training step
        evaluated=data["validation"] if config["evaluate"]["images"] == "validation" else images.test,
        models=2 if data["validation"] else 1,
        moments=2 if recipe.get("optimizer") == "adamw" else 1,
    )


def inventory(config: dict) -> sources.Inventory:
    """How many images a config's data have, of which classes and size."""
    data = config["data"]
    return sources.get(data["kind"]).inventory(data, paths.IMAGES / data["name"])


def networks(config: dict) -> list[dict]:
    """The network of each variant of a resolved config."""
    return [variant.get("network", CNN) for variant in config["variants"]]


def known_rates(folder: Path) -> dict[str, list[float]]:
    """Images/s of each finished run in a study's folder, by the canonical text of its network."""
    rates: dict[str, list[float]] = {}
    for path in paths.every(folder, paths.RUN_RECORD):
        with contextlib.suppress(UserError):  # not a run of ours; the comparison reports it
            record = shapes.read(path, {"images_per_second": formats.rate, "settings?": formats.NAMED})
            network = record.get("settings", {}).get("network", CNN)
            rates.setdefault(canonical(network), []).append(record["images_per_second"])
    return rates


def duration(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3 h 20 min``, ``2 days 4 h``."""
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{counted(days, 'day')} {hours % 24} h"
    return f"{hours} h {minutes % 60:02d} min" if hours else f"{minutes} min"
