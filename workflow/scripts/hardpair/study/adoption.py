"""Import runs that were trained elsewhere, if the study would train the same. Imports no torch."""

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

TABLES = ("epochs.csv", "refreshes.csv")
MALFORMED = "its run.json is not one that train writes"


def adopt_runs(runs: Path, configfiles: list[str]) -> None:
    """Import the runs below a folder that the study of these overlays would train itself; print a line for each run.

    Raises:
        UserError: Snakemake is running here, the study's recipe or split is missing or stale, or the folder holds no run of the study.
    """
    config = overlay(configfiles)
    study = paths.RESULTS / config["study"]
    options = ["--configfile", *configfiles] if configfiles else []
    recipe_files = {variant["name"]: study / paths.recipe(plan.owner(config, variant["name"])) for variant in config["variants"]}
    split, inputs = study / paths.SPLIT, list(dict.fromkeys(map(str, [*recipe_files.values(), study / paths.SPLIT])))
    if any(Path(".snakemake/locks").glob("*.lock")):
        raise UserError("snakemake is running here: wait for its end, or run `snakemake --unlock` if it was killed")
    if "Nothing to be done" not in _snakemake("--dry-run", *options, "--", *inputs):
        command = " ".join(["snakemake --cores 4", *options, "--", *inputs])
        raise UserError(f"{' and '.join(inputs)} are missing or not those of the present config: run `{command}` first")
    folders = sorted(path.parent for path in runs.rglob("run.json"))
    if not folders:
        raise UserError(f"{runs} holds no run.json: name a folder with finished runs")

    recipes, imported, present = {name: read_map(file) for name, file in recipe_files.items()}, [], 0
    for folder in folders:
        if reason := refusal(folder, config, recipes, split):
            print(f"{folder}: not imported, {reason}")
            continue
        record = read_json(folder / "run.json")
        names = {"variant": record["variant"], "seed": record["seed"]}
        target = study / paths.RUN.format(**names)
        if refusal(target, config, recipes, split) is None:
            present += 1
            print(f"{folder}: not imported, the study has this run already in {target}")
            continue
        import_run(folder, target)
        write_text(study / paths.RUN_LOG.format(rule="train", **names), f"imported from {folder.resolve()}\n")
        imported.append(target)
        print(f"{folder}: imported as {target}")
    if not imported and not present:
        raise UserError(f"{runs} holds no run of the study {config['study']}: the reasons are above")
    if imported:
        record_in_snakemake(imported, options)
    print(f"{len(imported)} of {len(folders)} runs imported")


def record_in_snakemake(folders: list[Path], options: list[str]) -> None:
    """Make Snakemake record the params of the runs, as for a run that it trains, so that a changed setting makes them stale.

    Snakemake records the params of each job that it touches; ``--allowed-rules`` keeps it from touching others.

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
    call = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if call.returncode != 0:
        last = (call.stdout.strip().splitlines() or ["no message"])[-1].strip()
        raise UserError(f"snakemake {options[0]} failed, so nothing was imported: {last}")
    return call.stdout


def refusal(folder: Path, config: dict, recipes: dict[str, dict], split: Path) -> str | None:
    """Why a study would not train the run in ``folder``, as the end of a sentence; None if it would.

    Args:
        config: of the study, resolved.
        recipes: of its variants, by name.
        split: its split.json.
    """
    try:
        record = read_json(folder / "run.json")
        if shapes.difference(record, formats.RUN):
            return MALFORMED
        names = [variant["name"] for variant in config["variants"]]
        if record["variant"] not in names:
            return f"the study declares no variant {record['variant']!r}, only {', '.join(names)}"
        if record["seed"] not in config["seeds"]:
            return f"the study does not declare its seed {record['seed']}"
        return difference(record, config, recipes[record["variant"]], split) or _damage(folder, record)
    except UserError as error:
        return str(error)
    except (csv.Error, *MISREAD):
        return MALFORMED


def difference(record: dict, config: dict, recipe: dict, split: Path) -> str | None:
    """The first part of a declared run's fingerprint that differs from the study's, as the end of a sentence; None if there is none."""
    settings, code = plan.train_settings(config, record["variant"]), plan.train_code(config, record["variant"])
    own = settings.get("recipe", {})
    for part, expected in (("settings", {key: value for key, value in settings.items() if key != "recipe"}), ("recipe", recipe | own)):
        if canonical(record[part]) != canonical(expected):
            return _first_difference(record[part], expected, part)
    if record["data"]["sha256"] != read_json(split)["data_sha256"]:
        return "it was trained on other images"
    if record["code"] != code:
        return f"it was trained by other code ({record['code']}, here {code})"
    if record["fingerprint"] != fingerprint(settings, recipe, record["seed"], split, code):
        return "it was trained on another split of the images"
    if record["epochs"] != recipe["epochs"]:
        return f"it ended after {record['epochs']} of {recipe['epochs']} epochs"
    return None


def _first_difference(value: object, expected: object, path: str) -> str:
    """``its recipe.momentum is 0.8, here 0.9``: the first key in which two maps differ, ``path`` before it."""
    if isinstance(value, dict) and isinstance(expected, dict):
        key = min(key for key in value.keys() | expected.keys() if canonical(value.get(key)) != canonical(expected.get(key)))
        return _first_difference(value.get(key), expected.get(key), f"{path}.{key}")
    return f"its {path} is {json.dumps(value)}, here {json.dumps(expected)}"


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
    """Names of the files that ``train`` writes for a run. Evaluations are not imported: they do not record which code made them."""
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
