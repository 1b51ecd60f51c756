"""Train one variant with one seed.

Writes last.safetensors, best.safetensors (by validation accuracy), epochs.csv, refreshes.csv, history.npz and run.json to the output
folder. Keys that --settings leaves out have their defaults. With --checkpoint, a run that was killed or stopped continues when the same
command is given again, with bit-identical results. Example:

  python workflow/scripts/train.py --data resources/cifar10 --split results/cifar10/split.json \\
      --recipe results/cifar10/search/recipe.yaml \\
      --settings '{"loss": {"kind": "focal", "gamma": 2, "scale": "dynamic"}}' --seed 0 --output-dir my-run
"""

import sys
from dataclasses import replace
from pathlib import Path

from hardpair.cli.command import count, job_arguments, json_or_file, parser, positive, run


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--recipe", type=json_or_file, default={}, help="recipe as JSON or file; default: the published recipe")
    cli.add_argument(
        "--settings",
        type=json_or_file,
        default={},
        help="JSON or file: loss, sampler, network, recipe (replaces keys of --recipe), precision, deterministic",
    )
    cli.add_argument("--seed", type=count, default=0)
    cli.add_argument("--variant", default="run", help="name of the variant, for the record")
    cli.add_argument("--stop-after", type=positive, metavar="N", help="end after N epochs, on the schedule of the full recipe")
    cli.add_argument("--progress", type=Path, help="CSV that gets a line after each epoch, with timing")
    job_arguments(cli)
    cli.add_argument("--output-dir", type=Path, required=True)
    options = cli.parse_args()

    from hardpair.jobs.gpu import take_gpu
    from hardpair.jobs.locks import only_one

    with only_one(options.checkpoint) as waited:
        take_gpu(options.gpus, options.jobs_per_gpu, f"{options.variant} with seed {options.seed}")
        from hardpair import plugins
        from hardpair.device import start_device
        from hardpair.jobs.progress import Progress
        from hardpair.staleness import code_hash
        from hardpair.training import run_folder
        from hardpair.training.divergence import Diverged
        from hardpair.training.history import EPOCH_COLUMNS
        from hardpair.training.job import Job, Saving
        from hardpair.training.recipe import Recipe, RunSettings

        plugins.use(options.plugins)
        settings = RunSettings.checked(options.settings, Recipe.checked(options.recipe))
        device = start_device(options.gpus, options.threads, settings.deterministic)
        code = code_hash.of_now("train.py", *plugins.code_files(settings.keys()), planned=options.code)
        job = Job.load(options.data, options.split, settings, device, code)
        if options.stop_after:
            job = replace(job, epochs=min(options.stop_after, job.epochs))
        if waited and run_folder.is_complete(options.output_dir, job.fingerprint(options.seed), job.epochs):
            print(f"{options.output_dir} was finished meanwhile: nothing to do", file=sys.stderr)
            return
        with Progress(options.progress, EPOCH_COLUMNS, job.epochs, job.images_per_epoch) as progress:
            try:
                history = job.train(options.seed, progress, Saving(options.checkpoint, options.checkpoint_seconds))
            except Diverged:
                if options.checkpoint:
                    options.checkpoint.unlink(missing_ok=True)  # it would only diverge again
                raise
        run_folder.write(options.output_dir, history, job.record(options.seed, history) | {"variant": options.variant})


if __name__ == "__main__":
    run(main)
