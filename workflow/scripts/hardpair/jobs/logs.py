"""The log of a training job, read back (``progress`` writes it). Imports no torch."""

import os
import platform
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

QUIET = 300  # seconds without a word, or three epochs, after which a job on another machine counts as gone
PIECE = 8192  # bytes read from the start and the end of a log
HOST = re.compile(r"\(host (.+), process \d+\)$")
EPOCH = re.compile(r"epoch +(\d+)/(\d+)  .*?(?:validation +([\d.]+)%.*?)? ([\d,]+) images/s  (\d+):(\d\d):(\d\d) left")
STOPPED = re.compile(r": stopped by SIG|: interrupted$|^KeyboardInterrupt$")  # by its signals; by Ctrl-C before it listens to them
ERROR = re.compile(r"\w+\.py: ")  # as scripts begin their last word


@dataclass(frozen=True)
class Epoch:
    """The last epoch in a log.

    Attributes:
        epoch, epochs: its number and how many there will be.
        accuracy: on validation images, as a share; None without any.
        rate: images/s.
        left: seconds that the epochs after it should take.
    """

    epoch: int
    epochs: int
    accuracy: float | None
    rate: float
    left: int

    @property
    def seconds(self) -> float:
        """That an epoch takes; 0 after the last."""
        return self.left / max(self.epochs - self.epoch, 1)


@dataclass(frozen=True)
class Log:
    """A job's log, as far as it is written.

    Attributes:
        lines: the last ones, without empty ones; none where there is no log.
        host: the machine that the job began to train on; None before.
    """

    lines: tuple[str, ...] = ()
    host: str | None = None

    @property
    def last(self) -> str:
        """The last line."""
        return self.lines[-1] if self.lines else ""

    @property
    def epoch(self) -> Epoch | None:
        """The last epoch of the training that began last; None before its first."""
        for line in reversed(self.lines):
            if HOST.search(line):
                return None
            if match := EPOCH.match(line):
                epoch, epochs, accuracy, rate, *clock = match.groups()
                hours, minutes, seconds = map(int, clock)
                share = None if accuracy is None else float(accuracy) / 100
                return Epoch(int(epoch), int(epochs), share, float(rate.replace(",", "")), 3600 * hours + 60 * minutes + seconds)
        return None

    @property
    def training(self) -> bool:
        """Whether the job has begun to train."""
        return self.host is not None or self.epoch is not None

    @property
    def finished(self) -> bool:
        """Whether all epochs were trained."""
        return self.last.startswith("trained: ")

    @property
    def error(self) -> str | None:
        """Why the job failed: its script's sentence, or the first line of an exception's message; None if it ended well, was stopped, or
        was killed without a message."""
        if self.finished or self.stopped:
            return None
        for place, line in reversed(list(enumerate(self.lines))):
            if ERROR.match(line):
                return line
            if line.startswith("Traceback"):
                return next((said for said in self.lines[place + 1 :] if not said.startswith(" ")), line)
            if HOST.search(line) or EPOCH.match(line):
                return None
        return None

    @property
    def stopped(self) -> bool:
        """Whether the job was stopped, and said so."""
        return STOPPED.search(self.last) is not None

    @property
    def ended(self) -> bool:
        """Whether the job has said its last word."""
        return self.finished or self.error is not None or self.stopped


def read_log(path: Path) -> Log:
    """Start and end of a log; an empty one where there is none."""
    try:
        with open(path, "rb") as file:
            start = file.read(PIECE)
            file.seek(max(0, file.seek(0, 2) - PIECE))
            end = file.read(PIECE)
    except OSError:
        return Log()
    host = next((match[1] for line in _lines(start) if (match := HOST.search(line))), None)
    return Log(tuple(_lines(end)), host)


def what_failed(jobs: Iterable[tuple[str, Path, list[str]]], folder: str, since: float = 0) -> list[str]:
    """Lines that say which jobs failed, with the error that ends their logs, and what to do.

    Args:
        jobs: message, log and output files of each job that was planned; some may never have been begun.
        folder: of the study.
        since: when the jobs were planned, in seconds since the epoch by the clock of the files; an older log is of an earlier try.
    """
    tried = [(name, log, files) for name, log, files in jobs if written(log) >= since]
    failed = [(name, log, end.error) for name, log, files in tried if (end := read_log(log)).error and not all(map(os.path.exists, files))]
    lines = [f"{name} failed: {error} ({log})" for name, log, error in failed]
    cause = "fix the cause, then run" if failed else "stopped before the end: run"
    return [
        *lines,
        f"{cause} the same command again: finished runs stay, and interrupted runs continue from their checkpoints; "
        f"`make status STUDY={Path(folder).name}` shows how far the study is",
    ]


def at_work_elsewhere(path: Path, log: Log | None = None) -> bool:
    """Whether another machine, whose locks cannot be seen here, still seems to work on the job of a log."""
    log = log or read_log(path)
    if log.host in (None, platform.node()) or log.ended:
        return False
    return age(path) < max(QUIET, 3 * (log.epoch.seconds if log.epoch else 0))


def age(path: Path) -> float:
    """Seconds since a file was written last; without end if it is not there."""
    return max(0.0, time.time() - written(path))


def written(path: Path) -> float:
    """When a file was written last, in seconds since the epoch; before all time if it is not there."""
    try:
        return path.stat().st_mtime
    except OSError:
        return float("-inf")


def _lines(piece: bytes) -> list[str]:
    """Lines that can be shown: carriage returns and other signs for a terminal are left out."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", piece.decode("utf-8", "replace"))
    lines = ("".join(sign for sign in line if sign.isprintable()).rstrip() for line in re.split(r"[\r\n]", text))
    return [line for line in lines if line]
