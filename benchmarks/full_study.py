"""Write the tables and draw the figures of the study at full length from its records, without training, images or network.

Takes the seeds of which every variant has a record, imports the records as `make adopt` does, and compares them on validation and on test
images by the workflow's commands. Writes, into the folder: the tables of README.md and, for each kind of images, runs_{images}.csv,
comparison_{images}.csv and final_{images}.png. Takes less than a minute. Example:

  python benchmarks/full_study.py docs/study/full
"""

import argparse
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measured import ENVIRONMENT, PROJECT

sys.path.insert(0, str(PROJECT / "workflow" / "scripts"))

import numpy as np
import yaml

import course
from hardpair.data.split import split_indices
from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.files.atomic import write_json, write_text
from hardpair.files.json_text import read_json
from hardpair.staleness import plan
from hardpair.staleness.run_difference import Expected, OlderCode
from hardpair.study import adoption
from hardpair.study.find import overlay
from hardpair.study.register import register

START, END = "<!-- tables: written by benchmarks/full_study.py -->", "<!-- end of tables -->"
FULL = PROJECT / "docs" / "study" / "full"
OVERLAYS = {"validation": [FULL / "full.yaml"], "test": [FULL / "full.yaml", FULL / "test.yaml"]}
RESULTS = ("runs.csv", "comparison.csv", "final.png")
COMMIT, TRAINING_IMAGES = "1d73714", 50_000
SECTIONS = (
    "Last epoch",
    "Best epoch by validation accuracy",
    "Declared contrasts, last epoch",
    "The pair in detail: cat and dog, last epoch",
    "Claims",
)


def complete_seeds(records: Path, config: dict) -> list[int]:
    """The declared seeds of which every variant has a record."""
    return [seed for seed in config["seeds"] if all((records / name / f"seed{seed}/run.json").exists() for name in names(config))]


def names(config: dict) -> list[str]:
    """The variants."""
    return [variant["name"] for variant in config["variants"]]


def import_records(records: Path, study: Path, config: dict) -> None:
    """Import the records of a config's seeds into the folder of a study.

    Raises:
        UserError: a record is not one of the declared runs.
    """
    folders = [records / name / f"seed{seed}" for name in names(config) for seed in config["seeds"]]
    write_split(study / paths.SPLIT, read_json(folders[0] / "run.json")["data"]["sha256"], config)
    write_text(study / paths.recipe(None), yaml.safe_dump(config["recipe"]))
    expected = Expected(config, dict.fromkeys(names(config), config["recipe"]), study / paths.SPLIT)
    older = OlderCode(adoption.full_commit(COMMIT))
    for folder in folders:
        if reason := adoption.refusal(folder, expected, older):
            raise UserError(f"{folder} cannot be used: {reason}")
    register(study, config)  # registration.md and full.yaml are older than the results
    with contextlib.ExitStack() as locked, contextlib.redirect_stdout(None):
        adoption.import_runs(folders, study, expected, older, locked)


def write_split(path: Path, sha256: str, config: dict) -> None:
    """Write the split of CIFAR-10 that the study declares: a random one, for which labels do not matter.

    Args:
        sha256: of the prepared images.
    """
    chosen = split_indices(np.zeros(TRAINING_IMAGES, np.int64), **plan.split_settings(config))
    training, validation = (part.tolist() for part in chosen)
    write_json(path, {"data_sha256": sha256, "training": training, "validation": validation})


def write_results(study: Path, config: dict) -> None:
    """Compare the runs of a study and draw the final figure."""
    inputs = ["--runs", study / paths.RUNS, "--recipe", study / paths.recipe(None), "--split", study / paths.SPLIT]
    kept = ["--registration", study / paths.REGISTRATION]
    command("compare.py", *inputs, "--settings", json.dumps(plan.compare_settings(config)), *kept, "--output-dir", study)
    settings = json.dumps(plan.figure_settings(config, "final"))
    command("assemble_figure.py", "--table", study / paths.RUNS_TABLE, "--settings", settings, "--output", study / RESULTS[-1])


def command(script: str, *options: object) -> None:
    """Run a script of the workflow."""
    subprocess.run([sys.executable, PROJECT / "workflow/scripts" / script, *map(str, options)], check=True, env=ENVIRONMENT)


def sections(comparison: str, images: str) -> str:
    """What a page shows of comparison.md, below a heading of its own."""
    parts = dict(part.split("\n", 1) for part in re.split(r"^## ", comparison, flags=re.MULTILINE)[1:])
    return f"## On {images} images\n\n" + "".join(f"### {name}\n{parts[name]}" for name in SECTIONS)


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("folder", type=Path, help="folder of README.md")
    cli.add_argument("--records", type=Path, default=FULL / "records", help="default: %(default)s")
    cli.add_argument("--seeds", type=int, nargs="+", help="default: all that are complete")
    options = cli.parse_args()
    page, text = options.folder / "README.md", ""
    before, place, after = page.read_text(encoding="utf-8").partition(START)
    if not place or END not in after:
        sys.exit(f"{page} has no place for the tables: add a line {START} and, below it, a line {END}")
    for images in OVERLAYS:
        config = overlay([str(path) for path in OVERLAYS[images]])
        config["seeds"] = options.seeds or complete_seeds(options.records, config)
        with tempfile.TemporaryDirectory() as folder:
            study = Path(folder) / config["study"]
            import_records(options.records, study, config)
            write_results(study, config)
            for name in RESULTS:
                shutil.copy(study / name, options.folder / name.replace(".", f"_{images}."))
            comparison = (study / paths.COMPARISON).read_text(encoding="utf-8")
            text += sections(comparison.replace("in comparison.csv", f"in comparison_{images}.csv"), images) + "\n"
            weights = course.weights_table(study / paths.RUNS, config, "dfl")
    write_text(page, f"{before}{START}\n\n{text}## What the weights of the loss did\n\n{weights}\n{END}{after.partition(END)[2]}")


if __name__ == "__main__":
    main()
