"""What every command line shares: its parser, its settings argument, and errors in one sentence."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from hardpair.errors import UserError


def parser(description: str) -> argparse.ArgumentParser:
    """A parser whose help is the script's docstring, as it is written."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def json_or_file(text: str) -> dict | list:
    """Value of a ``--settings`` argument: JSON, or the path of a JSON or YAML file."""
    if text.lstrip().startswith(("{", "[")):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise argparse.ArgumentTypeError(f"not valid JSON: {error}") from None
    import yaml

    try:
        return yaml.safe_load(Path(text).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise argparse.ArgumentTypeError(f"neither JSON nor a readable file: {error}") from None


def positive(text: str) -> int:
    """Value of an argument that counts something."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def run(main: Callable[[], None]) -> None:
    """Call ``main``; bad input, a missing package or Ctrl-C end in one line and an exit code that is not 0."""
    script = Path(sys.argv[0]).name
    try:
        main()
    except UserError as error:
        sys.exit(f"{script}: {error}")
    except ModuleNotFoundError as error:
        sys.exit(
            f"{script}: {sys.executable} lacks the Python package {error.name!r}: "
            "run `make setup` and put .venv/bin first in PATH, or `pip install -r requirements.lock`"
        )
    except KeyboardInterrupt:
        sys.stderr.write(f"{script}: interrupted\n")
        sys.exit(130)
