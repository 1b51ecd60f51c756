"""What the comparison, the figures and the report of a study of very many runs take on this machine.

Writes what training and evaluation leave of the study in config/config.yaml with so many seeds, made-up numbers in real files, and
measures each command of the workflow that reads all of it. Example (10,000 runs, 1.5 GB in a temporary folder):

  python benchmarks/comparing.py --seeds 2500 --json comparing.json
"""

import argparse
import json
import multiprocessing
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

import numpy as np

import fake_study
from hardpair.cli.command import positive
from hardpair.figures import catalogue
from hardpair.files import own_digest
from hardpair.files.atomic import file_sha256
from hardpair.staleness import plan
from hardpair.staleness.fingerprint import fingerprint
from hardpair.study.find import overlay
from measured import PROJECT, in_words, machine, measured

SCRIPTS = PROJECT / "workflow" / "scripts"
OF_TRAINING = ("epochs.csv", "refreshes.csv", "history.npz")
POOL = 20  # runs of a variant that are made from scratch; the others are copies with numbers of their own
TRAINING, VALIDATION = 45_000, 5_000


def study_of(seeds: int) -> dict:
    """The config of the study with so many seeds and without a search, resolved."""
    return overlay([], {"seeds": list(range(seeds)), "search": {"enabled": False}})


def write(folder: Path, config: dict, images: int, epochs: int) -> None:
    """All files of the study that the commands below read."""
    rng, recipe = np.random.default_rng(0), config["recipe"] | {"epochs": epochs}
    results = folder / "results"
    results.mkdir()
    (results / "recipe.yaml").write_text(json.dumps(recipe))
    fake_study.write_images(folder / "data", images, fake_study.CLASSES, 32)
    labels = np.arange(TRAINING + VALIDATION) % len(fake_study.CLASSES)
    (folder / "data" / "train").mkdir()
    np.save(folder / "data" / "train" / "labels.npy", labels)
    np.lib.format.open_memmap(folder / "data" / "train" / "images.npy", "w+", np.uint8, (len(labels), 3, 32, 32))
    order = rng.permutation(len(labels)).tolist()
    split = {"data_sha256": "d" * 64, "training": order[:TRAINING], "validation": order[TRAINING:]}
    (results / "split.json").write_text(json.dumps(split))
    for place, variant in enumerate(plan.compare_settings(config)["variants"]):
        pool = folder / "pool" / variant["name"]
        for seed in range(min(POOL, len(config["seeds"]))):
            (pool / str(seed)).mkdir(parents=True)
            settings = plan.figure_settings(config, "confusion")
            fake_study.write_run(pool / str(seed), variant["name"], place, seed, settings, epochs, True, images, fake_study.CLASSES, 32)
        fake_study.record_digest(folder / "data", folder / "pool")
        for seed in config["seeds"]:
            present = fingerprint(variant["train"], recipe, seed, results / "split.json", variant["code"])
            copy_run(pool / str(seed % POOL), results / "runs" / variant["name"] / f"seed{seed}", seed, present, rng)
    shutil.rmtree(folder / "pool")


def copy_run(source: Path, run: Path, seed: int, present: str, rng: np.random.Generator) -> None:
    """A run with a seed and a fingerprint of its own, and with measures that are not the same as those of its copies."""
    shutil.copytree(source, run)
    for name in ("run.json", "metrics.json"):
        content = json.loads((source / name).read_text()) | {"seed": seed, "fingerprint": present}
        for model, measures in content.get("models", {}).items():
            content["models"][model] = fake_study.of_counts(measures, _with_errors(np.array(measures["confusion"]), rng))
        if name == "run.json":
            content = own_digest.added(content | {"files": {file: file_sha256(run / file) for file in OF_TRAINING}})
        else:
            content["predictions"] = file_sha256(run / "predictions.npz")
        (run / name).write_text(json.dumps(content))


def _with_errors(counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Counts (C, C) of true and predicted classes with a few more errors."""
    for true, called in rng.integers(len(counts), size=(rng.integers(1, 20), 2)):
        moved = min(1, counts[true, true])
        counts[true, true] -= moved
        counts[true, called] += moved
    return counts


def commands(folder: Path, config: dict) -> dict[str, list]:
    """The commands of compare, of each figure by its name, and of write_report; their settings lie in files."""
    results, figures = folder / "results", plan.figures(config)
    settings = {name: plan.figure_settings(config, name) for name in figures}
    settings |= {"compare": plan.compare_settings(config), "write_report": plan.report_settings(config)}
    for name, content in settings.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    places = {"runs": results / "runs", "table": results / "runs.csv", "split": results / "split.json"}
    places |= {"data": folder / "data", "recipe": results / "recipe.yaml"}
    inputs = {option: f"--{option}={place}" for option, place in places.items()}

    lines = {"compare": ["compare.py", *(inputs[option] for option in ("runs", "recipe", "split")), f"--output-dir={results}"]}
    for name, figure in figures.items():
        start = ["assemble_figure.py"] if name == catalogue.FINAL else ["plot_figure.py", name]
        lines[name] = [*start, *(inputs[option] for option in figure.inputs), f"--output={results}/figures/{name}.png"]
    lines["write_report"] = ["write_report.py", f"--study-dir={results}", inputs["data"], f"--output={results}/report.html"]
    return {name: [SCRIPTS / script, *rest, f"--settings={folder}/{name}.json"] for name, (script, *rest) in lines.items()}


def size_of(folder: Path, name: str) -> float:
    """MB of what a command wrote."""
    results = folder / "results"
    wrote = {"compare": [*results.glob("*.csv"), results / "comparison.md"], "write_report": [results / "report.html"]}
    return sum(path.stat().st_size for path in wrote.get(name, results.glob(f"figures/{name}.*"))) / 1e6


def table(rows: list[dict]) -> str:
    """The rows as Markdown."""
    lines = ["| command | seconds | CPU seconds | peak MB | wrote, MB |", "|---|--:|--:|--:|--:|"]
    for row in rows:
        lines.append(f"| {row['command']} | {row['seconds']:.1f} | {row['cpu']:.1f} | {row['peak_mb']:,.0f} | {row['wrote_mb']:.1f} |")
    return "\n".join(lines)


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--seeds", type=positive, default=2500, help="of each of the four variants (default %(default)s)")
    cli.add_argument("--images", type=positive, default=1000, help="that each run was evaluated on (default %(default)s)")
    cli.add_argument("--epochs", type=positive, default=50, help="of each run (default %(default)s)")
    cli.add_argument("--only", nargs="+", help="commands to measure: compare, write_report, figures by name (default: all)")
    cli.add_argument("--keep", type=Path, help="folder for the made-up study and its figures; used again for the same three numbers")
    cli.add_argument("--json", type=Path, help="file that gets the same as JSON")
    options = cli.parse_args()
    config, counts = study_of(options.seeds), {key: getattr(options, key) for key in ("seeds", "images", "epochs")}
    names = ["compare", *plan.figures(config), "write_report"]
    if unknown := set(options.only or ()) - set(names):
        cli.error(f"--only: {min(unknown)} is no command, choose from {', '.join(names)}")
    about = machine("numpy", "pandas", "scipy", "matplotlib")
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.keep or Path(temporary) / "study").absolute()
        made = folder / "made.json"
        if folder.exists() and not (made.exists() and json.loads(made.read_text()) == counts):
            cli.error(f"--keep: {folder} holds no complete study of the same --seeds, --images and --epochs: remove it or name another")
        if not folder.exists():
            folder.mkdir(parents=True)
            # In a process of its own: a command starts out with the memory of the process that starts it.
            writer = multiprocessing.Process(target=write, args=(folder, config, options.images, options.epochs))
            writer.start()
            writer.join()
            if writer.exitcode:
                sys.exit("the made-up study could not be written")
            made.write_text(json.dumps(counts))
        runs = len(config["variants"]) * options.seeds
        print(f"{in_words(about)}; {runs:,} runs of {options.epochs} epochs, {options.images:,} images\n")
        rows = []
        for name, command in commands(folder, config).items():
            if not options.only or name in options.only:
                rows.append({"command": name} | measured([sys.executable, *command], folder) | {"wrote_mb": size_of(folder, name)})
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps({"about": about | counts, "commands": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
