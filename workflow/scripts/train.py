"""Train one variant with one seed.

Writes last.safetensors, best.safetensors (by validation accuracy), epochs.csv, refreshes.csv, history.npz and run.json to the output
folder. Keys that --settings leaves out have their defaults. Example:

  python workflow/scripts/train.py --data resources/cifar10 --split results/cifar10/split.json \\
      --recipe results/cifar10/search/recipe.yaml \\
      --settings '{"loss": {"kind": "focal", "gamma": 2, "scale": "dynamic"}}' --seed 0 --output-dir my-run
"""

import argparse
import time
from pathlib import Path

from hardpair.command import json_or_file, parser, positive, run


def arguments() -> argparse.Namespace:
    cli = parser(__doc__)
    cli.add_argument("--data", type=Path, required=True, help="folder of prepared data")
    cli.add_argument("--split", type=Path, required=True, help="split.json: indices of training and validation images")
    cli.add_argument("--recipe", type=json_or_file, default={}, help="recipe as JSON or file; default: the published recipe")
    cli.add_argument("--settings", type=json_or_file, default={}, help="loss, sampler and precision as JSON or file")
    cli.add_argument("--seed", type=int, default=0)
    cli.add_argument("--variant", default="run", help="name of the variant, for the record")
    cli.add_argument("--code", help="hash of the training code, for the record; computed if left out")
    cli.add_argument("--threads", type=int, default=1, help="CPU threads; results depend on it (default %(default)s)")
    cli.add_argument("--gpus", type=int, default=1, help="0 computes on the CPU even where there is a GPU (default %(default)s)")
    cli.add_argument("--stop-after", type=positive, metavar="N", help="end after N epochs, on the schedule of the whole recipe")
    cli.add_argument("--progress", type=Path, help="CSV that gets a line after each epoch, with timing")
    cli.add_argument("--output-dir", type=Path, required=True)
    return cli.parse_args()


def main() -> None:
    options = arguments()
    from hardpair.lease import take_gpu

    take_gpu(options.gpus)
    import numpy as np
    from safetensors.torch import save_file

    from hardpair import job, loop
    from hardpair.files import file_sha256, write_json, write_rows, written_whole
    from hardpair.progress import Progress

    task = job.prepare(options)
    out = options.output_dir
    started = time.perf_counter()
    with Progress(options.progress, loop.EPOCH_COLUMNS, task.epochs, task.images_an_epoch) as progress:
        course = task.train(options.seed, options.stop_after, progress)
    seconds = time.perf_counter() - started

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
    if course.confusions:
        history["validation_confusion"] = np.array(course.confusions, dtype=np.int32)
    with written_whole(out / "history.npz") as temporary:
        np.savez_compressed(temporary, **history)
    record = task.record(options.seed, course) | {
        "variant": options.variant,
        "seconds": round(seconds, 3),
        "images_per_second": round(len(course.epochs) * task.images_an_epoch / seconds, 1),
        "weights": {name: file_sha256(out / f"{name}.safetensors") for name in weights},
    }
    write_json(out / "run.json", record)


if __name__ == "__main__":
    run(main)
