"""Where a study's results come from."""

import subprocess
from collections import Counter
from pathlib import Path

from hardpair.config.schema import CNN
from hardpair.errors import UserError
from hardpair.files import formats, paths, shapes
from hardpair.wording import counted

CODE = ("Snakefile", "workflow")  # what computes; a commit of anything else changes no result
ONCE = ("parameters", "device", "device_type", "precision", "threads", "code")  # of run.json, shown once where all runs agree


def provenance(records: list[dict], folder: Path = paths.SHIPPED) -> list[tuple[str, str]]:
    """What produced the runs and the report: each fact with the values it took, in order of appearance."""
    facts: dict[str, dict] = {}
    for record in records:
        flat = {f"data {key}": value for key, value in record["data"].items()}
        flat |= {key.replace("_", " "): record[key] for key in ONCE}
        network = record.get("settings", {}).get("network", CNN)
        flat["network"] = network.get("name", network["kind"])
        flat |= {f"{key} version": value for key, value in record["versions"].items()}
        for key, value in flat.items():
            facts.setdefault(key, {})[str(value)] = None
    seconds = sum(record["seconds"] for record in records)
    rows = [("runs", str(len(records))), ("training time, all runs", f"{seconds / 60:,.1f} minutes")]
    rows += [(key, ", ".join(values)) for key, values in facts.items()]
    older = Counter(record["adopted"]["commit"] for record in records if "adopted" in record)
    rows += [(f"imported runs, trained by the code of commit {commit}", str(count)) for commit, count in older.items()]
    checkout = commit(folder)
    return rows + ([("commit of the workflow that wrote this page", checkout)] if checkout else [])


def about_pictures(images: Path) -> list[str]:
    """Sentences on files that were left out when pictures were prepared in a folder, and on test pictures that are training pictures too;
    none if there are no such files, or no record of them."""
    record, sentences = images / paths.PICTURES, []
    try:
        found = shapes.read(record, formats.PICTURES) if record.is_file() else {}
    except UserError:  # of a source that is gone: with it, the record would have been made again
        return [f"It is not known how many files were left out, since {record} is damaged."]
    if count := found.get("skipped", 0):
        used = "as a picture and was" if count == 1 else "as pictures and were"
        sentences.append(f"{counted(count, 'file')} could not be used {used} left out.")
    if count := found.get("leaked", 0):
        are = "test picture is a training picture too" if count == 1 else "test pictures are training pictures too"
        sentences.append(f"{count:,} {are}, so accuracy on test pictures is too high (duplicates.csv beside the prepared images).")
    return sentences


def commit(folder: Path) -> str | None:
    """The last commit that changed the workflow's code, so that other commits leave the report as it is; None without a checkout."""
    try:
        last = _git(folder, "log", "-1", "--format=%H", "--", *CODE)
        changed = _git(folder, "status", "--porcelain", "--", *CODE)
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{last}, with uncommitted changes" if last and changed else last or None


def _git(folder: Path, *command: str) -> str:
    command_line = ["git", "--no-optional-locks", "-C", folder, *command]
    return subprocess.run(command_line, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
