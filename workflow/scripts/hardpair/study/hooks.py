"""What a study does before its first job and after its last: folders, forecast, results, failures. Imports no torch and no Snakemake.

All is printed to stderr: on stdout it would spoil ``snakemake --dag | dot``.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from hardpair.config.resolve import canonical
from hardpair.files import paths
from hardpair.jobs.gpu import devices
from hardpair.jobs.logs import read_log, written
from hardpair.staleness.code_hash import SCRIPTS
from hardpair.study import estimate
from hardpair.study.tidy import refuse_unwritable, tidy


def prepare_folders(files: Iterable[str], folders: Iterable[str]) -> None:
    """Remove from the folders what killed jobs left half-written.

    Raises:
        UserError: one of the files may not be written.
    """
    refuse_unwritable({Path(file).parent for file in files})
    tidy(map(Path, folders))


def jobs_at_once(cores: int, gpus: int | None, nodes: int | None, jobs_per_gpu: int, processors: int) -> int:
    """Jobs that train side by side: on a cluster, the nodes that Snakemake may use; else as many as this machine has room for."""
    return min(nodes, gpus or nodes) if nodes else estimate.side_by_side(cores, gpus, len(devices()), jobs_per_gpu, processors)


def print_plan(config: dict, rules: Mapping[str, int], at_once: int, gpus: int) -> None:
    """Print what will run (jobs by rule), how long that should take with so many jobs at once, and how to watch it; no GPUs: on the CPU."""
    runs, trials = rules.get("train", 0), rules.get("run_trial", 0)
    if not runs + trials:
        print(f"study {config['study']}: no run to train; steps to do: {', '.join(rules)}", file=sys.stderr)
        return
    options = {"--config": canonical(config), "--runs": runs, "--trials": trials, "--at-once": at_once, "--gpus": gpus}
    # A process of its own: it may import torch to measure a rate.
    command = [sys.executable, SCRIPTS / "estimate_study.py", *(str(word) for option in options.items() for word in option)]
    subprocess.run(command, stdout=sys.stderr, check=False)
    print("watch it from another terminal: make status FOLLOW=1", file=sys.stderr)


def print_results(folder: Path) -> None:
    """Print the results that a study has, and the command that lists its runs."""
    for name, file in paths.RESULT.items():
        if (folder / file).exists():
            print(f"{f'{name}:':<8}{folder / file}", file=sys.stderr)
    print(f"runs:   make runs STUDY={folder.name}", file=sys.stderr)


def print_failures(jobs: Iterable[tuple[str, Path, list[str]]], folder: Path) -> None:
    """Print which planned jobs (message, log, output files) of a study failed, with the error that ends the log, and what to do."""
    started, todo = written(folder / paths.STARTED), "stopped before the end: run"
    for message, log, files in jobs:
        # An older log is of an earlier call.
        if written(log) >= started and not all(map(os.path.exists, files)) and (error := read_log(log).error):
            print(f"{message} failed: {error} ({log})", file=sys.stderr)
            todo = "fix the cause, then run"
    todo += " the same command again: what is finished stays, and runs that were cut short go on from their checkpoints"
    print(f"{todo}; `make status STUDY={folder.name}` shows how far the study is", file=sys.stderr)
