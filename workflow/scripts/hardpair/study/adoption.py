"""Runs made elsewhere: why one is not what the study would train itself, and how it is taken over. Imports no torch."""

import csv
import json
import os
import shutil
import zipfile
from pathlib import Path

from hardpair.config.resolve import canonical
from hardpair.errors import UserError
from hardpair.files import shapes
from hardpair.files.atomic import PARTIAL, file_sha256, owner, read_json
from hardpair.staleness import plan
from hardpair.staleness.fingerprint import fingerprint

MODELS = ("last", "best")
TABLES = ("epochs.csv", "refreshes.csv")


def refusal(folder: Path, config: dict, recipe: dict, split: Path) -> str | None:
    """Why the run in ``folder`` is not one that the study would train, as the end of a sentence; None if it is one.

    Args:
        folder: holds run.json and what else ``train`` writes.
        config: resolved.
        recipe: that all runs of the study share.
        split: split.json of the study.
    """
    try:
        record = read_json(folder / "run.json")
        if shapes.difference(record, shapes.RUN):
            return "its run.json is not one that train writes"
        return _undeclared(record, config) or difference(record, config, recipe, split) or _damage(folder, record)
    except UserError as error:
        return str(error)
    except (csv.Error, *shapes.MISREAD):
        return "its run.json is not one that train writes"


def _undeclared(record: dict, config: dict) -> str | None:
    names = [variant["name"] for variant in config["variants"]]
    if record["variant"] not in names:
        return f"the study declares no variant {record['variant']!r}, only {', '.join(names)}"
    if record["seed"] not in config["seeds"]:
        return f"the study does not declare its seed {record['seed']}"
    return None


def difference(record: dict, config: dict, recipe: dict, split: Path) -> str | None:
    """The first of the parts of the fingerprint of a declared run's record that differs; None if it is what the study would train."""
    settings, code = plan.train_settings(config, record["variant"]), plan.train_code(config, record["variant"])
    for part, ours in (("settings", settings), ("recipe", recipe)):
        if canonical(record[part]) != canonical(ours):
            return _first_difference(record[part], ours, part)
    if record["data"]["sha256"] != read_json(split)["data_sha256"]:
        return "it was trained on other images"
    if record["code"] != code:
        return f"it was trained by other code ({record['code']}, here {code})"
    if record["fingerprint"] != fingerprint(settings, recipe, record["seed"], split, code):
        return "it was trained on another split of the images"
    if record["epochs"] != recipe["epochs"]:
        return f"it ended after {record['epochs']} of {recipe['epochs']} epochs"
    return None


def _first_difference(theirs: object, ours: object, path: str) -> str:
    """``its recipe.momentum is 0.8, here 0.9``: the first key in which two maps differ, ``path`` before it."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        key = min(key for key in theirs.keys() | ours.keys() if canonical(theirs.get(key)) != canonical(ours.get(key)))
        return _first_difference(theirs.get(key), ours.get(key), f"{path}.{key}")
    return f"its {path} is {json.dumps(theirs)}, here {json.dumps(ours)}"


def _damage(folder: Path, record: dict) -> str | None:
    """What of the run's files is missing, cut off or not what it was."""
    for name in files(record):
        if not (folder / name).is_file():
            return f"{name} is missing"
    for model, digest in record["weights"].items():
        if file_sha256(folder / f"{model}.safetensors") != digest:
            return f"{model}.safetensors is damaged: its SHA-256 is not that of run.json"
    for name in TABLES:
        text = (folder / name).read_text(encoding="utf-8", errors="replace")
        epochs = [row["epoch"] for row in csv.DictReader(text.splitlines())]
        if not text.endswith("\n") or epochs[-1:] != [str(record["epochs"])]:
            return f"{name} is cut off: it does not reach epoch {record['epochs']}"
    try:
        with zipfile.ZipFile(folder / "history.npz") as archive:
            whole = archive.testzip() is None
    except Exception:  # zipfile raises whatever a broken file leads it to
        whole = False
    return None if whole else "history.npz is damaged"


def files(record: dict) -> list[str]:
    """What ``train`` writes for a run. Evaluations stay behind: they do not tell which code made them, and making them again takes seconds.

    Raises:
        UserError: run.json names other models than a run has.
    """
    if "last" not in record["weights"] or not set(record["weights"]) <= set(MODELS):
        raise UserError("its run.json is not one that train writes")
    return ["run.json", *(f"{model}.safetensors" for model in record["weights"]), *TABLES, "history.npz"]


def take_over(folder: Path, target: Path) -> None:
    """Copy the run in ``folder`` to ``target``, whole or not at all; what was there goes."""
    copied = target.with_name(f"{PARTIAL}{owner()}-{target.name}")
    copied.mkdir(parents=True)
    try:
        for name in files(read_json(folder / "run.json")):
            shutil.copyfile(folder / name, copied / name)
        if target.exists():
            shutil.rmtree(target)
        os.replace(copied, target)
    finally:
        shutil.rmtree(copied, ignore_errors=True)
