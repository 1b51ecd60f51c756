"""What a study prints before its first job and after its last. Imports no torch and no Snakemake.

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


def jobs_at_once(cores: int, gpus: int | None, nodes: int | None, jobs_per_gpu: int, processors: int) -> int:
    """Jobs that train side by side: on a cluster, the nodes that Snakemake may use; else as many as this machine has room for.

    Args:
        cores, gpus, nodes: limits of Snakemake, None without one; ``gpus`` is 0 if jobs compute on the CPU.
    """
    if nodes:
        return min(nodes, gpus or nodes)
    room = len(devices()) * jobs_per_gpu if gpus != 0 else 0
    return max(min(cores, gpus or cores, room or processors), 1)


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
    started, todo = written(folder / paths.STARTED), "stopped before the end: rerun"
    for message, log, files in jobs:
        # An older log is of an earlier call.
        if written(log) >= started and not all(map(os.path.exists, files)) and (error := read_log(log).error):
            print(f"{message} failed: {error} ({log})", file=sys.stderr)
            todo = "fix the cause, then rerun"
    todo += " the same command: finished runs are kept, and interrupted ones continue from their checkpoints"
    print(f"{todo}; `make status STUDY={folder.name}` shows how far the study is", file=sys.stderr)
