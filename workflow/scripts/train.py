"""Train one variant with one seed.

Writes last.safetensors, best.safetensors (by validation accuracy), epochs.csv, refreshes.csv, history.npz and run.json to the output
folder. Keys that --settings leaves out have their defaults. With --checkpoint, a run that was killed or told to stop goes on when the same
command is given again, and comes to the same bits. Example:

  python workflow/scripts/train.py --data resources/cifar10 --split results/cifar10/split.json \\
      --recipe results/cifar10/search/recipe.yaml \\
      --settings '{"loss": {"kind": "focal", "gamma": 2, "scale": "dynamic"}}' --seed 0 --output-dir my-run
"""

import argparse
import sys
from pathlib import Path

from hardpair.cli.command import job_arguments, json_or_file, parser, positive, run


def arguments() -> argparse.Namespace:
    cli = parser(__doc__)
    cli.add_argument("--recipe", type=json_or_file, default={}, help="recipe as JSON or file; default: the published recipe")
    cli.add_argument("--settings", type=json_or_file, default={}, help="loss, sampler, precision and deterministic as JSON or file")
    cli.add_argument("--seed", type=int, default=0)
    cli.add_argument("--variant", default="run", help="name of the variant, for the record")
    cli.add_argument("--stop-after", type=positive, metavar="N", help="end after N epochs, on the schedule of the whole recipe")
    cli.add_argument("--progress", type=Path, help="CSV that gets a line after each epoch, with timing")
    job_arguments(cli)
    cli.add_argument("--output-dir", type=Path, required=True)
    return cli.parse_args()


def main() -> None:
    options = arguments()
    from hardpair.jobs.gpu import only_one, take_gpu

    with only_one(options.checkpoint) as waited:
        take_gpu(options.gpus, options.jobs_per_gpu, f"{options.variant} with seed {options.seed}")
        train(options, waited)


def train(options: argparse.Namespace, waited: bool) -> None:
    """Train and write the results, unless the job that was waited for has made them."""
    import numpy as np
    from safetensors.torch import save_file

    from hardpair.files.atomic import file_sha256, write_json, write_rows, written_whole
    from hardpair.jobs.progress import Progress
    from hardpair.training import job, loop

    task = job.prepare(options)
    out = options.output_dir
    if waited and is_whole(out, task.fingerprint(options.seed)):
        print(f"{out} was finished meanwhile: nothing to do", file=sys.stderr)
        return
    with Progress(options.progress, loop.EPOCH_COLUMNS, task.epochs, task.images_an_epoch) as progress:
        course = task.train(options.seed, progress, options.checkpoint, options.checkpoint_seconds)

    weights = {"last": course.last} | ({"best": course.best} if course.best else {})
    for name, tensors in weights.items():
        with written_whole(out / f"{name}.safetensors") as temporary:
            save_file(tensors, temporary)
    write_rows(out / "epochs.csv", course.epochs, loop.EPOCH_COLUMNS)
    write_rows(out / "refreshes.csv", course.refreshes, loop.REFRESH_COLUMNS)
    history = {
        "refresh_epoch": np.array([row["epoch"] for row in course.refreshes]),
        "p_histogram": np.array(course.histograms),
    }
    history |= {f"{part}_share": np.array(given) for part, given in course.shares.items() if np.isfinite(given).any()}
    if course.confusions:
        history["validation_confusion"] = np.array(course.confusions, dtype=np.int32)
    with written_whole(out / "history.npz") as temporary:
        np.savez_compressed(temporary, **history)
    record = task.record(options.seed, course) | {
        "variant": options.variant,
        "weights": {name: file_sha256(out / f"{name}.safetensors") for name in weights},
    }
    write_json(out / "run.json", record)
    if options.checkpoint:
        options.checkpoint.unlink(missing_ok=True)


def is_whole(folder: Path, fingerprint: str) -> bool:
    """Whether a folder holds a finished run of this fingerprint; its run.json is written last."""
    from hardpair.errors import UserError
    from hardpair.files.atomic import file_sha256, read_json

    try:
        record = read_json(folder / "run.json")
        whole = all(file_sha256(folder / f"{name}.safetensors") == digest for name, digest in record["weights"].items())
    except (UserError, OSError, KeyError, TypeError, AttributeError):  # whatever lies there is no finished run
        return False
    return whole and record["fingerprint"] == fingerprint


if __name__ == "__main__":
    run(main)
