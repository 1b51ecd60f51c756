"""Split the training images of prepared data into those to train on and those to validate with.

Example:

  python workflow/scripts/split_data.py --data resources/cifar10 --settings '{"validation": 5000}' --output split.json
"""

from pathlib import Path

from hardpair.cli.command import json_or_file, parser, run

KEYS = ("training", "validation", "split", "imbalance")


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--data", type=Path, required=True, help="folder of prepared data")
    keys = "training (number or null), validation (number), split (stratified or random), imbalance (number)"
    cli.add_argument("--settings", type=json_or_file, default={}, help=f"JSON or file with the keys {keys}")
    cli.add_argument("--output", type=Path, required=True)
    options = cli.parse_args()

    import numpy as np

    from hardpair.config.resolve import resolve_part
    from hardpair.data.arrays import load_part
    from hardpair.data.split import refuse_untrained, split_indices
    from hardpair.errors import UserError
    from hardpair.files.atomic import write_json
    from hardpair.files.json_text import read_json

    for key in options.settings:
        if key not in KEYS:
            raise UserError(f"--settings has {key}, on which a split does not depend: remove it")
    about = read_json(options.data / "dataset.json")
    settings = resolve_part("data", {"kind": about["kind"], "name": about["name"]} | options.settings)
    _, labels = load_part(options.data, "train")
    training, validation = split_indices(labels, *(settings[key] for key in KEYS))
    counts = np.bincount(labels[training], minlength=len(about["classes"]))
    refuse_untrained(counts, about["classes"])
    split = {"data_sha256": about["sha256"], "training": training.tolist(), "validation": validation.tolist()}
    if settings["imbalance"] != 1:
        split["training_per_class"] = dict(zip(about["classes"], counts.tolist(), strict=True))
    write_json(options.output, split)


if __name__ == "__main__":
    run(main)
