"""How long Snakemake plans the study with very many seeds on this machine, beside a bare Snakefile of the same jobs.

Both are dry runs. The bare one has the rules train, evaluate and compare with the same input and output files and nothing else: no
settings, no code, no logs, no figures. They take turns. With --finished, also the dry run after all is done, which finds nothing to do;
its files are empty and made by `snakemake --touch`. Example (ten minutes on two cores):

  python benchmarks/planning.py --seeds 100 1000 2500 --finished 1000 --json planning.json
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from measured import PROJECT, in_words, machine, measured

VARIANTS = 4  # of config/config.yaml
PARTS = ("Snakefile", "config", "envs", "profiles", "workflow")
OVERLAY = "seeds.json"
BARE = """
VARIANTS, SEEDS = ["ce", "dfl", "ce_sampler", "dfl_sampler"], range(config["seeds"])
RUN = "results/bare/runs/{variant}/seed{seed}/"
GIVEN = ["results/bare/split.json", "resources/dataset.json"]
ARRAYS = [f"resources/{part}/{name}.npy" for part in ("train", "test") for name in ("images", "labels")]
MODELS = [RUN + "last.safetensors", RUN + "best.safetensors"]


rule compare:
    input:
        expand(RUN + "metrics.json", variant=VARIANTS, seed=SEEDS),
    output:
        "results/bare/comparison.md",
    shell:
        "compare"


rule train:
    input:
        GIVEN,
        ARRAYS,
        "results/bare/recipe.yaml",
    output:
        RUN + "run.json",
        MODELS,
        RUN + "epochs.csv",
        RUN + "refreshes.csv",
        RUN + "history.npz",
    shell:
        "train"


rule evaluate:
    input:
        GIVEN,
        ARRAYS,
        RUN + "run.json",
        MODELS,
    output:
        RUN + "predictions.npz",
        RUN + "metrics.json",
    shell:
        "evaluate"
"""
GIVEN = [f"resources/{part}/{name}.npy" for part in ("train", "test") for name in ("images", "labels")]
GIVEN += ["results/bare/split.json", "results/bare/recipe.yaml", "resources/dataset.json"]


def prepare(folder: Path, seeds: int) -> dict[str, list[str]]:
    """Both workflows below ``folder``, and the options with which each plans so many seeds."""
    study, bare = folder / "study", folder / "bare"
    for part in PARTS:
        copy = shutil.copytree if (PROJECT / part).is_dir() else shutil.copy
        study.mkdir(parents=True, exist_ok=True)
        copy(PROJECT / part, study / part)
    (study / OVERLAY).write_text(json.dumps({"seeds": list(range(seeds)), "search": {"seeds": [seeds]}}))
    bare.mkdir()
    (bare / "Snakefile").write_text(BARE)
    touch(bare, GIVEN)
    return {"study": ["--configfile", OVERLAY], "bare": ["--config", f"seeds={seeds}"]}


def touch(folder: Path, files: list[str]) -> None:
    """Make empty files."""
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def plan(folder: Path, options: list[str]) -> dict[str, float]:
    """What a dry run takes, and how many jobs it finds."""
    took = measured(["snakemake", "--dry-run", "--cores", "2", *options], folder)
    counted = [line.split() for line in (folder / "output").read_text().splitlines() if line.startswith("total ")]
    return took | {"jobs": int(counted[0][1]) if counted else 0}


def finish(folder: Path, options: list[str]) -> None:
    """Make every output of the planned jobs an empty file, and mark it as made."""
    summary = ["snakemake", "--cores", "1", *options]
    measured([*summary, "--summary"], folder)
    lines = (folder / "output").read_text().splitlines()
    touch(folder, [line.split("\t")[0] for line in lines if "\t" in line and not line.startswith("output_file\t")])
    measured([*summary, "--touch"], folder)


def measure(seeds: int, finished: bool) -> list[dict]:
    """A row for each workflow and state."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        options = prepare(Path(temporary), seeds)
        for name, arguments in options.items():
            rows.append({"seeds": seeds, "workflow": name, "state": "nothing done"} | plan(Path(temporary) / name, arguments))
        if finished:
            for name, arguments in options.items():
                finish(Path(temporary) / name, arguments)
            for name, arguments in options.items():
                rows.append({"seeds": seeds, "workflow": name, "state": "all done"} | plan(Path(temporary) / name, arguments))
                if rows[-1]["jobs"]:
                    sys.exit(f"{name}: {rows[-1]['jobs']} jobs are not done, so this would measure something else")
    return rows


def table(rows: list[dict]) -> str:
    """The rows as Markdown, the study's with their ratio to the bare one's."""
    lines = ["| runs | state | workflow | jobs | seconds | CPU seconds | peak MB | × bare, CPU |", "|--:|---|---|--:|--:|--:|--:|--:|"]
    bare = {(row["seeds"], row["state"]): row["cpu"] for row in rows if row["workflow"] == "bare"}
    for row in rows:
        ratio = f"{row['cpu'] / bare[row['seeds'], row['state']]:.2f}" if row["workflow"] == "study" else ""
        lines.append(
            f"| {VARIANTS * row['seeds']:,} | {row['state']} | {row['workflow']} | {row['jobs']:,} | {row['seconds']:.1f} | "
            f"{row['cpu']:.1f} | {row['peak_mb']:,.0f} | {ratio} |"
        )
    return "\n".join(lines)


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--seeds", type=int, nargs="+", default=[100, 1000, 2500], help="of each of the four variants (default %(default)s)")
    cli.add_argument("--finished", type=int, nargs="*", default=[], help="those of --seeds that are also planned after all is done")
    cli.add_argument("--json", type=Path, help="file that gets the same as JSON")
    options = cli.parse_args()
    about = machine("snakemake")
    print(f"{in_words(about)}\n")
    rows = [row for seeds in options.seeds for row in measure(seeds, seeds in options.finished)]
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps({"about": about, "plans": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
