"""Take over runs that were trained elsewhere, so that the workflow goes on from them as if it had trained them.

A run is taken over if it is one that the study would train itself: same settings, recipe, images, split and code, a declared variant and
seed, all files whole. It is found by its run.json anywhere below the given folder, and copied. The study's recipe and split must be there.
Example:

  python workflow/scripts/adopt_runs.py --runs /mnt/node7/runs --configfile config/published.yaml
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from hardpair.cli.command import parser, run


def arguments() -> argparse.Namespace:
    cli = parser(__doc__)
    cli.add_argument("--runs", type=Path, required=True, help="folder that holds the runs, at any depth")
    cli.add_argument("--configfile", nargs="*", default=[], metavar="FILE", help="overlays of config/config.yaml, as for snakemake")
    return cli.parse_args()


def main() -> None:
    options = arguments()
    from hardpair.errors import UserError
    from hardpair.files.atomic import read_json, write_text
    from hardpair.study import adoption
    from hardpair.study.find import overlay, read

    config = overlay(options.configfile)
    study = Path("results") / config["study"]
    given = ["--configfile", *options.configfile] if options.configfile else []
    recipe, split = study / "search" / "recipe.yaml", study / "split.json"
    if any(Path(".snakemake/locks").glob("*.lock")):
        raise UserError("a run of snakemake is at work here: wait for its end, or run `snakemake --unlock` if it was killed")
    if "Nothing to be done" not in snakemake("--dry-run", *given, "--", str(recipe), str(split)):
        command = " ".join(["snakemake --cores 4", *given, "--", str(recipe), str(split)])
        raise UserError(f"{recipe} and {split} are not there or not those of the present config: run `{command}` first")
    folders = sorted(path.parent for path in options.runs.rglob("run.json"))
    if not folders:
        raise UserError(f"{options.runs} holds no run.json: name a folder with runs that train has finished")

    taken, known = [], 0
    for folder in folders:
        if reason := adoption.refusal(folder, config, read(recipe), split):
            print(f"{folder}: not taken over, {reason}")
            continue
        record = read_json(folder / "run.json")
        variant, seed = record["variant"], f"seed{record['seed']}"
        target = study / "runs" / variant / seed
        if adoption.refusal(target, config, read(recipe), split) is None:
            known += 1
            print(f"{folder}: not taken over, the study has this run already in {target}")
            continue
        adoption.take_over(folder, target)
        write_text(study / "logs" / "train" / f"{variant}.{seed}.log", f"taken over from {folder.resolve()}\n")
        taken.append(target)
        print(f"{folder}: taken over as {target}")
    if not taken and not known:
        raise UserError(f"{options.runs} holds no run of the study {config['study']}: the reasons are above")
    if taken:
        remember(taken, given)
    print(f"{len(taken)} of {len(folders)} runs taken over")


def remember(taken: list[Path], given: list[str]) -> None:
    """Let Snakemake note what the runs were made with, as it does when it trains one: a changed setting then makes them stale.

    It notes this of the jobs that it is told to touch. No other rule is allowed, so nothing else is touched.
    """
    from hardpair.errors import UserError

    try:
        records = [str(folder / "run.json") for folder in taken]
        snakemake("--touch", "--force", "--allowed-rules", "train", "--no-hooks", *given, "--", *records)
    except UserError:
        for folder in taken:
            shutil.rmtree(folder)
        raise


def snakemake(*options: str) -> str:
    """What a call of Snakemake says."""
    from hardpair.errors import UserError

    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        lines = (done.stderr + done.stdout).strip().splitlines() or ["no message"]
        raise UserError(f"snakemake {options[0]} failed, so nothing was taken over: {lines[-1].strip()}")
    return done.stdout + done.stderr


if __name__ == "__main__":
    run(main)
