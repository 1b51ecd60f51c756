"""Runs trained elsewhere: whether the study would train the same, and their import. Imports no torch."""

import contextlib
import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from hardpair.config.read import MISREAD, read_map
from hardpair.config.resolve import canonical
from hardpair.errors import UserError
from hardpair.files import formats, paths, shapes
from hardpair.files.atomic import PARTIAL, file_sha256, owner, read_json, write_text
from hardpair.staleness import plan
from hardpair.staleness.fingerprint import fingerprint
from hardpair.study.find import overlay

MODELS = ("last", "best")
TABLES = ("epochs.csv", "refreshes.csv")


def adopt_runs(runs: Path, configfiles: list[str]) -> None:
    """Import the runs below a folder that the study of these overlays would train itself; print a line for each run.

    Raises:
        UserError: Snakemake is running here, the study's recipe or split is missing or stale, or the folder holds no run of the study.
    """
    config = overlay(configfiles)
    study = paths.RESULTS / config["study"]
    options = ["--configfile", *configfiles] if configfiles else []
    recipe, split = study / paths.RECIPE, study / paths.SPLIT
    if any(Path(".snakemake/locks").glob("*.lock")):
        raise UserError("a run of snakemake is at work here: wait for its end, or run `snakemake --unlock` if it was killed")
    if "Nothing to be done" not in _snakemake("--dry-run", *options, "--", str(recipe), str(split)):
        command = " ".join(["snakemake --cores 4", *options, "--", str(recipe), str(split)])
        raise UserError(f"{recipe} and {split} are not there or not those of the present config: run `{command}` first")
    folders = sorted(path.parent for path in runs.rglob("run.json"))
    if not folders:
        raise UserError(f"{runs} holds no run.json: name a folder with runs that train has finished")

    imported, present = [], 0
    for folder in folders:
        if reason := refusal(folder, config, read_map(recipe), split):
            print(f"{folder}: not imported, {reason}")
            continue
        record = read_json(folder / "run.json")
        variant, seed = record["variant"], record["seed"]
        target = study / paths.RUN.format(variant=variant, seed=seed)
        if refusal(target, config, read_map(recipe), split) is None:
            present += 1
            print(f"{folder}: not imported, the study has this run already in {target}")
            continue
        import_run(folder, target)
        write_text(study / paths.RUN_LOG.format(rule="train", variant=variant, seed=seed), f"imported from {folder.resolve()}\n")
        imported.append(target)
        print(f"{folder}: imported as {target}")
    if not imported and not present:
        raise UserError(f"{runs} holds no run of the study {config['study']}: the reasons are above")
    if imported:
        record_in_snakemake(imported, options)
    print(f"{len(imported)} of {len(folders)} runs imported")


def record_in_snakemake(folders: list[Path], options: list[str]) -> None:
    """Let Snakemake record what the runs were made with, as it does when it trains one: a changed setting then makes them stale.

    Snakemake records this for the jobs that it touches. No other rule is allowed, so nothing else is touched.

    Raises:
        UserError: Snakemake failed; the runs are removed again.
    """
    try:
        records = [str(folder / "run.json") for folder in folders]
        _snakemake("--touch", "--force", "--allowed-rules", "train", "--no-hooks", *options, "--", *records)
    except UserError:
        for folder in folders:
            shutil.rmtree(folder)
        raise


def _snakemake(*options: str) -> str:
    """The output of a call of Snakemake."""
    command = [sys.executable, "-m", "snakemake", *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stderr + done.stdout).strip().splitlines() or ["no message"]
        raise UserError(f"snakemake {options[0]} failed, so nothing was imported: {lines[-1].strip()}")
    return done.stdout + done.stderr


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
        if shapes.difference(record, formats.RUN):
            return "its run.json is not one that train writes"
        names = [variant["name"] for variant in config["variants"]]
        if record["variant"] not in names:
            return f"the study declares no variant {record['variant']!r}, only {', '.join(names)}"
        if record["seed"] not in config["seeds"]:
            return f"the study does not declare its seed {record['seed']}"
        return difference(record, config, recipe, split) or _damage(folder, record)
    except UserError as error:
        return str(error)
    except (csv.Error, *MISREAD):
        return "its run.json is not one that train writes"


def difference(record: dict, config: dict, recipe: dict, split: Path) -> str | None:
    """The first part of a declared run's fingerprint that differs from the study's, as the end of a sentence; None if there is none."""
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
    """Which of the run's files is missing, cut off or changed."""
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
    with contextlib.suppress(Exception), zipfile.ZipFile(folder / "history.npz") as archive:  # which raises anything on a broken file
        if archive.testzip() is None:
            return None
    return "history.npz is damaged"


def files(record: dict) -> list[str]:
    """Names of the files that ``train`` writes for a run. Evaluations are not imported: they do not say which code made them.

    Raises:
        UserError: run.json names other models than a run has.
    """
    if "last" not in record["weights"] or not set(record["weights"]) <= set(MODELS):
        raise UserError("its run.json is not one that train writes")
    return ["run.json", *(f"{model}.safetensors" for model in record["weights"]), *TABLES, "history.npz"]


def import_run(folder: Path, target: Path) -> None:
    """Copy the run in ``folder`` to ``target``, completely or not at all; replaces what was there."""
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
