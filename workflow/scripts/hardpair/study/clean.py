"""Remove a study, or the runs and searches of seeds and variants that its config no longer declares. Imports no torch."""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.filesize import decimal

from hardpair.errors import UserError, say
from hardpair.files import paths
from hardpair.jobs import locks
from hardpair.jobs.logs import running_elsewhere
from hardpair.staleness import plan
from hardpair.study import find
from hardpair.wording import counted


def clean_study(folder: Path, config: dict | None = None, ask: bool = True) -> None:
    """Remove a study's folder, or with its config only the runs and searches that this does not declare; print what, and ask first.

    Raises:
        UserError: a job is running in the study, a part of it lies elsewhere, or there is no terminal to ask on.
    """
    if config is None:
        targets = [folder]
        runs = counted(len(paths.every(folder, paths.RUN_RECORD)), "run")
        trials = counted(len(paths.every(folder, paths.TRIAL)), "trial")
        say(f"{folder}: all of the study, {runs} and {trials}; {_amount(targets)}")
    elif not (targets := _leftover(folder, config)):
        say(f"nothing is left over in {folder}")
        return
    _refuse(targets, folder)
    if ask and not sys.stdin.isatty():
        yes = find.option("--yes", "YES=1")
        raise UserError(f"this is not an interactive terminal, so nothing was removed: add {yes} to remove it")
    if ask and input("remove this for good? [y/N] ").strip().lower() not in ("y", "yes"):
        say("nothing was removed")
        return
    lock = locks.take_study(folder)
    _refuse(targets, folder)  # a job may have started in the meantime
    for path in targets:
        _remove(path, folder)
    lock.release()
    say(f"removed {folder}" if config is None else f"removed from {folder}")


def leftovers(folder: Path, config: dict) -> dict[str, list[Path]]:
    """Files and folders of the runs and of the variants' own searches that the config does not declare, by name: ``dfl seed 3``,
    ``dfl search``."""
    seeds = find.declared_seeds(folder, config)
    declared = {(variant["name"], seed) for variant in config["variants"] for seed in seeds}
    declared |= {(owner, None) for owner in plan.searches(config)}
    undeclared = [part for part in paths.of_variants(folder) if part[:2] not in declared]
    undeclared.sort(key=lambda part: (part[0], -1 if part[1] is None else part[1]))
    by_name: dict[str, list[Path]] = {}
    for variant, seed, path in undeclared:
        by_name.setdefault(f"{variant} search" if seed is None else f"{variant} seed {seed}", []).append(path)
    return by_name


def count(targets: Iterable[Path]) -> tuple[int, int]:
    """Number and bytes of the files at and below these paths; links count as themselves."""
    entries = [entry for path in targets for entry in (path, *([] if path.is_symlink() else path.rglob("*")))]
    sizes = [entry.lstat().st_size for entry in entries if entry.is_symlink() or not entry.is_dir()]
    return len(sizes), sum(sizes)


def _leftover(folder: Path, config: dict) -> list[Path]:
    """Files and folders of what the config does not declare; prints how much each run or search left."""
    by_name = leftovers(folder, config)
    for name, files in by_name.items():
        say(f"{folder}: {name}, {_amount(files)}")
    targets = [path for files in by_name.values() for path in files]
    if len(by_name) > 1:
        say(f"{folder}: {len(by_name)} in all, {_amount(targets)}")
    return targets


def _amount(targets: list[Path]) -> str:
    """``12 files, 36.1 MB``."""
    files, size = count(targets)
    return f"{counted(files, 'file')}, {decimal(size)}"


def _refuse(targets: list[Path], folder: Path) -> None:
    """Refuse to remove what is in use or lies elsewhere.

    Raises:
        UserError: a job is running in the study, or a folder of it is a link to another place.
    """
    if locks.snakemake_running(folder):
        raise UserError(f"snakemake is running in {folder}: wait until it ends, or run `{find.snakemake('--unlock')}` if it was killed")
    if busy := locks.held(paths.every(folder, paths.LOCK)):
        raise UserError(f"a job is running in {folder}: it holds {min(busy)}; wait until it ends")
    if busy := [log for log in paths.every(folder, paths.JOB_LOG) if running_elsewhere(log)]:
        raise UserError(f"a job seems to be running on another machine: {busy[0]} was just written to; wait until it ends")
    results = paths.every(folder, paths.RUN_RECORD) + paths.every(folder, paths.TRIAL)
    removed = set(targets)
    inside = [path.parent for path in results if not removed.isdisjoint((path, *path.parents))]
    for path in (folder, *targets, *inside):
        if not path.resolve().is_relative_to(folder.parent.resolve() / folder.name):
            raise UserError(f"{path} is really at {path.resolve()}: remove it there yourself")


def _remove(path: Path, folder: Path) -> None:
    """Remove a file or folder, and its parent if that leaves it empty; of a link only the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if path != folder and not any(path.parent.iterdir()):
        path.parent.rmdir()
