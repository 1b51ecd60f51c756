"""The command line that draws a figure: of plot_figure.py any of them, of assemble_figure.py the final one."""

import contextlib
import hashlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

from hardpair.cli.command import parser, settings_with
from hardpair.config.resolve import canonical
from hardpair.errors import UserError, say
from hardpair.figures import catalogue
from hardpair.files.readers import read_table
from hardpair.measures.metric_names import classes_of
from hardpair.staleness.code_hash import code_hash

INPUTS = {
    "runs": "folder that holds {variant}/seed{seed}/ of each run",
    "table": "runs.csv of the comparison",
    "study": "folder of the study, with search/trials.csv or search/{variant}/trials.csv",
    "data": "folder of the prepared data that the runs were trained on",
    "split": "split.json of the runs",
}


def plot(description: str, name: str | None = None) -> None:
    """Parse the command line and write a figure as PNG and SVG.

    Args:
        description: for ``--help``.
        name: of the figure; if None, the first argument of the command line names it.

    Raises:
        UserError: an input or a setting that the figure needs is missing, or the pairs are not of the data's classes.
    """
    names = [name] if name else [name for name in catalogue.FIGURES if name != catalogue.FINAL]
    cli = parser(description)
    if not name:
        cli.add_argument("figure", choices=names, metavar="FIGURE", help="name of the figure")
    for option in INPUTS:
        if any(option in catalogue.FIGURES[figure].inputs for figure in names):
            cli.add_argument(f"--{option}", type=Path, help=INPUTS[option])
    cli.add_argument("--settings", required=True, type=settings_with(), help="JSON, or a JSON or YAML file, with the keys named below")
    cli.add_argument("--output", required=True, help="PNG to write; an SVG of the same name is written beside it")
    cli.epilog = "figures, and what they need:\n" + "\n".join(map(_needs, names))
    options = cli.parse_args()
    name = name or options.figure
    entry, settings = catalogue.FIGURES[name], options.settings
    files = {option: getattr(options, option) for option in entry.inputs}
    if missing := [f"--{option}" for option in files if files[option] is None]:
        raise UserError(f"the figure {name} needs {' and '.join(missing)}: see --help")
    if missing := [key for key in entry.settings if key not in settings]:
        raise UserError(f"the settings lack {', '.join(missing)}: see --help")
    digest = hashlib.sha256(canonical(settings).encode()).hexdigest()
    settings["made"] = f"settings {digest[:8]}, code {code_hash(*catalogue.files(name))[:8]}"

    from hardpair.comparison.runs import pair_indices
    from hardpair.figures.drawing import fonts, style

    module, classes = importlib.import_module(f"hardpair.figures.{name}"), _classes(files, settings)
    for pair in settings.get("pairs", []) if classes else []:
        pair_indices(classes, pair)
    with style.applied(), fonts.legible([*classes, *_texts(settings)]) as remark:
        if remark:  # once on screen: the workflow sends what others say on stderr to their logs
            say(remark, file=sys.stdout if name == catalogue.FINAL else sys.stderr)
        style.save(module.figure(*module.read(files, settings), settings), options.output)


def _classes(files: dict[str, Path], settings: dict) -> list[str]:
    """Names of the classes where the figure is about runs."""
    from hardpair.comparison.runs import Runs

    with contextlib.suppress(UserError):  # reading the figure's tables will say what is wrong, if it needs them
        if "runs" in files:
            return Runs.declared(files["runs"], settings).classes()
        if "table" in files:
            return classes_of(read_table(files["table"]).columns)
    return []


def _texts(value: object) -> Iterator[str]:
    """All texts within settings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _needs(name: str) -> str:
    entry = catalogue.FIGURES[name]
    return f"  {name}: {entry.title}; {' '.join(f'--{option}' for option in entry.inputs)}; settings {', '.join(entry.settings)}"
