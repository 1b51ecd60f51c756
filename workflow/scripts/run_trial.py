"""Train the variants of a search with one proposed recipe, and write the trial's value: mean validation accuracy at the last epoch.

A trial that diverges is a result: its value is that of guessing. With --checkpoint, one that was killed continues; the states of its runs
stay beside the checkpoint's path until whoever keeps its result removes them. Example:

  python workflow/scripts/run_trial.py --round results/cifar10/search/round0.json --trial 0 --data resources/cifar10 \\
      --split results/cifar10/split.json --settings settings.json --output trial0.json
"""

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hardpair.cli.command import job_arguments, parser, run, settings_with

if TYPE_CHECKING:
    from hardpair.training.job import Job, Saving


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--round", type=Path, required=True, help="proposals of the trial's round")
    cli.add_argument("--trial", type=int, required=True, help="number of the trial")
    read_settings, keys = settings_with("epochs", "seeds", "variants"), "epochs, seeds, variants (by name, settings as for train.py)"
    cli.add_argument("--settings", type=read_settings, required=True, help=f"JSON or file with the keys {keys}")
    job_arguments(cli)
    cli.add_argument("--output", type=Path, required=True)
    options = cli.parse_args()

    from hardpair.jobs.gpu import take_gpu
    from hardpair.jobs.locks import only_one

    with only_one(options.checkpoint) as waited:
        take_gpu(options.gpus, options.jobs_per_gpu, f"trial {options.trial}")
        from hardpair import plugins
        from hardpair.device import start_device
        from hardpair.errors import UserError
        from hardpair.files import own_digest
        from hardpair.files.atomic import write_json
        from hardpair.files.json_text import read_json
        from hardpair.staleness import code_hash
        from hardpair.staleness.fingerprint import fingerprint
        from hardpair.training.job import Job, Saving
        from hardpair.training.recipe import Recipe, RunSettings

        plugins.use(options.plugins)
        round_ = read_json(options.round)
        recipes = {entry["trial"]: entry["recipe"] for entry in round_["trials"]}
        if options.trial not in recipes:
            raise UserError(f"{options.round} has no trial {options.trial}: choose from {', '.join(map(str, recipes))}")
        recipe, epochs, seeds = recipes[options.trial], options.settings["epochs"], options.settings["seeds"]
        try:
            shorter = Recipe.checked(recipe | {"epochs": epochs})
        except UserError as error:
            raise UserError(f"{options.round}, trial {options.trial}: {error}; delete it and run propose_trials again") from None
        variants = {name: RunSettings.checked(keys, shorter) for name, keys in options.settings["variants"].items()}
        own = {name: {"recipe": keys["recipe"]} if "recipe" in keys else {} for name, keys in options.settings["variants"].items()}
        keys = {name: settings.keys() | own[name] for name, settings in variants.items()}
        complete = {"epochs": epochs, "seeds": seeds, "variants": keys}
        files = (file for settings in variants.values() for file in plugins.code_files(settings.keys()))
        code = code_hash.of_now("run_trial.py", *files, planned=options.code)
        present = fingerprint(complete, recipe, options.trial, options.split, code)  # the settings hold its seeds
        if waited and is_complete(options.output, present):
            print(f"{options.output} was finished meanwhile: nothing to do", file=sys.stderr)
            return
        started = time.perf_counter()
        device = start_device(options.gpus, options.threads, any(settings.deterministic for settings in variants.values()))
        job = replace(Job.load(options.data, options.split, next(iter(variants.values())), device, code), observed=False)
        if len(job.split["validation"]) == 0:
            raise UserError(f"{options.split} holds out no validation images, by which a trial is judged: make the split with some")
        jobs = {name: replace(job, settings=settings, epochs=settings.recipe.epochs) for name, settings in variants.items()}
        value, error, runs = train_all(jobs, seeds, Saving(options.checkpoint, options.checkpoint_seconds))
        trial = {"fingerprint": present, "trial": options.trial, "round": round_["round"], "recipe": recipe, "value": value}
        trial |= {"diverged": error is not None, "error": error, "runs": runs, "seconds": round(time.perf_counter() - started, 3)}
        write_json(options.output, own_digest.added(trial))


def is_complete(path: Path, fingerprint: str) -> bool:
    """Whether a file holds a finished trial of this fingerprint."""
    from hardpair.errors import UserError
    from hardpair.files.json_text import read_json

    try:
        return read_json(path)["fingerprint"] == fingerprint
    except (UserError, OSError, KeyError, TypeError):  # whatever lies there is no finished trial
        return False


def checkpoint_of(trial: Path, variant: str, seed: int) -> Path:
    """The checkpoint of one of a trial's runs."""
    return trial.with_suffix(f".{variant}.seed{seed}.safetensors")


def train_all(jobs: dict[str, "Job"], seeds: list[int], saving: "Saving") -> tuple[float, str | None, list[dict]]:
    """Mean validation accuracy at the last epoch of all variants and seeds, the error if one diverged, and the runs."""
    from hardpair.jobs.progress import Progress
    from hardpair.training.divergence import Diverged
    from hardpair.training.history import EPOCH_COLUMNS

    runs = []
    for name, job in jobs.items():
        for seed in seeds:
            run_saving = replace(saving, path=saving.path and checkpoint_of(saving.path, name, seed))
            try:
                with Progress(None, EPOCH_COLUMNS, job.epochs, job.images_per_epoch) as progress:
                    history = job.train(seed, progress, run_saving)
            except Diverged as error:
                return 1 / len(job.images.classes), str(error), runs
            runs.append({"variant": name, "seed": seed, "accuracy": history.epochs[-1]["validation_accuracy"]})
    return sum(entry["accuracy"] for entry in runs) / len(runs), None, runs


if __name__ == "__main__":
    run(main)
