"""Remove a study, or the runs of seeds and variants that its config no longer declares. Imports no torch."""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.filesize import decimal

from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.jobs import locks
from hardpair.jobs.logs import running_elsewhere
from hardpair.wording import counted


def clean_study(folder: Path, config: dict | None = None, ask: bool = True) -> None:
    """Remove a study's folder, or with its config only the runs that this does not declare; print what, and ask first.

    Raises:
        UserError: a job is running in the study, a part of it lies elsewhere, or there is no terminal to ask on.
    """
    if config is None:
        targets = [folder]
        runs = counted(len(paths.every(folder, paths.RUN_RECORD)), "run")
        trials = counted(len(paths.every(folder, paths.TRIAL)), "trial")
        print(f"{folder}: all of the study, {runs} and {trials}; {_amount(targets)}")
    elif not (targets := _leftover(folder, config)):
        print(f"nothing is left over in {folder}")
        return
    _refuse(targets, folder)
    if ask and not sys.stdin.isatty():
        raise UserError("this is not an interactive terminal, so nothing was removed: add --yes (with make: YES=1) to remove it")
    if ask and input("remove this for good? [y/N] ").strip().lower() not in ("y", "yes"):
        print("nothing was removed")
        return
    lock = locks.take_study(folder)
    _refuse(targets, folder)  # a job may have started in the meantime
    for path in targets:
        _remove(path, folder)
    lock.release()
    print(f"removed {folder}" if config is None else f"removed from {folder}")


def leftovers(folder: Path, config: dict) -> dict[tuple[str, int], list[Path]]:
    """Files and folders of runs that the config does not declare, by variant and seed."""
    declared = {(variant["name"], seed) for variant in config["variants"] for seed in config["seeds"]}
    by_run: dict[tuple[str, int], list[Path]] = {}
    for variant, seed, path in paths.of_runs(folder):
        if (variant, seed) not in declared:
            by_run.setdefault((variant, seed), []).append(path)
    return dict(sorted(by_run.items()))


def count(targets: Iterable[Path]) -> tuple[int, int]:
    """Number and bytes of the files at and below these paths; links count as themselves."""
    entries = [entry for path in targets for entry in (path, *([] if path.is_symlink() else path.rglob("*")))]
    sizes = [entry.lstat().st_size for entry in entries if entry.is_symlink() or not entry.is_dir()]
    return len(sizes), sum(sizes)


def _leftover(folder: Path, config: dict) -> list[Path]:
    """Files and folders of runs that the config does not declare; prints how much each run left."""
    by_run = leftovers(folder, config)
    for (variant, seed), files in by_run.items():
        print(f"{folder}: {variant} seed {seed}, {_amount(files)}")
    targets = [path for files in by_run.values() for path in files]
    if len(by_run) > 1:
        print(f"{folder}: {counted(len(by_run), 'run')} in all, {_amount(targets)}")
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
        raise UserError(f"snakemake is running in {folder}: wait for its end, or run `snakemake --unlock` if it was killed")
    if busy := locks.held(paths.every(folder, paths.LOCK)):
        raise UserError(f"a job is running in {folder}: it holds {min(busy)}; wait for its end")
    if busy := [log for log in paths.every(folder, paths.JOB_LOG) if running_elsewhere(log)]:
        raise UserError(f"a job seems to be running on another machine: {busy[0]} was written to just now; wait for its end")
    for path in targets:
        if not path.parent.resolve().is_relative_to(folder.parent.resolve()):
            raise UserError(f"{path} lies elsewhere, at {path.resolve()}: remove it there yourself")


def _remove(path: Path, folder: Path) -> None:
    """Remove a file or folder, and its parent if that leaves it empty; of a link only the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if path != folder and not any(path.parent.iterdir()):
        path.parent.rmdir()
