"""Convert images of any source to one format: train/ and test/ with images.npy and labels.npy, and dataset.json.

Examples:

  python workflow/scripts/prepare_data.py --kind cifar10 --name cifar10 --source cifar-10-python.tar.gz --output-dir resources/cifar10
  python workflow/scripts/prepare_data.py --kind synthetic --name synthetic --output-dir resources/synthetic
  python workflow/scripts/prepare_data.py --kind folder --name pets --source pets.zip --settings '{"size": 64}' --output-dir resources/pets
"""

from pathlib import Path

from hardpair.cli.command import json_or_file, parser, positive, run
from hardpair.data import sources


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--kind", choices=sources.kinds(), required=True)
    cli.add_argument("--name", required=True, help="label of the prepared data")
    cli.add_argument("--source", type=Path, help="archive or folder, for images that are not generated")
    keys = "; ".join(f"{', '.join(sources.get(kind).settings) or 'none'} for {kind}" for kind in sources.kinds())
    cli.add_argument("--settings", type=json_or_file, default={}, help=f"JSON or file: keys of data in the config ({keys})")
    cli.add_argument("--on-bad-image", choices=["refuse", "skip"], default="refuse", help="if a file of a folder is no picture")
    cli.add_argument("--min-images", type=positive, default=2, help="fewest pictures of a class in each part (default %(default)s)")
    cli.add_argument("--threads", type=positive, default=1, help="threads that decode pictures of a folder (default %(default)s)")
    cli.add_argument("--output-dir", type=Path, required=True)
    options = cli.parse_args()

    from hardpair.config.resolve import resolve_part
    from hardpair.data import dataset
    from hardpair.errors import UserError

    names, source = {"kind": options.kind, "name": options.name}, sources.get(options.kind)
    if source.local and options.source is None:
        raise UserError(f"--source is missing: name {source.local}")
    if not source.local and options.source is not None:
        raise UserError(f"--source is {options.source}, but images of the kind {options.kind} are generated: remove it")
    checks = {"on_bad_image": options.on_bad_image, "min_images": options.min_images}
    data = resolve_part("data", options.settings | names | checks) | {"source": options.source}
    for key in options.settings.keys() - source.settings:
        own = f"give it as --{key.replace('_', '-')}" if key in vars(options) else "remove it"
        raise UserError(f"--settings has {key}, on which images of the kind {options.kind} do not depend: {own}")
    about, arrays = source.read(data, options.output_dir, options.threads)
    dataset.save(options.output_dir, names | about, arrays)


if __name__ == "__main__":
    run(main)
