"""Import runs that were trained elsewhere, if the study would train the same. Imports no torch.

A run is imported with its weights, or as a record: without weights, but with evaluations, which count for comparison and figures.
"""

import contextlib
import csv
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

from hardpair.comparison import predictions
from hardpair.config.read import read_map
from hardpair.errors import UserError, say
from hardpair.files import formats, own_digest, paths, run_digests, shapes
from hardpair.files.atomic import PARTIAL, file_sha256, flush, owner, write_json, write_text
from hardpair.files.json_text import read_json
from hardpair.jobs import locks
from hardpair.staleness import plan, record
from hardpair.staleness.due import Due
from hardpair.staleness.run_difference import MALFORMED, Expected, OlderCode, difference
from hardpair.study import find, replaced
from hardpair.study.evaluated_record import evaluation, is_record, wrong_evaluation
from hardpair.study.find import SHIPPED, overlay
from hardpair.study.register import register

TABLES = ("epochs.csv", "refreshes.csv")
# What reading values of other types than expected raises.
MISREAD = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


def adopt_runs(runs: Path, configfiles: list[str], commit: str | None = None) -> None:
    """Import the runs below a folder that the study of these overlays would train itself; print a line for each run.

    Args:
        commit: of the one older code whose runs count as those of the present code.

    Raises:
        UserError: Snakemake is running here, the study's recipe or split is missing or stale, there is no such commit, or the folder holds
            no run of the study.
    """
    config = overlay(configfiles)
    study, due = paths.RESULTS / config["study"], Due.of(config)
    folders, expected = _inputs(runs, due, configfiles)  # before the lock, which would be all that is left of a refused import
    with contextlib.ExitStack() as locked:
        locks.allow_many()
        locked.callback(locks.take_study(study).release)
        replaced.restore(study)  # what an import that was killed has left
        due.look_again()
        older = OlderCode(full_commit(commit), older_hashes(study, expected)) if commit else None
        try:
            imported, present = import_runs(folders, study, expected, older, locked)
            if not imported and not present:
                raise UserError(f"{runs} holds no run of the study {config['study']}: the reasons are above")
            if imported:  # which count from now on, whatever they say of claims that are declared by now
                register(study, config, (target.relative_to(study / paths.RUNS).as_posix() for target in imported))
            record_evaluations(imported, due)
        except BaseException:  # Ctrl-C too
            replaced.restore(study)
            raise
        for target in imported:
            shutil.rmtree(replaced.aside(target))
    say(f"{len(imported)} of {len(folders)} runs imported")


def _inputs(runs: Path, due: Due, configfiles: list[str]) -> tuple[list[Path], Expected]:
    """Folders of the runs, and what the study would train.

    Raises:
        UserError: there is no run, Snakemake is running here, or recipe or split are missing or stale.
    """
    folders = sorted(path.parent for path in runs.rglob("run.json"))
    if not folders:
        what = "holds no run.json" if runs.is_dir() else "is not a folder" if runs.exists() else "does not exist"
        raise UserError(f"{runs} {what}: name a folder with finished runs")
    config, options = due.config, ["--configfile", *configfiles] if configfiles else []
    study = paths.RESULTS / config["study"]
    recipe_files = {variant["name"]: study / paths.recipe(plan.owner(config, variant["name"])) for variant in config["variants"]}
    split, inputs = study / paths.SPLIT, list(dict.fromkeys(map(str, [*recipe_files.values(), study / paths.SPLIT])))
    if any(Path(".snakemake/locks").glob("*.lock")):
        raise UserError(f"snakemake is running here: wait until it ends, or run `{find.snakemake('--unlock')}` if it was killed")
    makers = [job for job in due.declared.values() if job.rule in ("split_data", "select_recipe")]
    if any(map(due.reason, makers)):
        command = find.snakemake("--cores", "4", *options, "--", *inputs)
        raise UserError(f"{' and '.join(inputs)} are missing or not those of the present config: run `{command}` first")
    images = due.jobs.about  # whose SHA-256 is in the record of an evaluation, and a run without weights has one
    if not Path(images).exists() and not all(any(folder.glob("*.safetensors")) for folder in folders):
        raise UserError(f"{images} is missing: run `{find.snakemake('--cores', '4', *options, '--', images)}` first")
    return folders, Expected(config, {name: read_map(file) for name, file in recipe_files.items()}, split)


def import_runs(
    folders: list[Path], study: Path, expected: Expected, older: OlderCode | None, locked: contextlib.ExitStack
) -> tuple[list[Path], int]:
    """Import those of the runs that the study would train and does not have; print a line for each.

    Args:
        folders: of the runs.
        study: folder of the study.
        locked: gets the locks of the imported runs.

    Returns:
        Folders of the imported runs in the study, and how many it had already.
    """
    imported, present = [], 0
    for folder in folders:
        if reason := refusal(folder, expected, older):
            say(f"{folder}: not imported, {reason}")
            continue
        run = read_json(folder / "run.json")
        names = {"variant": run["variant"], "seed": run["seed"]}
        target = study / paths.RUN.format(**names)
        if target in imported:
            say(f"{folder}: not imported, this run was already imported from another folder")
            continue
        try:
            lock = locks.take(paths.lock_of(study / paths.CHECKPOINT.format(**names)), "its job is running here: wait until it ends")
        except UserError as error:
            say(f"{folder}: not imported, {error}")
            continue
        locked.callback(lock.release)
        if refusal(target, expected) is None:
            lock.release()
            present += 1
            say(f"{folder}: not imported, the study already has this run in {target}")
            continue
        import_run(folder, target, expected, older)
        write_text(study / paths.RUN_LOG.format(rule="train", **names), f"imported from {folder.resolve()}\n")
        imported.append(target)
        if older and run["code"] != expected.code(run["variant"]):
            older.hashes.setdefault(run["variant"], run["code"])
        say(f"{folder}: imported as {target}")
    return imported, present


def older_hashes(study: Path, expected: Expected) -> dict[str, str]:
    """Hashes of the older code whose runs the study has already, by variant."""
    found = {}
    for path in paths.every(study, paths.RUN_RECORD):
        with contextlib.suppress(UserError, *MISREAD):  # a run that is damaged is trained again
            run = read_json(path)
            if "adopted" in run and difference(run, expected) is None:
                found[run["variant"]] = run["code"]
    return found


def full_commit(name: str) -> str:
    """The hash of a commit of the workflow's checkout, twelve digits; without a checkout, the hash as it is.

    Raises:
        UserError: it is no commit.
    """
    git = ["git", "-C", SHIPPED, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout[:12]
    except (OSError, subprocess.CalledProcessError):
        if (SHIPPED / ".git").exists() or not re.fullmatch("[0-9a-f]{7,40}", name):
            raise UserError(
                f"CODE is {name}, which is not a commit of the workflow's repository: name the commit that trained the runs"
            ) from None
        return name[:12]


def record_evaluations(folders: list[Path], due: Due) -> None:
    """Record what the evaluations of imported runs were made of, as for those that the study makes."""
    for folder in folders:
        run = read_json(folder / "run.json")
        job = due.job("evaluate", variant=run["variant"], seed=run["seed"])
        if (folder / "metrics.json").exists():
            record.write(job.record, job.made)


def refusal(folder: Path, expected: Expected, older: OlderCode | None = None) -> str | None:
    """Why a study would not train the run in ``folder``; None if it would. The reason is the end of a sentence.

    Args:
        older: code whose runs count as those of the present code.
    """
    try:
        record = read_json(folder / "run.json")
        if shapes.difference(record, formats.RUN):
            return MALFORMED
        names = [variant["name"] for variant in expected.config["variants"]]
        if record["variant"] not in names:
            return f"the study declares no variant {record['variant']!r}, only {', '.join(names)}"
        if record["seed"] not in expected.config["seeds"]:
            return f"the study does not declare its seed {record['seed']}"
        return difference(record, expected, older) or _damage(folder, record) or wrong_evaluation(folder, record, expected)
    except UserError as error:
        return str(error)
    except (csv.Error, *MISREAD):
        return MALFORMED
    except OSError as error:
        return f"{error.filename or folder} cannot be read ({error.strerror})"


def _damage(folder: Path, record: dict) -> str | None:
    """Which of the files of the run's training is missing, cut off or changed."""
    for name in files(folder, record):
        if not (folder / name).is_file():
            return f"{name} is missing"
    for name, digest in run_digests.digests(record).items():
        if (folder / name).exists() and file_sha256(folder / name) != digest:
            return f"{name} is damaged: its SHA-256 is not that of run.json"
    for name in TABLES:
        text = (folder / name).read_text(encoding="utf-8", errors="replace")
        epochs = [row["epoch"] for row in csv.DictReader(text.splitlines())]
        if not text.endswith("\n") or epochs[-1:] != [str(record["epochs"])]:
            return f"{name} is truncated: it does not reach epoch {record['epochs']}"
    with contextlib.suppress(Exception), zipfile.ZipFile(folder / "history.npz") as archive:  # which raises anything on a broken file
        if archive.testzip() is None:
            return None
    return "history.npz is damaged"


def files(folder: Path, record: dict) -> list[str]:
    """Names of the files that ``train`` writes for a run. Evaluations of a run with weights are not imported, but made again."""
    weights = [] if is_record(folder, record) else [f"{model}.safetensors" for model in record["weights"]]
    return ["run.json", *weights, *TABLES, "history.npz"]


def imported_record(record: dict, expected: Expected, older: OlderCode) -> dict:
    """The run.json of an imported run; one of the older code gets the fingerprint of the present code, and its own stays beside it."""
    present = expected.fingerprint(record["variant"], record["seed"])
    if record["fingerprint"] == present:
        return record
    own = record.get("adopted", record)["fingerprint"]
    return record | {"fingerprint": present, "adopted": {"commit": older.commit, "fingerprint": own}}


def import_run(folder: Path, target: Path, expected: Expected, older: OlderCode | None = None) -> None:
    """Copy the run in ``folder`` to ``target``, completely or not at all; what was there moves aside."""
    record = read_json(folder / "run.json")
    changed = imported_record(record, expected, older) if older else record
    copied = target.with_name(f"{PARTIAL}{owner()}-{target.name}")
    copied.mkdir(parents=True)
    try:
        for name in files(folder, record):
            shutil.copyfile(folder / name, copied / name)
        if is_record(folder, record):
            measured, answers = evaluation(folder, record, expected.config)
            digest = predictions.write(copied / "predictions.npz", answers)
            write_json(copied / "metrics.json", measured | {"fingerprint": changed["fingerprint"], "predictions": digest})
        if changed != record:
            write_json(copied / "run.json", own_digest.added(changed))
        for path in (*copied.iterdir(), copied):
            flush(path)
        if target.exists():
            os.replace(target, replaced.aside(target))
        else:
            replaced.aside(target).mkdir()
        os.replace(copied, target)
    finally:
        shutil.rmtree(copied, ignore_errors=True)
