"""Download the official archive of a kind of data, such as CIFAR-10, and check its SHA-256.

The official address is tried first, then the mirrors in order. A partial download stays beside the output in .NAME.part, and the same
command resumes it. Examples:

  python workflow/scripts/download_data.py --kind cifar10 --output cifar-10-python.tar.gz
  python workflow/scripts/download_data.py --kind cifar100 --output cifar-100-python.tar.gz \\
      --mirrors https://mirror.example/cifar-100-python.tar.gz
"""

from pathlib import Path

from hardpair.cli.command import parser, run
from hardpair.data import sources


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--kind", choices=[kind for kind in sources.kinds() if sources.get(kind).release], required=True)
    cli.add_argument("--mirrors", nargs="*", default=[], metavar="URL", help="further addresses, tried in order after the official one")
    cli.add_argument("--output", type=Path, required=True, help="where the archive goes, once its SHA-256 is right")
    options = cli.parse_args()

    from hardpair.config.resolve import resolve_part
    from hardpair.data.download import download

    mirrors = resolve_part("data", {"kind": options.kind, "name": options.kind, "urls": options.mirrors})["urls"]
    release = sources.get(options.kind).release
    download([release.url, *mirrors], release.sha256, options.output)


if __name__ == "__main__":
    run(main)
