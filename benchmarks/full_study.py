"""Write the tables and draw the figures of the study at full length from its records, without training, images or network.

Takes the seeds of the last look of which every variant has a record, imports the records as `make adopt` does, but without
registration.json, since registration.md is older than they are, and compares them on validation and on test images by the workflow's
commands. Writes, into the folder: the tables of README.md and, for each kind of images, runs_{images}.csv, comparison_{images}.csv and
final_{images}.png. Takes less than a minute. Example:

  python benchmarks/full_study.py docs/study/full
"""

import argparse
import contextlib
import io
import itertools
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
import page_places
from hardpair.comparison.registration import NOT_KEPT
from hardpair.comparison.runs import Runs
from hardpair.data.split import split_indices
from hardpair.files import paths
from hardpair.files.atomic import write_json, write_text
from hardpair.files.json_text import read_json
from hardpair.staleness import plan
from hardpair.staleness.run_difference import Expected, OlderCode
from hardpair.study import adoption
from hardpair.study.find import overlay

BY = "benchmarks/full_study.py"  # as the place in README.md names it
FULL = PROJECT / "docs" / "study" / "full"
OVERLAYS = {"validation": [FULL / "full.yaml"], "test": [FULL / "full.yaml", FULL / "test.yaml"]}
RESULTS = ("runs.csv", "comparison.csv", "final.png")
REGISTERED = "declared in [registration.md](registration.md) before any run had ended"
COMMIT, TRAINING_IMAGES = "1d73714", 50_000
SECTIONS = (
    "Last epoch",
    "Best epoch by validation accuracy",
    "Declared contrasts, last epoch",
    "The pair in detail: cat and dog, last epoch",
    "Claims",
)


def complete_seeds(records: Path, config: dict) -> list[int]:
    """The declared seeds before the first of which a variant has no record: a look uses the first seeds."""

    def complete(seed: int) -> bool:
        return all((folder / "run.json").exists() for folder in folders_of(records, config, seed))

    return list(itertools.takewhile(complete, config["seeds"]))


def last_look(seeds: list[int], looks: list[int]) -> list[int]:
    """The first of these seeds, as many as the last declared look takes; none before the first look."""
    return seeds[: max((look for look in looks if look <= len(seeds)), default=0)]


def folders_of(records: Path, config: dict, seed: int) -> list[Path]:
    """The records of a seed, in the order of the variants."""
    return [records / variant["name"] / f"seed{seed}" for variant in config["variants"]]


def import_records(records: Path, study: Path, config: dict) -> None:
    """Import the records of a config's seeds into the folder of a study.

    Raises:
        SystemExit: a record is not one of the declared runs; with the reason.
    """
    folders = [folder for seed in config["seeds"] for folder in folders_of(records, config, seed)]
    write_split(study / paths.SPLIT, read_json(folders[0] / "run.json")["data"]["sha256"], config)
    write_text(study / paths.recipe(None), yaml.safe_dump(config["recipe"]))
    recipes = {variant["name"]: config["recipe"] for variant in config["variants"]}
    expected, older = Expected(config, recipes, study / paths.SPLIT), OlderCode(adoption.full_commit(COMMIT))
    with contextlib.ExitStack() as locked, contextlib.redirect_stdout(io.StringIO()) as printed:
        imported, _ = adoption.import_runs(folders, study, expected, older, locked)
    if len(imported) < len(folders):
        sys.exit("\n".join(line for line in printed.getvalue().splitlines() if ": not imported, " in line))


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
    command("compare.py", *inputs, "--settings", json.dumps(plan.compare_settings(config)), "--output-dir", study)
    settings = json.dumps(plan.figure_settings(config, "final"))
    command("assemble_figure.py", "--table", study / paths.RUNS_TABLE, "--settings", settings, "--output", study / RESULTS[-1])


def command(script: str, *options: object) -> None:
    """Run a script of the workflow."""
    subprocess.run([sys.executable, PROJECT / "workflow/scripts" / script, *map(str, options)], check=True, env=ENVIRONMENT)


def sections(comparison: str, images: str) -> str:
    """What the page shows of comparison.md, below a heading of its own."""
    comparison = comparison.replace("in comparison.csv", f"in comparison_{images}.csv").replace(NOT_KEPT, REGISTERED)
    parts = dict(part.split("\n", 1) for part in re.split(r"^## ", comparison, flags=re.MULTILINE)[1:])
    return f"## On {images} images\n\n" + "".join(f"### {name}\n{parts[name]}" for name in SECTIONS if name in parts)


def course_sections(study: Path, config: dict) -> str:
    """The loss's weights and the shares of easy and hard images beside the published ones, and what the sampler drew, below headings."""

    def runs(variant: str) -> Runs:
        return Runs(study / paths.RUNS, (variant,), tuple(config["seeds"]))

    published = plan.variant_of(config, "dfl")["published"]
    loss = course.weights_table(runs("dfl"), published, config["pairs"][0])
    shares = course.shares_table(runs("dfl"), published, {kind: {threshold: ""} for kind, threshold in config["difficulty"].items()})
    sampler = course.sampler_table(runs("ce_sampler"), config["pairs"][0])
    unknown = "Of the published shares of easy (p_t above a threshold) and hard images (below), neither run nor thresholds were stated."
    return f"## What the weights of the loss did\n\n{loss}\n\n{unknown}\n\n{shares}\n\n## What the sampler drew\n\n{sampler}"


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("folder", type=Path, help="folder of README.md")
    cli.add_argument("--records", type=Path, default=FULL / "records", help="default: %(default)s")
    cli.add_argument("--seeds", type=int, nargs="+", help="default: those of the last declared look that is complete")
    options = cli.parse_args()
    page_places.check(options.folder / "README.md", BY, ["tables"])
    parts, files = [], {}
    with tempfile.TemporaryDirectory() as temporary:
        for images, overlays in OVERLAYS.items():
            config = overlay(list(map(str, overlays)))
            complete = complete_seeds(options.records, config)
            config["seeds"] = options.seeds or last_look(complete, config["looks"])
            if not config["seeds"] or not set(config["seeds"]) <= set(complete):
                sys.exit(f"{options.records} has all variants of these seeds only: {', '.join(map(str, complete)) or 'none'}")
            study = Path(temporary) / config["study"]
            import_records(options.records, study, config)
            write_results(study, config)
            files |= {name.replace(".", f"_{images}."): study / name for name in RESULTS}
            parts.append(sections((study / paths.COMPARISON).read_text(encoding="utf-8"), images))
        parts.append(course_sections(study, config))  # the same whatever the runs are evaluated on
        for name, file in files.items():
            shutil.copy(file, options.folder / name)
    page_places.fill(options.folder / "README.md", BY, {"tables": "\n".join(parts)})


if __name__ == "__main__":
    main()
