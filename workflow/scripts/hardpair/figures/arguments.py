"""The command line that the scripts of all figures share."""

from argparse import SUPPRESS, Namespace

from hardpair.command import parser, settings_with


def parse(description: str, keys: tuple[str, ...], **inputs: str) -> Namespace:
    """Options ``--settings`` with the given keys, ``--output`` and one for each of ``inputs`` (name and help)."""
    arguments = parser(description)
    for name, explanation in inputs.items():
        arguments.add_argument(f"--{name}", required=True, help=explanation)
    arguments.add_argument(
        "--settings", required=True, type=settings_with(*keys), help="JSON, or a JSON or YAML file, with the keys named above"
    )
    arguments.add_argument("--output", required=True, help="PNG to write; an SVG of the same name is written beside it")
    arguments.add_argument("--code", help=SUPPRESS)
    return arguments.parse_args()


RUNS = "folder that holds {variant}/seed{seed}/ of each run"
