"""What removed seeds and variants left in a study's folder, and how much a folder holds. Imports no torch."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

OWN = re.compile(r"(?P<variant>[A-Za-z0-9][A-Za-z0-9_.-]*)/(?P<seed>seed\d+)")
FILES = re.compile(r"(?P<variant>.+)/\.?(?:partial-[\w.]+-)?(?P<seed>seed\d+)\.(?:csv|lock|safetensors(?:\.damaged)?)")
LOGS = re.compile(r"(?P<variant>.+)\.(?P<seed>seed\d+)\.log")
SHAPES = (("runs", OWN), ("progress", FILES), ("checkpoints", FILES), ("logs/train", LOGS), ("logs/evaluate", LOGS))


def leftovers(folder: Path, config: dict) -> dict[tuple[str, str], list[Path]]:
    """Files and folders of runs that the config does not declare, by variant and ``seed{seed}``; a run's own folder comes first.

    Only what the workflow itself would call so: anything else in the folder is somebody's own.
    """
    declared = {(variant["name"], f"seed{seed}") for variant in config["variants"] for seed in config["seeds"]}
    found: dict[tuple[str, str], list[Path]] = {}
    for part, shape in SHAPES:
        base = folder / part
        for path in sorted(base.glob("*" if shape is LOGS else "*/*")):
            told = shape.fullmatch(path.relative_to(base).as_posix())
            if told and (key := (told["variant"], told["seed"])) not in declared:
                found.setdefault(key, []).append(path)
    return dict(sorted(found.items()))


def count(paths: Iterable[Path]) -> tuple[int, int]:
    """Number and bytes of the files at and below paths; links count as themselves."""
    files = [file for path in paths for file in _files(path)]
    return len(files), sum(file.lstat().st_size for file in files)


def _files(path: Path) -> list[Path]:
    if path.is_symlink() or not path.is_dir():
        return [path]
    found = [(Path(folder), name) for folder, folders, names in os.walk(path) for name in [*folders, *names]]
    return [folder / name for folder, name in found if not (folder / name).is_dir() or (folder / name).is_symlink()]
