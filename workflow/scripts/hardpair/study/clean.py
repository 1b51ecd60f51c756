"""Removes a study, or what removed seeds and variants left of it. Imports no torch."""

import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from hardpair.errors import UserError
from hardpair.jobs import locks
from hardpair.jobs.logs import at_work_elsewhere
from hardpair.study.estimate import size
from hardpair.wording import counted

OWN = re.compile(r"(?P<variant>[A-Za-z0-9][A-Za-z0-9_.-]*)/(?P<seed>seed\d+)")
FILES = re.compile(r"(?P<variant>.+)/\.?(?:partial-[\w.]+-)?(?P<seed>seed\d+)\.(?:csv|lock|safetensors(?:\.damaged)?)")
LOGS = re.compile(r"(?P<variant>.+)\.(?P<seed>seed\d+)\.log")
SHAPES = (("runs", OWN), ("progress", FILES), ("checkpoints", FILES), ("logs/train", LOGS), ("logs/evaluate", LOGS))


def clean_study(folder: Path, config: dict | None = None, ask: bool = True) -> None:
    """Remove a study's folder, or with its config only the runs that this does not declare; print what, and ask first.

    Raises:
        UserError: a job is running in the study, a part of it lies elsewhere, or there is no terminal to ask on.
    """
    paths = _all_of(folder) if config is None else _leftover(folder, config)
    if not paths:
        print(f"nothing is left over in {folder}")
        return
    _refuse(paths, folder)
    if ask and not _confirmed():
        print("nothing was removed")
        return
    _refuse(paths, folder)  # a job may have begun meanwhile
    for path in paths:
        _remove(path, folder)
    print(f"removed {folder}" if config is None else f"removed from {folder}")


def leftovers(folder: Path, config: dict) -> dict[tuple[str, str], list[Path]]:
    """Files and folders of runs that the config does not declare, by variant and ``seed{seed}``; a run's own folder comes first.

    Only files that the workflow itself names so: all others in the folder are the user's own.
    """
    declared = {(variant["name"], f"seed{seed}") for variant in config["variants"] for seed in config["seeds"]}
    paths: dict[tuple[str, str], list[Path]] = {}
    for part, shape in SHAPES:
        base = folder / part
        for path in sorted(base.glob("*" if shape is LOGS else "*/*")):
            name = shape.fullmatch(path.relative_to(base).as_posix())
            if name and (run := (name["variant"], name["seed"])) not in declared:
                paths.setdefault(run, []).append(path)
    return dict(sorted(paths.items()))


def count(paths: Iterable[Path]) -> tuple[int, int]:
    """Number and bytes of the files at and below paths; links count as themselves."""
    files = [file for path in paths for file in _files(path)]
    return len(files), sum(file.lstat().st_size for file in files)


def _files(path: Path) -> list[Path]:
    if path.is_symlink() or not path.is_dir():
        return [path]
    entries = [Path(folder, name) for folder, folders, names in os.walk(path) for name in [*folders, *names]]
    return [entry for entry in entries if not entry.is_dir() or entry.is_symlink()]


def _all_of(folder: Path) -> list[Path]:
    """The study's folder; prints what it holds."""
    runs, trials = len(list(folder.glob("runs/*/seed*/run.json"))), len(list(folder.glob("search/round*/trial*.json")))
    print(f"{folder}: all of the study, {counted(runs, 'run')} and {counted(trials, 'trial')}; {_amount([folder])}")
    return [folder]


def _leftover(folder: Path, config: dict) -> list[Path]:
    """What removed seeds and variants left; prints it."""
    by_run = leftovers(folder, config)
    for (variant, seed), files in by_run.items():
        print(f"{folder}: {variant} {seed}, {_amount(files)}")
    paths = [path for files in by_run.values() for path in files]
    if len(by_run) > 1:
        print(f"{folder}: {counted(len(by_run), 'run')} in all, {_amount(paths)}")
    return paths


def _amount(paths: list[Path]) -> str:
    """``12 files, 36 MB``."""
    files, total = count(paths)
    return f"{counted(files, 'file')}, {size(total)}"


def _refuse(paths: list[Path], folder: Path) -> None:
    """Refuse to remove what is in use or lies elsewhere.

    Raises:
        UserError: a job is running in the study, or a folder of it is a link to another place.
    """
    if locks.snakemake_at_work(folder):
        raise UserError(f"snakemake is at work in {folder}: wait for its end, or run `snakemake --unlock` if it was killed")
    if busy := locks.held(folder.glob("checkpoints/*/.*.lock")):
        raise UserError(f"a job is at work in {folder}: it holds {min(busy)}; wait for its end")
    if busy := [log for log in folder.glob("logs/*/*.log") if at_work_elsewhere(log)]:
        raise UserError(f"a job seems to be at work on another machine: {min(busy)} was written to just now; wait for its end")
    for path in paths:
        if not path.parent.resolve().is_relative_to(folder.parent.resolve()):
            raise UserError(f"{path} lies elsewhere, at {path.resolve()}: remove it there by hand")


def _confirmed() -> bool:
    """Whether the user says yes.

    Raises:
        UserError: there is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        raise UserError("this is not an interactive terminal, so nothing was removed: add --yes (with make: YES=1) to remove it")
    return input("remove this for good? [y/N] ").strip().lower() in ("y", "yes")


def _remove(path: Path, folder: Path) -> None:
    """Remove a file or folder, and the folder of a variant if that leaves it empty; of a link only the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if path != folder and path.parent.name not in ("train", "evaluate") and not any(path.parent.iterdir()):
        path.parent.rmdir()
