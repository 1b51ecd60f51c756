"""What a study prints before its first job and after its last. Imports no torch and no Snakemake.

All is printed to stderr: on stdout it would spoil ``snakemake --dag | dot``.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from hardpair.comparison import recipes
from hardpair.config.doubts import doubts
from hardpair.config.resolve import canonical
from hardpair.errors import UserError, say
from hardpair.files import paths
from hardpair.jobs.gpu import devices, present
from hardpair.jobs.logs import DIED, Log, read_log, written
from hardpair.staleness.code_hash import SCRIPTS
from hardpair.study import deaths, find
from hardpair.wording import abbreviated


def jobs_at_once(cores: int, gpus: int | None, nodes: int | None, jobs_per_gpu: int, processors: int) -> int:
    """Jobs that train side by side: on a cluster, the nodes that Snakemake may use; else as many as this machine has room for.

    Args:
        cores, gpus, nodes: limits of Snakemake, None without one; ``gpus`` is 0 if jobs compute on the CPU.
    """
    if nodes:
        return min(nodes, gpus or nodes)
    room = len(devices()) * jobs_per_gpu if gpus != 0 and present() else 0
    return max(min(cores, gpus or cores, room or processors), 1)


def print_plan(config: dict, rules: Mapping[str, int], at_once: int, gpus: int, dry_run: bool) -> None:
    """Print what will run (jobs by rule), how long that should take with so many jobs at once, and how to watch it; no GPUs: on the CPU.

    Of a dry run no time is printed that needs a measurement.
    """
    runs, trials = rules.get("train", 0), rules.get("run_trial", 0)
    for doubt in doubts(config):
        say(f"warning: {doubt}", file=sys.stderr)
    if not runs + trials:
        say(f"study {config['study']}: no run to train; steps to do: {', '.join(rules)}", file=sys.stderr)
        return
    options = {"--config": canonical(config), "--runs": runs, "--trials": trials, "--at-once": at_once, "--gpus": gpus}
    # A process of its own: it may import torch to measure a rate.
    command = [sys.executable, SCRIPTS / "estimate_study.py", *(str(word) for option in options.items() for word in option)]
    command += ["--unmeasured"] * dry_run  # which takes no seconds for that
    subprocess.run(command, stdout=sys.stderr, check=False)
    if not dry_run:
        say(f"watch it from another terminal: {find.command('status', None, 'follow')}", file=sys.stderr)


def print_results(folder: Path, searches: list[dict], made: Iterable[str]) -> None:
    """Print the results that were made, the command that lists the runs, and a warning for each search that needs a wider space.

    Args:
        made: files that jobs of this call made.
    """
    made = set(map(str, made))
    results = {f"{name}:": folder / file for name, file in paths.RESULT.items() if str(folder / file) in made}
    for name, file in results.items():
        say(f"{name:<8}{file}", file=sys.stderr)
    for file in sorted(file for file in made if file.endswith(".png") and not results):
        say(f"{'figure:':<8}{file}", file=sys.stderr)
    if paths.every(folder, paths.RUN_RECORD):
        say(f"runs:   {find.command('runs', folder.name)}", file=sys.stderr)
    with suppress(UserError):  # without trials there is nothing to warn of
        for outcome in recipes.read_optima(searches, recipes.files_of(searches, folder)):
            for warning in outcome.warnings():
                say(f"warning: {warning}", file=sys.stderr)


def print_failures(jobs: Iterable[tuple[str, Path, list[str]]], folder: Path, logs: Iterable[str], oom_kills: int) -> None:
    """Print which planned jobs (message, log, output files) of a study failed, why, and what to do.

    The error is the one that ends a job's log; of a job that died without one it is the most likely cause, which is added to the log.

    Args:
        logs: Snakemake's own.
        oom_kills: ``deaths.oom_kills`` at the start.
    """
    started, todo = written(folder / paths.STARTED), "stopped before the end: rerun"
    ends, out_of_memory, no_room = deaths.ends(logs), deaths.oom_kills() > oom_kills, deaths.disk_full(folder)
    failed: dict[str, list[tuple[str, Path]]] = {}  # by error
    for message, log, files in jobs:
        # An older log is of an earlier call. Files that are there may be restored ones: only Snakemake can know whether their job failed.
        end, is_new = ends.get(str(log)), log.exists() and written(log) >= started
        if end is None and (not is_new or all(map(os.path.exists, files))):
            continue
        text = read_log(log) if is_new else Log()
        error = text.error
        died = end is not None and end != deaths.End()  # also while it wrote its last files, when all epochs were trained
        silent = error is None and (died or not text.finished) and not text.stopped and not (end and deaths.stopped(end.status))
        if silent and (no_room or end):
            error = deaths.NO_ROOM if no_room else deaths.cause(end, text.last, out_of_memory)
            with suppress(OSError), open(log, "a", encoding="utf-8") as file:
                file.write(f"{DIED}{error}\n")
        if error is not None:
            failed.setdefault(error, []).append((message, log))
            todo = "fix the cause, then rerun"
    unreached = failed.pop(deaths.NO_SLURM, None)
    for error, same in failed.items():
        names, places = (abbreviated(list(map(str, each))) for each in zip(*same, strict=True))
        say(f"{names} failed: {error} ({places})", file=sys.stderr)
    if unreached:
        say(deaths.NO_SLURM, file=sys.stderr)
        return
    todo += " the same command: finished runs are kept, and interrupted ones continue from their checkpoints"
    say(f"{todo}; `{find.command('status', folder.name)}` shows the progress of the study", file=sys.stderr)
