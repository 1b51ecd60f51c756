"""Train a study from look to look of its config, until every claim has its verdict. Imports no torch and no Snakemake."""

import argparse
import csv
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from hardpair.comparison.verdicts import UNDECIDED, WORDS
from hardpair.errors import UserError, say
from hardpair.files import paths
from hardpair.jobs import locks
from hardpair.jobs.stopping import run_to_its_end
from hardpair.staleness.due import Due
from hardpair.study import find
from hardpair.study.register import register
from hardpair.wording import counted

NOT_BEHIND = {  # options of Snakemake that say which study it is
    "--configfile": "write it before `--`",
    "--directory": "call settle in that folder",
    "--replace-workflow-config": "leave it out, and write all changes into an overlay",
    "--snakefile": "leave it out, since settle runs the workflow that it comes with",
}


def settle(configfiles: list[str], max_seeds: int | None, options: Sequence[str]) -> None:
    """Have Snakemake train and compare the first seeds of a study, as many as each of its looks names, until all claims are settled.

    The registration names all seeds before the first run; a dry run or ``--unlock`` writes none. The last look whose runs are all evaluated
    by the present config is the first one that is taken, so that the same command continues what was interrupted.

    Args:
        configfiles: overlays of config/config.yaml.
        max_seeds: no look of more seeds is taken; None takes all looks.
        options: of Snakemake, such as its number of cores. Changes of keys (``--config``) count for all looks.

    Raises:
        UserError: an option is one that settle sets itself, the config declares no looks or fewer seeds than they need, or Snakemake ended
            with an error.
        KeyboardInterrupt: after Snakemake has ended.
    """
    changes, options = split_changes(options)
    config = find.overlay(configfiles, find.changes_of(changes))
    looks = looks_to_take(config, max_seeds)
    study = paths.RESULTS / config["study"]
    if not any(re.fullmatch("--dry-?run|--unlock|-[tkfFlSDvpa]*n[a-zA-Z]*", option) for option in options):
        lock = locks.take_study(study)
        register(study, config)
        lock.release()
    reached = [look for look in looks if _evaluated(config, config["seeds"][:look])]
    for look in looks[len(reached) - 1 if reached else 0 :]:
        say(f"look at {look} of {looks[-1]} seeds")
        seeds = f"seeds=[{','.join(map(str, config['seeds'][:look]))}]"
        of_config = [*(["--configfile", *map(find.here_or_shipped, configfiles)] if configfiles else []), "--config", *changes, seeds]
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(find.SHIPPED / "Snakefile"), *options, *of_config]
        if code := run_to_its_end(command):
            raise UserError(f"the look at {look} seeds was not reached, because snakemake ended with exit code {code}: see above")
        of_look = Due.of(config | {"seeds": config["seeds"][:look]})
        if "--unlock" in options or of_look.reason(of_look.job("compare")):  # or after a dry run, or options that end with an earlier step
            return
        if not (left := without_verdict(study / paths.CLAIMS_TABLE)):
            say(f"all claims are settled with {counted(look, 'seed')}: see {study / paths.COMPARISON}")
            return
    say(f"{counted(len(left), 'claim')} without a verdict after {counted(look, 'seed')}, the last look of this command: {', '.join(left)}")


def split_changes(options: Sequence[str]) -> tuple[list[str], list[str]]:
    """The ``key=value`` of all ``--config`` among options of Snakemake, which takes that option once, and the other options.

    Raises:
        UserError: an option is one that settle sets itself.
    """
    cli = argparse.ArgumentParser("study.py settle", add_help=False)
    cli.add_argument("--config", "-C", nargs="*", action="extend", default=[])
    cli.add_argument("--configfile", "--configfiles", nargs="*")
    cli.add_argument("--directory", "-d")
    cli.add_argument("--replace-workflow-config", action="store_true", default=None)
    cli.add_argument("--snakefile", "-s")
    read, others = cli.parse_known_args(options)
    for option, todo in NOT_BEHIND.items():
        if getattr(read, option[2:].replace("-", "_")) is not None:
            raise UserError(f"settle does not take {option} behind `--`: {todo}")
    if any(change.partition("=")[0] == "seeds" for change in read.config):
        raise UserError("--config sets seeds, but settle takes the first ones of the config at each look: write them into an overlay")
    return read.config, others


def looks_to_take(config: dict, max_seeds: int | None) -> list[int]:
    """Numbers of seeds at which a resolved config has its claims judged, up to ``max_seeds``.

    Raises:
        UserError: there are none, or seeds are missing.
    """
    looks, seeds = config["looks"], config["seeds"]
    if not config["claims"]:
        raise UserError("claims is empty: declare at least one claim")
    if not looks:
        raise UserError("looks is empty: declare the numbers of seeds at which claims are judged, such as looks: [6, 8, 10]")
    if len(seeds) < looks[-1]:
        raise UserError(f"seeds has {counted(len(seeds), 'seed')}, but the last look is at {looks[-1]}: list at least {looks[-1]} seeds")
    if max_seeds is not None and max_seeds < looks[0]:
        raise UserError(f"--max-seeds is {max_seeds}, below the first look, {looks[0]}: allow at least {looks[0]}")
    return [look for look in looks if max_seeds is None or look <= max_seeds]


def without_verdict(table: Path) -> list[str]:
    """Names of the claims without a verdict in claims.csv; controls are left out."""
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    undecided = [WORDS[verdict] for verdict in UNDECIDED]
    return [row["name"] for row in rows if row["control"] == "False" and row["verdict"] in undecided]


def _evaluated(config: dict, seeds: list[int]) -> bool:
    """Whether the evaluations of all variants with these seeds are there, and none is due."""
    due, names = Due.of(config), [variant["name"] for variant in config["variants"]]
    return not any(due.reason(due.job("evaluate", variant=name, seed=str(seed))) for name in names for seed in seeds)
