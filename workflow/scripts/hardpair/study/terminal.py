"""What a terminal shows while a study's jobs run: a line a finished run, with what is left, and errors. Snakemake's own text is in its log.

Imports no torch and no Snakemake: records of its logger are known by their ``event``.
"""

import csv
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from hardpair.comparison.markdown_text import WARNING, unescaped
from hardpair.errors import say
from hardpair.files import paths
from hardpair.jobs.logs import read_log
from hardpair.measures.metric_names import number, title
from hardpair.study.deaths import brief

# Kinds of records that are left to the log, and how records without a kind begin that are.
EVENTS = {"run_info", "job_info", "job_started", "job_finished", "group_info", "progress", "resources_info", "shellcmd"}
TEXTS = ("Building DAG", "Using shell", "Conda environments", "Assuming unrestricted", "Select jobs", "Execute ", "Elapsed time")
COUNTED = {"train": "run", "run_trial": "trial"}  # rules whose jobs are counted; each run has a line, and all trials have one


# Errors that follow from a job's: its command failed, and so did the workflow.
FOLLOWING = ("RuleException:\nCalledProcessError", "WorkflowError:\nAt least one job did not complete")
FOLLOWING += ("Exiting because a job execution failed", "Cannot restore ")  # a file that an earlier run had not made
STOPPING = "Will exit after finishing currently running jobs"  # said again for each job that ends


class Quiet(logging.Filter):
    """Lets through errors, warnings and what is said once.

    Not that a job failed: ``Finished`` prints a line where the reason is known, and ``print_failures`` one at the end where it is not.
    Both print none of a job that was stopped.
    """

    stopping = False

    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith(STOPPING):
            self.stopping, said = True, self.stopping
            return not said
        event = getattr(record, "event", None)
        if (str(event) == "job_error" and record.log) or reason(record) or str(record.msg).startswith(FOLLOWING):
            return False
        if record.levelno > logging.INFO or (event is None and not str(record.msg).startswith(TEXTS)):
            return True
        return event is not None and str(event) not in EVENTS


def reason(record: logging.LogRecord) -> str | None:
    """Why a job failed: its own log, if it has written one, or what its cluster reports; None without either, and of other records."""
    if str(getattr(record, "event", "")) != "job_error":
        return None
    if record.log and os.path.exists(record.log[0]) and os.path.getsize(record.log[0]):
        return f"see {record.log[0]}"
    return brief(getattr(record, "rule_msg", None), "".join(record.log[1:2]))


class Finished(logging.Handler):
    """Prints a line for each run that has finished, and for each job that failed by itself."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._jobs: dict[int, tuple[str, str]] = {}  # rule and message by number
        self._messages: dict[int, str] = {}
        self._totals: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self._compares = self._stopping = False

    def expect(self, jobs: Iterable[tuple[int, str, str]]) -> None:
        """Count the planned jobs: number, rule and message of each."""
        planned = list(jobs)
        self._messages = {job: message for job, _, message in planned}
        self._jobs = {job: (rule, message) for job, rule, message in planned if rule in COUNTED}
        self._totals = Counter(rule for rule, _ in self._jobs.values())
        self._compares = any(rule == "compare" for _, rule, _ in planned)

    def emit(self, record: logging.LogRecord) -> None:
        self._stopping = self._stopping or str(record.msg).startswith(STOPPING)
        # Snakemake itself reports a study that was stopped; ``print_failures`` has what failed meanwhile.
        if (why := reason(record)) and not self._stopping and not (record.log and read_log(Path(record.log[0])).stopped):
            say(f"{self._messages.get(record.jobid, 'a job')} failed: {why}", file=sys.stderr)
        if str(getattr(record, "event", "")) != "job_finished" or record.job_id not in self._jobs:
            return
        rule, message = self._jobs.pop(record.job_id)
        self._done[rule] += 1
        left, total = self._totals[rule] - self._done[rule], self._totals[rule]
        noun = COUNTED[rule]
        if rule == "train":
            none_left = "no run left" + ": the comparison, figures and report follow" * self._compares
            say(f"{message}: done, {f'{left:,} of {total:,} {noun}s left' if left else none_left}", file=sys.stderr)
        elif not left:
            say(f"search: all {total:,} {noun}s done", file=sys.stderr)


class DryRunEnd(logging.Handler):
    """Calls a function when Snakemake has said all of a dry run, which has no hook of its own."""

    def __init__(self, function: Callable[[], None]) -> None:
        super().__init__(logging.INFO)
        self._function = function

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith("This was a dry-run"):
            self._function()


def print_table(folder: Path, labels: dict[str, str]) -> None:
    """Print confusion of the first pair and accuracy of each variant, the means over its seeds, if the study's comparison is there.

    Args:
        labels: of the variants, by name.
    """
    try:
        with open(folder / paths.COMPARISON_TABLE, encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["model"] == "last"]
    except OSError:
        return
    confusion = next((row["metric"] for row in rows if row["metric"].startswith("confusion:")), None)
    metrics = [metric for metric in (confusion, "accuracy") if metric]
    table = [["", *map(title, metrics)]]
    for name in dict.fromkeys(row["variant"] for row in rows):
        means = {row["metric"]: float(row["mean"]) for row in rows if row["variant"] == name and row["metric"] in metrics}
        table.append([labels[name], *(number(means[metric], metric) for metric in metrics)])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        first, *others = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        say("  ".join([first.strip().ljust(widths[0]), *others]), file=sys.stderr)


def print_warnings(folder: Path) -> None:
    """Print the warnings in the study's comparison, if it is there."""
    with suppress(OSError):
        lines = (folder / paths.COMPARISON).read_text(encoding="utf-8").splitlines()
        say(*(f"warning: {unescaped(line.removeprefix(WARNING))}" for line in lines if line.startswith(WARNING)), file=sys.stderr)


def print_verdicts(folder: Path) -> None:
    """Print the verdict on each claim with its reason, in one line where it is the same for all, or that no claim was declared; nothing if
    the study's comparison is missing."""
    try:
        with open(folder / paths.CLAIMS_TABLE, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return
    if len({row["why"] for row in rows}) == 1 < len(rows):
        say(f"{rows[0]['verdict']}, all {len(rows)} claims: {rows[0]['why']}", file=sys.stderr)
        return
    if not rows:
        say("no claim was declared: the differences have no verdict", file=sys.stderr)
    for row in rows:
        say(f"{row['verdict']}: {row['sentence'].removesuffix('.')} ({row['why']})", file=sys.stderr)
