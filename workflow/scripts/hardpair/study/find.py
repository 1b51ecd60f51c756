"""Which study a command is about, and its config as it is now. Imports no torch."""

import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hardpair.config.written import Written
from hardpair.errors import UserError, one_line
from hardpair.files import json_text, paths, shapes
from hardpair.files.atomic import write_json
from hardpair.files.paths import SHIPPED
from hardpair.staleness.code_hash import SCRIPTS

BASE = "config/config.yaml"
STARTED = {"configfiles": [str], "config": dict, "complete?": bool}  # what commands about a study read of its started.json


def base() -> str:
    """config/config.yaml of this folder; where it has none, the one that comes with the workflow."""
    return here_or_shipped(BASE)


def here_or_shipped(name: str | Path) -> str:
    """The path of a file that has this path from here or, where there is none, from the workflow's own folder."""
    return str(name) if Path(name).exists() or not (SHIPPED / name).exists() else typed(SHIPPED / name)


def by_make() -> bool:
    """Whether `make` works here: in the workflow's own folder."""
    return Path.cwd().samefile(SHIPPED)


def command(name: str, study: str | None = None, *switches: str) -> str:
    """A command about studies as it can be given here: by `make` where that works, else by its script; switches such as ``follow``."""
    if by_make():
        targets = {"clean": "clean-study"}  # where make calls it otherwise
        words = ["make", targets.get(name, name), *([f"STUDY={study}"] if study else []), *(f"{word.upper()}=1" for word in switches)]
    else:
        script = shlex.quote(typed(SCRIPTS / "study.py"))
        words = ["python", script, name, *(["--study", study] if study else []), *(f"--{word}" for word in switches)]
    return " ".join(words)


def snakemake(*words: str) -> str:
    """A command of Snakemake as it can be given here: it finds a Snakefile in the workflow's own folder, or in that of another workflow."""
    found = by_make() or any(Path(name).exists() for name in ("Snakefile", "workflow/Snakefile"))
    return shlex.join(["snakemake", *([] if found else ["--snakefile", typed(SHIPPED / "Snakefile")]), *words])


def option(name: str, variable: str) -> str:
    """An option of ``study.py`` with the variable of the Makefile that stands for it, where that can be used."""
    return f"{name} (with make: {variable})" if by_make() else name


def remember(folder: Path, configfiles: list[Path], changes: dict, state: str, complete: bool = False) -> None:
    """Record what a study is started with: overlays, and changes of single keys (``--config``), or the ``complete`` config.

    Args:
        state: ``planned.state``.
    """
    started = {"configfiles": list(map(typed, configfiles)), "config": changes, "state": state}
    write_json(folder / paths.STARTED, started | ({"complete": True} if complete else {}))


def typed(path: Path) -> str:
    """A path as a person would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def chosen(name: str | None, configfiles: list[str]) -> dict:
    """The resolved config of a study: of these overlays, else of this name, else of the study that was started last.

    Raises:
        UserError: there is no such study, or its config is not known or wrong.
    """
    if configfiles:
        config = overlay(configfiles)
        if name not in (None, config["study"]):
            raise UserError(f"--study is {name}, but {' '.join(configfiles)} define the study {config['study']}: use only one of them")
        return config
    if name is None:
        started = max(paths.RESULTS.glob(f"*/{paths.STARTED}"), key=lambda path: path.stat().st_mtime, default=None)
        if started is None:
            return overlay([])
        name = started.parent.name
    folder = folder_of(name)
    config = _as_started(folder / paths.STARTED)
    if config["study"] != folder.name:
        raise UserError(f"the config of {folder} is unknown: name its overlays with {_named()}")
    return config


def declared_seeds(folder: Path, config: dict) -> set[int]:
    """The seeds of a study's config, and those of its overlays where its last command took others (``--config seeds=…``, ``settle``).

    Raises:
        UserError: those of the overlays are no list of seeds, so that it is not known which are declared.
    """
    path, seeds, written = folder / paths.STARTED, set(config["seeds"]), []
    with suppress(UserError):  # of a file that is damaged, or overlays that are gone, while the config is of others
        started = _started(path) if path.is_file() else {"config": {}}
        if "seeds" in started["config"] and not started.get("complete"):
            changes = {key: value for key, value in started["config"].items() if key != "seeds"}
            written = Written.read(map(here_or_shipped, [BASE, *started["configfiles"]]), changes).merged.get("seeds", [])
    if problem := shapes.difference(written, [shapes.COUNT]):
        raise UserError(f"the seeds of the overlays that {path} names are no list of seeds ({problem}): correct them")
    return seeds | set(written)


def chosen_folder(name: str | None, configfiles: list[str]) -> Path:
    """The folder of a study, as for ``chosen``; the config of a study that is named need not be known.

    Raises:
        UserError: there is none.
    """
    return folder_of(name if name is not None and not configfiles else chosen(name, configfiles)["study"])


def folder_of(name: str) -> Path:
    """The folder of the study of that name within ``paths.RESULTS``, or a link there to one.

    Raises:
        UserError: it is missing, or no folder of a study.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise UserError(f"--study {name!r} is not the name of a study: give the name of a folder in {paths.RESULTS}/, without a path")
    folder = paths.RESULTS / name
    if not folder.is_dir():
        studies = ", ".join(sorted(path.name for path in paths.RESULTS.glob("*") if is_study(path)))
        none = "no study was started here yet" + ("; `make demo` starts one" if by_make() else ": go to the folder of its results/")
        todo = f"name a study that was started here ({studies})" if studies else none
        raise UserError(f"{folder} {'is not a folder' if folder.exists() else 'does not exist'}: {todo}")
    if not is_study(folder):
        raise UserError(f"{folder} is not the folder of a study: it has no {paths.STARTED}, runs or search; name another folder")
    return folder


def is_study(folder: Path) -> bool:
    """Whether a folder holds files of a study."""
    marks = (paths.STARTED, paths.SPLIT, paths.RECIPE, paths.PROPOSALS, paths.RUN_RECORD)
    return any(path.is_file() for mark in marks for path in paths.every(folder, mark))


def _as_started(path: Path) -> dict:
    """The config of the overlays and changes in a started.json, as they are now; that of config/config.yaml without such a file."""
    if not path.is_file():
        return overlay([])
    started = _started(path)
    files = started["configfiles"]
    try:
        return complete(started["config"]) if started.get("complete") else overlay(files, started["config"])
    except UserError:
        if all(Path(file).resolve().is_relative_to(Path.cwd()) for file in files):
            raise
        # The results may come from elsewhere, and name any file of this machine: an error would show what is in it.
        raise UserError(f"{path} names overlays outside this folder that cannot be used: name them with {_named()}") from None


def _started(path: Path) -> dict:
    """A started.json.

    Raises:
        UserError: it is damaged.
    """
    started = json_text.read_json(path)
    if shapes.difference(started, STARTED):
        raise UserError(f"{path} is not what the workflow writes: name the study's overlays with {_named()}")
    return started


def _named() -> str:
    return option("--configfile", 'CONFIG="files"')


def overlay(configfiles: list[str], changes: dict | None = None) -> dict:
    """The resolved config of config/config.yaml and overlays of it; either may be one that comes with the workflow.

    Raises:
        UserError: a file cannot be read, or a key is wrong.
    """
    return Written.read(map(here_or_shipped, [BASE, *configfiles]), changes or {}).resolved()


def complete(config: dict) -> dict:
    """The resolved config of a complete one.

    Raises:
        UserError: a key is wrong.
    """
    return Written.read([], config).resolved()


def changes_of(arguments: Sequence[str]) -> dict:
    """The keys that ``--config key=value …`` sets, their values read as YAML as in a file.

    Raises:
        UserError: one is set twice, or its value cannot be read.
    """
    from hardpair.files import yaml_text

    changes = {}
    for argument in arguments:
        key, _, text = argument.partition("=")
        if key in changes:
            raise UserError(f"--config sets {key} twice: write it once")
        try:
            changes[key] = yaml_text.load(text)
        except ValueError as error:
            raise UserError(f"--config {key}={text[:40]} is not YAML: {one_line(error)}") from None
    return changes
