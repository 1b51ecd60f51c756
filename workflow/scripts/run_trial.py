"""Train the variants of a search with one proposed recipe, and write the trial's value: mean validation accuracy at the last epoch.

A trial that diverges is a result: its value is that of guessing. With --checkpoint, one that was killed goes on. Example:

  python workflow/scripts/run_trial.py --round results/cifar10/search/round0.json --trial 0 --data resources/cifar10 \\
      --split results/cifar10/split.json --settings settings.json --output trial0.json
"""

import argparse
import sys
import time
from pathlib import Path

from hardpair.cli.command import job_arguments, parser, run, settings_with


def arguments() -> argparse.Namespace:
    cli = parser(__doc__)
    cli.add_argument("--round", type=Path, required=True, help="proposals of the trial's round")
    cli.add_argument("--trial", type=int, required=True, help="number of the trial")
    cli.add_argument(
        "--settings",
        type=settings_with("epochs", "seeds", "variants"),
        required=True,
        help='JSON or file: {"epochs", "seeds", "variants": {name: {loss, sampler, precision, deterministic}}}',
    )
    job_arguments(cli)
    cli.add_argument("--output", type=Path, required=True)
    cli.set_defaults(stop_after=None)
    return cli.parse_args()


def main() -> None:
    options = arguments()
    from hardpair.jobs.gpu import only_one, take_gpu

    with only_one(options.checkpoint) as waited:
        take_gpu(options.gpus, options.jobs_per_gpu, f"trial {options.trial}")
        run_trial(options, waited)


def run_trial(options: argparse.Namespace, waited: bool) -> None:
    """Train with the proposed recipe and write the trial, unless the job that was waited for has made it."""
    from hardpair.errors import UserError
    from hardpair.files.atomic import read_json, write_json

    proposals = {entry["trial"]: entry["recipe"] for entry in read_json(options.round)["trials"]}
    if options.trial not in proposals:
        raise UserError(f"{options.round} has no trial {options.trial}: choose from {', '.join(map(str, proposals))}")
    present = trial_fingerprint(options, proposals[options.trial])
    if waited and is_whole(options.output, present):
        print(f"{options.output} was finished meanwhile: nothing to do", file=sys.stderr)
        return
    recipe = proposals[options.trial] | {"epochs": options.settings["epochs"]}
    started = time.perf_counter()
    value, error, runs, checkpoints = evaluate_recipe(options, recipe)
    write_json(
        options.output,
        {
            "fingerprint": present,
            "trial": options.trial,
            "round": read_json(options.round)["round"],
            "recipe": proposals[options.trial],
            "value": value,
            "diverged": error is not None,
            "error": error,
            "runs": runs,
            "seconds": round(time.perf_counter() - started, 3),
        },
    )
    for checkpoint in filter(None, checkpoints):
        checkpoint.unlink(missing_ok=True)


def trial_fingerprint(options: argparse.Namespace, recipe: dict) -> str:
    """Hash of all that decides the trial's value on one type of machine; ``watch`` works it out from the config."""
    from hardpair import plugins
    from hardpair.staleness.code_hash import code_hash
    from hardpair.staleness.fingerprint import fingerprint
    from hardpair.training import job

    plugins.use(options.plugins)
    variants = {name: job.complete_settings(given) for name, given in options.settings["variants"].items()}
    settings = {key: options.settings[key] for key in ("epochs", "seeds")} | {"variants": variants}
    files = (file for variant in variants.values() for file in plugins.code_files(variant))
    code = options.code or code_hash("run_trial.py", *files)
    return fingerprint(settings, recipe, options.trial, options.split, code)  # the settings hold its seeds


def is_whole(path: Path, fingerprint: str) -> bool:
    """Whether a file holds a finished trial of this fingerprint."""
    from hardpair.errors import UserError
    from hardpair.files.atomic import read_json

    try:
        return read_json(path)["fingerprint"] == fingerprint
    except (UserError, OSError, KeyError, TypeError):  # whatever lies there is no finished trial
        return False


def evaluate_recipe(options: argparse.Namespace, recipe: dict) -> tuple[float, str | None, list[dict], list]:
    """Mean validation accuracy at the last epoch of all variants and seeds, the error if one diverged, the runs and their checkpoints."""
    from hardpair.errors import UserError
    from hardpair.jobs.progress import Progress
    from hardpair.training import job, loop

    runs, checkpoints = [], []
    for name, settings in options.settings["variants"].items():
        task = job.prepare(options, settings, recipe)
        if len(task.split["validation"]) == 0:
            raise UserError(f"{options.split} holds out no validation images, by which a trial is judged: make the split with some")
        for seed in options.settings["seeds"]:
            checkpoints.append(options.checkpoint and options.checkpoint.with_suffix(f".{name}.seed{seed}.safetensors"))
            try:
                with Progress(None, loop.EPOCH_COLUMNS, task.epochs, task.images_an_epoch) as progress:
                    course = task.train(seed, progress, checkpoints[-1], options.checkpoint_seconds)
            except loop.Diverged as error:
                return 1 / len(task.images.classes), str(error), runs, checkpoints
            runs.append({"variant": name, "seed": seed, "accuracy": course.epochs[-1]["validation_accuracy"]})
    return sum(entry["accuracy"] for entry in runs) / len(runs), None, runs, checkpoints


if __name__ == "__main__":
    run(main)
