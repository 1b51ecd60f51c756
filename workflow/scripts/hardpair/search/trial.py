"""A trial: the variants of a search, trained with one proposed recipe."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from hardpair import plugins
from hardpair.errors import UserError
from hardpair.files.json_text import read_json
from hardpair.jobs.progress import Progress
from hardpair.staleness.fingerprint import fingerprint
from hardpair.training.divergence import Diverged
from hardpair.training.history import EPOCH_COLUMNS
from hardpair.training.job import Job, Saving
from hardpair.training.recipe import Recipe, RunSettings


@dataclass(frozen=True)
class Trial:
    """A proposed recipe and what is trained with it.

    Attributes:
        number, round: counted from 0.
        recipe: as it was proposed, without epochs.
        epochs: to train.
        variants: settings of each, with the recipe for so many epochs and the variant's own keys.
        own: what each variant sets itself: ``recipe`` with some of its keys, or nothing.
    """

    number: int
    round: int
    recipe: dict
    epochs: int
    seeds: list[int]
    variants: dict[str, RunSettings]
    own: dict[str, dict]

    @classmethod
    def read(cls, proposals: Path, number: int, settings: dict) -> "Trial":
        """The trial of this number, from the proposals of its round.

        Args:
            settings: ``epochs``, ``seeds`` and ``variants`` (settings by name).

        Raises:
            UserError: the round has no such trial, or a recipe or a setting is wrong.
        """
        round_ = read_json(proposals)
        recipes = {entry["trial"]: entry["recipe"] for entry in round_["trials"]}
        if number not in recipes:
            raise UserError(f"{proposals} has no trial {number}: choose from {', '.join(map(str, recipes))}")
        recipe, epochs = recipes[number], settings["epochs"]
        try:
            shorter = Recipe.checked(recipe | {"epochs": epochs})
        except UserError as error:
            raise UserError(f"{proposals}, trial {number}: {error}; delete it and run propose_trials again") from None
        variants = {name: RunSettings.checked(keys, shorter) for name, keys in settings["variants"].items()}
        own = {name: {"recipe": keys["recipe"]} if "recipe" in keys else {} for name, keys in settings["variants"].items()}
        return cls(number, round_["round"], recipe, epochs, settings["seeds"], variants, own)

    @property
    def deterministic(self) -> bool:
        """Whether a GPU must give the same bits each time."""
        return any(settings.deterministic for settings in self.variants.values())

    def code_files(self) -> list[str]:
        """The files of losses, samplers and networks, as ``code_hash`` takes them."""
        return [file for settings in self.variants.values() for file in plugins.code_files(settings.keys())]

    def fingerprint(self, split: Path, code: str) -> str:
        """What decides the trial's value on one type of machine."""
        variants = {name: settings.keys() | self.own[name] for name, settings in self.variants.items()}
        complete = {"epochs": self.epochs, "seeds": self.seeds, "variants": variants}
        return fingerprint(complete, self.recipe, self.number, split, code)  # the settings hold its seeds

    def train(self, data: Path, split: Path, device: torch.device, code: str, saving: Saving) -> dict:
        """Train every variant with every seed: the trial's value, the error if one diverged, and the runs.

        The value is the mean validation accuracy at the last epoch. A trial that diverges is a result: its value is that of guessing.

        Raises:
            UserError: there are no validation images, the split was made for other data, or a plugin cannot be used.
            Stopped: a signal came; the states are saved.
        """
        job = replace(Job.load(data, split, next(iter(self.variants.values())), device, code), observed=False)
        if len(job.split["validation"]) == 0:
            raise UserError(f"{split} holds out no validation images, by which a trial is judged: make the split with some")
        runs = []
        for name, settings in self.variants.items():
            job = replace(job, settings=settings, epochs=settings.recipe.epochs)
            for seed in self.seeds:
                run_saving = replace(saving, path=saving.path and checkpoint_of(saving.path, name, seed))
                try:
                    with Progress(None, EPOCH_COLUMNS, job.epochs, job.images_per_epoch) as progress:
                        history = job.train(seed, progress, run_saving)
                except Diverged as error:
                    return {"value": 1 / len(job.images.classes), "diverged": True, "error": str(error), "runs": runs}
                runs.append({"variant": name, "seed": seed, "accuracy": history.epochs[-1]["validation_accuracy"]})
        value = sum(run["accuracy"] for run in runs) / len(runs)
        return {"value": value, "diverged": False, "error": None, "runs": runs}


def checkpoint_of(trial: Path, variant: str, seed: int) -> Path:
    """The checkpoint of one of a trial's runs."""
    return trial.with_suffix(f".{variant}.seed{seed}.safetensors")
