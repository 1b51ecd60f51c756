"""The command line that the scripts of all figures share."""

import hashlib
import sys
from argparse import Namespace
from pathlib import Path

from hardpair.cli.command import parser, settings_with
from hardpair.config.resolve import canonical
from hardpair.staleness.code_hash import code_hash


def parse(description: str, keys: tuple[str, ...], **inputs: str) -> Namespace:
    """Options ``--settings`` with the given keys, ``--output`` and one for each of ``inputs`` (name and help).

    The settings also get ``made``: hashes of themselves and of the script's code, for the footer.
    """
    arguments = parser(description)
    for name, explanation in inputs.items():
        arguments.add_argument(f"--{name}", required=True, help=explanation)
    arguments.add_argument(
        "--settings", required=True, type=settings_with(*keys), help="JSON, or a JSON or YAML file, with the keys named above"
    )
    arguments.add_argument("--output", required=True, help="PNG to write; an SVG of the same name is written beside it")
    options = arguments.parse_args()
    settings = hashlib.sha256(canonical(options.settings).encode()).hexdigest()
    options.settings["made"] = f"settings {settings[:8]}, code {code_hash(Path(sys.argv[0]).name)[:8]}"
    return options


RUNS = "folder that holds {variant}/seed{seed}/ of each run"
