"""Bring images of any source into one form: train/ and test/ with images.npy and labels.npy, and dataset.json.

Examples:

  python workflow/scripts/prepare_data.py --kind cifar10 --name cifar10 --source cifar-10-python.tar.gz --output-dir resources/cifar10
  python workflow/scripts/prepare_data.py --kind synthetic --name synthetic --output-dir resources/synthetic
"""

import argparse
from pathlib import Path

from hardpair.command import json_or_file, parser, run


def arguments() -> argparse.Namespace:
    cli = parser(__doc__)
    cli.add_argument("--kind", choices=["cifar10", "cifar100", "synthetic"], required=True)
    cli.add_argument("--name", required=True, help="label of the prepared data")
    cli.add_argument("--source", type=Path, help="archive or folder (not for synthetic)")
    cli.add_argument(
        "--settings", type=json_or_file, default={}, help='JSON or file: {"synthetic": {"train", "test", "size", "separation"}}'
    )
    cli.add_argument("--code", help=argparse.SUPPRESS)
    cli.add_argument("--output-dir", type=Path, required=True)
    return cli.parse_args()


def main() -> None:
    options = arguments()
    from hardpair import dataset
    from hardpair.config import resolve_part
    from hardpair.errors import UserError
    from hardpair.sources import cifar, synthetic

    settings = resolve_part("data", options.settings | {"kind": options.kind, "name": options.name})
    if options.kind == "synthetic":
        about, parts = synthetic.generate(**settings["synthetic"])
    elif options.source is None:
        raise UserError(f"--source is missing: name the archive or folder of {options.kind}")
    else:
        about, parts = cifar.read(options.kind, options.source)
    dataset.save(options.output_dir, {"kind": options.kind, "name": options.name} | about, parts)


if __name__ == "__main__":
    run(main)
