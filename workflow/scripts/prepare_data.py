"""Bring images of any source into one form: train/ and test/ with images.npy and labels.npy, and dataset.json.

Examples:

  python workflow/scripts/prepare_data.py --kind cifar10 --name cifar10 --source cifar-10-python.tar.gz --output-dir resources/cifar10
  python workflow/scripts/prepare_data.py --kind synthetic --name synthetic --output-dir resources/synthetic
  python workflow/scripts/prepare_data.py --kind folder --name pets --source pets.zip --settings '{"size": 64}' --output-dir resources/pets
"""

import argparse
from pathlib import Path

from hardpair.cli.command import json_or_file, parser, positive, run


def arguments() -> argparse.Namespace:
    cli = parser(__doc__)
    cli.add_argument("--kind", choices=["cifar10", "cifar100", "folder", "synthetic"], required=True)
    cli.add_argument("--name", required=True, help="label of the prepared data")
    cli.add_argument("--source", type=Path, help="archive or folder (not for synthetic)")
    cli.add_argument(
        "--settings",
        type=json_or_file,
        default={},
        help='JSON or file: {"synthetic": {"train", "test", "size", "separation"}} or, for a folder, {"size", "test_share"}',
    )
    cli.add_argument(
        "--on-bad-image", choices=["refuse", "skip"], default="refuse", help="what to do where a file of a folder is no picture"
    )
    cli.add_argument(
        "--min-images", type=positive, default=2, help="fewest pictures of a class of a folder in each part (default %(default)s)"
    )
    cli.add_argument("--threads", type=positive, default=1, help="threads that decode pictures of a folder (default %(default)s)")
    cli.add_argument("--output-dir", type=Path, required=True)
    return cli.parse_args()


def main() -> None:
    options = arguments()
    from hardpair.config.resolve import resolve_part
    from hardpair.data import dataset
    from hardpair.data.sources import cifar, synthetic
    from hardpair.errors import UserError

    settings = resolve_part("data", options.settings | {"kind": options.kind, "name": options.name})
    about = {"kind": options.kind, "name": options.name}
    if options.kind == "synthetic":
        more, parts = synthetic.generate(**settings["synthetic"])
    elif options.source is None:
        raise UserError(f"--source is missing: name the archive or folder of {options.kind}")
    elif options.kind == "folder":
        prepare_pictures(options, settings, about)
        return
    else:
        more, parts = cifar.read(options.kind, options.source)
    dataset.save(options.output_dir, about | more, parts)


def prepare_pictures(options: argparse.Namespace, settings: dict, about: dict) -> None:
    """Bring your own pictures into the form of all others, and say what was found."""
    from hardpair.data import dataset
    from hardpair.data.sources import folder, planned, tree
    from hardpair.files.atomic import write_json
    from hardpair.training.model_size import parameter_count

    fingerprint = tree.fingerprint(options.source)
    pictures = folder.read(options.source, settings["size"], settings["test_share"], options.threads)
    found = folder.report(pictures, options.output_dir)
    folder.refuse(pictures, options.source, options.output_dir, options.on_bad_image, options.min_images)
    parts, size, classes = pictures.arrays(), settings["size"], pictures.classes
    weights = parameter_count(len(classes), size)
    dataset.save(options.output_dir, about | {"classes": classes, "parameters": weights}, parts)
    record = {"source": str(options.source), "fingerprint": fingerprint, "test_share": settings["test_share"]}
    write_json(options.output_dir / planned.RECORD, record | {"counts": pictures.counts(), "skipped": len(pictures.bad)})
    train, test = (len(parts[part][1]) for part in ("train", "test"))
    print(
        *found,
        f"{len(classes)} classes, {train:,} training and {test:,} test pictures of {size} × {size} pixels; "
        f"the network has {weights:,} parameters for them",
        sep="\n",
    )


if __name__ == "__main__":
    run(main)
