"""What every command line shares: its parser, its settings argument, and errors in one sentence."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from hardpair.cli import inputs, outputs
from hardpair.config.read import read_map
from hardpair.config.sentences import advice, dotted
from hardpair.errors import GPU_OUT_OF_MEMORY, OUT_OF_MEMORY, UserError
from hardpair.files import formats, intact, paths, shapes
from hardpair.files.times import date_inputs
from hardpair.jobs.environment import neutral
from hardpair.jobs.stopping import Stopped, ignore_signals_at_exit

AFFECTS_RESULTS = False
CHECKED = ("data", "split", "round", "search_dir", "settings")  # options that name files; each means the same in every script


class Once(argparse.Action):
    """Stores an option's value; a second one is refused instead of replacing the first."""

    def __call__(self, parser, namespace, values, option_string=None):
        if option_string and self.dest in parser.stored:
            parser.error(f"{option_string} is given twice: write it once")
        parser.stored.add(self.dest)
        setattr(namespace, self.dest, values)


class Parser(argparse.ArgumentParser):
    """Checks the files that arguments name, those to be read and those to be written, and refuses options that are there twice."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.stored = set()
        for name in (None, "store"):
            self.register("action", name, Once)

    def parse_known_args(self, *words):
        self.stored = set()
        return super().parse_known_args(*words)

    def parse_args(self, *words):
        options = super().parse_args(*words)
        outputs.check(vars(options), words[0] if words else sys.argv[1:])
        inputs.check(**{name: value for name, value in vars(options).items() if name in CHECKED})
        return options


def parser(description: str) -> argparse.ArgumentParser:
    """A parser whose help is the script's docstring, as it is written."""
    return Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def json_or_file(text: str) -> dict:
    """Value of a ``--settings`` argument: a map as JSON, or the path of a JSON or YAML file that holds one.

    Where its key ``pairs``, or that of its ``answer``, is a text other than ``auto``, it is the path of the file that ``choose_pairs``
    wrote. A recipe.yaml of a search must be complete: defaults would fill what a crash cut off.
    """
    try:
        value = read_map(text)
        if text.endswith(Path(paths.RECIPE).name) and Path(paths.SEARCH).name in Path(text).parts:
            intact.check_recipe(Path(text))
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    for part in (value, value.get("answer")):
        if isinstance(part, dict) and isinstance(part.get("pairs"), str) and part["pairs"] != "auto":
            part["pairs"] = shapes.read(part["pairs"], formats.PAIRS)["pairs"]
    return value


def settings_with(*keys: str, **shapes_of: object) -> Callable[[str], dict]:
    """Like ``json_or_file``, of settings that must have these keys and may have others that another script takes.

    ``shapes_of`` gives shapes of keys that are stricter than usual.
    """
    known = {**formats.SETTINGS, **shapes_of}

    def settings(text: str) -> dict:
        value = json_or_file(text)
        names = [*keys, *known]
        if unknown := [key for key in value if key not in names]:
            raise argparse.ArgumentTypeError(
                f"{dotted([str(unknown[0])])} is not a key of settings: {advice(unknown[0], names, 'see --help')}"
            )
        if missing := [key for key in keys if key not in value]:
            raise argparse.ArgumentTypeError(f"the settings lack {', '.join(missing)}: see --help")
        if problem := shapes.difference(value, {key: shape for key, shape in known.items() if key in value}):
            raise argparse.ArgumentTypeError(f"the settings are invalid, {problem}: see --help")
        if problem := formats.conflict(value):
            raise argparse.ArgumentTypeError(f"the settings contradict each other, {problem}: see --help")
        return value

    return settings


def positive(text: str) -> int:
    """Value of an argument that counts something."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def count(text: str) -> int:
    """Value of an argument that counts something, of which there may be none."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def job_arguments(cli: argparse.ArgumentParser) -> None:
    """Add what every command line that trains takes: its inputs, its share of the machine, its checkpoint."""
    cli.add_argument("--data", type=Path, required=True, help="folder of prepared data")
    cli.add_argument("--split", type=Path, required=True, help="split.json: indices of training and validation images")
    machine_arguments(cli)
    cli.add_argument("--checkpoint", type=Path, help="where the state of a run is kept; a later try continues from it")
    cli.add_argument("--checkpoint-seconds", type=float, default=60, help="time between two checkpoints (default %(default)s)")
    plugins_argument(cli)
    cli.add_argument("--code", help="the training code when the job was planned, by code_hash.planned; other code is refused")


def plugins_argument(cli: argparse.ArgumentParser) -> None:
    """Add the files of plugins."""
    cli.add_argument("--plugins", nargs="+", default=[], metavar="FILE", help="Python files of your own losses, samplers and networks")


def machine_arguments(cli: argparse.ArgumentParser) -> None:
    """Add a job's share of the machine."""
    cli.add_argument("--threads", type=positive, default=1, help="CPU threads; results depend on it (default %(default)s)")
    cli.add_argument("--gpus", type=count, default=1, help="0 computes on the CPU even where there is a GPU (default %(default)s)")
    cli.add_argument("--jobs-per-gpu", type=positive, default=1, help="jobs that may share a GPU (default %(default)s)")


def _of_memory(error: MemoryError | RuntimeError) -> str | None:
    """What an error says where memory was missing; None of other errors. PyTorch's are known by their text, without importing it."""
    text = str(error)
    if isinstance(error, MemoryError) or "can't allocate memory" in text:
        return OUT_OF_MEMORY
    return GPU_OUT_OF_MEMORY if "out of memory" in text or "ALLOC_FAILED" in text else None


def run(main: Callable[[], None]) -> None:
    """Call ``main`` in a neutral environment, then date inputs of the future now.

    Bad input, a file out of reach, a missing package, too little memory or Ctrl-C end in one line and an exit code that is not 0.
    """
    script = Path(sys.argv[0]).name
    neutral()
    try:
        main()
        date_inputs(sys.argv[1:])
        sys.stdout.flush()
    except Stopped as error:
        sys.stderr.write(f"{script}: {error}\n")
        sys.exit(error.code)
    except UserError as error:
        sys.exit(f"{script}: {error}")
    except ModuleNotFoundError as error:
        sys.exit(
            f"{script}: {sys.executable} lacks the Python package {error.name!r}: "
            "run `make setup` in the workflow's folder and put its .venv/bin first in PATH, or `pip install -r requirements.lock` there"
        )
    except (MemoryError, RuntimeError) as error:
        if (advice := _of_memory(error)) is None:
            raise
        sys.exit(f"{script}: {advice}")
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is printed at the end of Python
        sys.exit(141)
    except OSError as error:
        if error.strerror is None:  # not the system's: a library's own
            raise
        name = f"{error.filename}: " if error.filename is not None else ""
        sys.exit(f"{script}: {name}{error.strerror}: check the path, its permissions and the space left on the disk")
    except KeyboardInterrupt:
        sys.stderr.write(f"{script}: interrupted\n")
        sys.exit(130)
    finally:
        ignore_signals_at_exit()
