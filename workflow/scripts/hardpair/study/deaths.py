"""Why a job died that wrote no error of its own: by its exit status, what a cluster reports, the last line of its log, and the kernel's
count of processes killed to free memory. Imports no torch and no Snakemake."""

import re
import shutil
import signal
from collections.abc import Iterable
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from hardpair.errors import OUT_OF_MEMORY

# A job with the message of its executor, if it has one, its log, and perhaps that of the executor.
FAILED = re.compile(r"^Error in .*?\n(?:    message: (.*?)\n(?=    \w+: ))?.*?^    log: ([^\s,]+)(?:, (\S+))? \(check", re.M | re.S)
JOB = re.compile(r"^    jobid: (\d+)$", re.M)
GENERAL = "For further error details see the cluster/cloud log"  # ends the message of an executor
# A command with its log, and perhaps a second one that records what it has made.
ENDED = re.compile(r"2> (\S+?)(?: && .*)?' (?:returned non-zero exit status (\d+)|died with .*?(\d+)>)")
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # somebody wanted the job to end
SETUP = "run `make setup` in the workflow's folder and put its .venv/bin first in PATH, or activate the environment of the workflow"
CAUSES = {
    signal.SIGILL: "this processor lacks an instruction that an installed package uses: install packages built for it",
    signal.SIGSEGV: "an installed package or the machine is broken: install the packages again, or use another machine",
    signal.SIGBUS: "a file that it reads became shorter, the disk is full, or the memory is broken: check the disk",
    signal.SIGXCPU: "it exceeded its CPU time limit: raise it (`ulimit -t`)",
    signal.SIGXFSZ: "a file would exceed the file size limit: raise it (`ulimit -f`)",
}
NO_ROOM = "most likely the disk was full (No space left on device), so that its log is incomplete too: free space"
# What Slurm's programs say on a machine that has no configuration of a cluster, or whose controller does not answer.
UNREACHED = re.compile("Could not establish a configuration source|Unable to contact slurm controller|Unable to process configuration file")
NO_SLURM = "Slurm cannot be reached from this machine: run the command on a login node of the cluster"
LITTLE = 2**24  # bytes; what a job had half written is removed when it fails, so that some is free again
COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control", "/proc/vmstat")


class End(NamedTuple):
    """How a job failed.

    Attributes:
        status: as in bash, 128 + N after the signal N; None for a cluster's job.
        message: what the cluster reports, such as a refused submission or a job's state; None where it reports nothing.
    """

    status: int | None = None
    message: str | None = None


def ends(logs: Iterable[str | Path]) -> dict[str, End]:
    """How each failed job ended, by the path of its log, as in Snakemake's own logs; a job that finished at a later try did not fail."""
    found = {}
    for log in logs:
        with suppress(OSError):
            text = Path(log).read_text(encoding="utf-8", errors="replace")
            failed = list(FAILED.finditer(text))
            for block in failed:
                found[block[2]] = End(message=brief(block[1], block[3]))
            for path, status, number in ENDED.findall(text):
                found[path] = End(int(status) if status else 128 + int(number))
            for block in failed:
                number = JOB.search(block[0])
                if number and re.compile(rf"^Finished jobid: {number[1]}\b", re.M).search(text, block.end()):
                    found.pop(block[2], None)
    return found


def brief(message: str | None, log: str) -> str | None:
    """The message of an executor on one line, without the command that it quotes, and its log; None where it says nothing of this job.

    It is ``NO_SLURM`` where Slurm cannot be reached.
    """
    lines = takewhile(lambda line: not line.startswith(" "), (message or "").partition(GENERAL)[0].splitlines())
    text = " ".join(" ".join(lines).split())
    if text in ("", "None"):
        return None
    if UNREACHED.search(text):
        return NO_SLURM
    return f"{text} See {log}." if log else text


def stopped(status: int | None) -> bool:
    """Whether a job of that exit status was stopped on purpose."""
    return status is not None and status - 128 in STOPS


def cause(end: End, last: str, out_of_memory: bool) -> str:
    """The most likely cause of a job's death, and what to do.

    Args:
        last: the last line of its log.
        out_of_memory: whether the kernel has killed a process for memory while the job may have been running.
    """
    status = end.status
    if last and (status in (126, 127) or "error while loading shared libraries" in last):  # of bash: cannot be run, is not found
        return f"{last}: {SETUP}"
    try:
        killer = signal.Signals((status or 0) - 128)
    except ValueError:
        if end.message:
            return f"{end.message} Its log ends with {last!r}" if last else end.message
        ended = "ended without a message" if status is None else f"ended with exit status {status}"
        return f"{ended}; its log ends with {last!r}" if last else f"{ended}; its log is empty"
    if killer == signal.SIGKILL:
        reason = OUT_OF_MEMORY if out_of_memory else f"by hand, by a limit of the machine, or because {OUT_OF_MEMORY}"
    else:
        reason = CAUSES.get(killer, f"its log ends with {last!r}" if last else "its log is empty")
    return f"killed by {killer.name}: {reason}"


def disk_full(folder: Path) -> bool:
    """Whether the disk of a folder is full or nearly so, and logs, Snakemake's too, may lack what was last written."""
    try:
        return shutil.disk_usage(folder).free < LITTLE
    except OSError:
        return False


def oom_kills(counters: Iterable[str | Path] = COUNTERS) -> int:
    """How many processes the kernel has killed so far to free memory: in this container if it counts them, else on this machine."""
    for counter in counters:
        with suppress(OSError):
            if match := re.search(r"^oom_kill (\d+)$", Path(counter).read_text(encoding="ascii"), re.M):
                return int(match[1])
    return 0
