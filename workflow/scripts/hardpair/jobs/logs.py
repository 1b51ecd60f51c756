"""Read from its log how far a training job is; ``progress`` writes it. Imports no torch."""

import platform
import re
import time
from dataclasses import dataclass
from pathlib import Path

from hardpair.files.regular import check_regular

QUIET = 300  # seconds without a line, or three epochs, after which a job on another machine counts as gone
PIECE = 8192  # bytes read from the start and the end of a log
HOST = re.compile(r"\(host (.+), process \d+\)$")
EPOCH = re.compile(r"epoch +(\d+)/(\d+)  .*?(?:validation +([\d.]+)%.*?)? ([\d,]+) images/s  (\d+):(\d\d):(\d\d) left")
STOPPED = re.compile(r": stopped by SIG|: interrupted$|^KeyboardInterrupt\b")  # the latter two before it handles signals
DIED = "job: "  # begins the line that the study's command adds to the log of a job that died without a message
ERROR = re.compile(rf"\w+\.py: |{DIED}")  # as a script's error begins


@dataclass(frozen=True)
class Epoch:
    """The last epoch in a log."""

    epoch: int
    epochs: int  # in all
    accuracy: float | None  # on validation images, as a share; None without any
    rate: float  # images/s
    left: int  # seconds that the epochs after it should take

    @property
    def seconds(self) -> float:
        """Duration of an epoch; 0 after the last."""
        return self.left / max(self.epochs - self.epoch, 1)


@dataclass(frozen=True)
class Log:
    """A job's log so far."""

    lines: tuple[str, ...] = ()  # the last ones, without empty ones; none where there is no log
    host: str | None = None  # the machine that the job began to train on; None before

    @property
    def last(self) -> str:
        """The last line."""
        return self.lines[-1] if self.lines else ""

    @property
    def epoch(self) -> Epoch | None:
        """The last epoch of the last training in the log; None before its first."""
        for line in reversed(self.lines):
            if HOST.search(line):
                return None
            if match := EPOCH.match(line):
                return _epoch(match)
        return None

    @property
    def epoch_seconds(self) -> float:
        """Duration of an epoch, the longest that its lines give; 0 where they give none."""
        return max((_epoch(match).seconds for line in self.lines if (match := EPOCH.match(line))), default=0)

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
        """The error that ended the job: its script's sentence, or the first line of an exception; None if it finished, was stopped, or was
        killed without a message."""
        if self.finished or self.stopped:
            return None
        for place, line in reversed(list(enumerate(self.lines))):
            if ERROR.match(line):
                return line.removeprefix(DIED)
            if line.startswith("Traceback"):
                return next((later for later in self.lines[place + 1 :] if not later.startswith(" ")), line)
            if HOST.search(line) or EPOCH.match(line):
                return None
        return None

    @property
    def stopped(self) -> bool:
        """Whether the job was stopped by a signal."""
        return STOPPED.search(self.last) is not None

    @property
    def ended(self) -> bool:
        """Whether the log shows how the job ended."""
        return self.finished or self.error is not None or self.stopped


def read_log(path: Path) -> Log:
    """Start and end of a log; an empty one where there is none."""
    try:
        check_regular(path)
        with open(path, "rb") as file:
            start = file.read(PIECE)
            file.seek(max(0, file.seek(0, 2) - PIECE))
            end = file.read(PIECE)
    except OSError:
        return Log()
    host = next((match[1] for line in _lines(start) if (match := HOST.search(line))), None)
    return Log(tuple(_lines(end)), host)


def trainings_in(path: Path) -> int:
    """The number of trainings that a log shows the beginning of; 0 where there is none."""
    try:
        check_regular(path)
        return sum(HOST.search(line) is not None for line in _lines(path.read_bytes()))
    except OSError:
        return 0


def running_elsewhere(path: Path, log: Log | None = None) -> bool:
    """Whether the job of a log seems to be running on another machine, whose locks cannot be seen here."""
    log = log or read_log(path)
    if log.host in (None, platform.node()) or log.ended:
        return False
    return age(path) < max(QUIET, 3 * (log.epoch.seconds if log.epoch else 0))


def age(path: Path) -> float:
    """Seconds since a file was last written; infinite if it is missing."""
    return max(0.0, time.time() - written(path))


def written(path: Path) -> float:
    """When a file was last written, in seconds since 1970; minus infinity if it is missing."""
    try:
        return path.stat().st_mtime
    except OSError:
        return float("-inf")


def _epoch(match: re.Match) -> Epoch:
    epoch, epochs, accuracy, rate, *clock = match.groups()
    hours, minutes, seconds = map(int, clock)
    share = None if accuracy is None else float(accuracy) / 100
    return Epoch(int(epoch), int(epochs), share, float(rate.replace(",", "")), 3600 * hours + 60 * minutes + seconds)


def _lines(content: bytes) -> list[str]:
    """Printable lines that are not empty: control sequences of terminals are left out."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", content.decode("utf-8", "replace"))
    lines = ("".join(filter(str.isprintable, line)).rstrip() for line in re.split(r"[\r\n]", text))
    return [line for line in lines if line]
