"""Trouble for a study of ten seconds, and what must be left of it in the end.

``FAULTS=full`` gives each fault as many tries as docs/faults.md lists; without, each has two, or one or none where a try is a study.
"""

import csv
import io
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from workspace import Workspace, environment

FULL = os.environ.get("FAULTS") == "full"
CONFIG = """
study: tiny
data: {kind: synthetic, name: synthetic, validation: 100, synthetic: {train: 300, test: 100, size: 8}}
baseline: ce
variants:
  - {name: ce}
  - {name: dfl_sampler, loss: {kind: focal, gamma: 2, scale: dynamic}, sampler: {kind: focal, gamma: 2}}
contrasts: [[dfl_sampler, ce]]
claims: [{name: helps, sentence: The loss helps., contrasts: [{better: dfl_sampler, than: ce}]}]
seeds: [0]
recipe: {epochs: 6, refresh_every: 2, batch_size: 50}
search: {rounds: 1, batch: 1, epochs: 1}
train: {checkpoint_seconds: 0}
"""
COMMAND = ("snakemake", "--cores", "2", "--configfile", "tiny.yaml", "--", "results/tiny/comparison.md")
TIMES = ("seconds", "images_per_second", "peak_memory_mb", "content_sha256")  # the last: of a record with times
BESIDE = ("logs", "progress", "checkpoints", "made")  # no results; made/ has digests of files with times in them
PATIENCE = 600  # seconds after which a command counts as hung
SHORTEST = 2.5  # seconds that a run takes at least from its first line of log to its place in the comparison


@dataclass(frozen=True)
class Attempt:
    """One of ``of`` tries of a fault."""

    fault: str
    number: int
    of: int

    @property
    def random(self) -> random.Random:
        """Numbers of this try's own, the same each time."""
        return random.Random(f"{self.fault} {self.number} of {self.of}")

    @property
    def share(self) -> float:
        """At random in [0, 1); the tries share it out, so that together they reach everywhere."""
        return (self.number + self.random.random()) / self.of


def tries(fault: str, full: int = 20, daily: int = 2) -> pytest.MarkDecorator:
    """Give a test the argument ``attempt``, ``daily`` times (0: it is skipped), or with ``FAULTS=full`` so many times."""
    count = full if FULL else daily
    attempts = [Attempt(fault, number, count) for number in range(count)]
    return pytest.mark.parametrize("attempt", attempts, indirect=True, ids=range(count))


class Study(Workspace):
    """A workspace of the study that gets into trouble."""

    @classmethod
    def fresh(cls, folder: Path, *project: Path) -> "Study":
        super().fresh(folder, *project)
        (folder / "tiny.yaml").write_text(CONFIG)
        return cls(folder)

    def copy(self, folder: Path) -> "Study":
        return Study(super().copy(folder).folder)

    def finish(self, check: bool = True) -> subprocess.CompletedProcess:
        """Run the study's command to its end; ``stdout`` of what is returned is all that it printed."""
        done = self.run(*COMMAND, check=check)
        return subprocess.CompletedProcess(COMMAND, done.returncode, done.stdout + done.stderr)

    @contextmanager
    def at_work(self, *command: str) -> Iterator["Running"]:
        """A command at work; nothing of it lives on after the block."""
        running = Running(self.folder, list(command))
        try:
            yield running
        finally:
            running.end()

    def started(self, *before: str) -> AbstractContextManager["Running"]:
        """The study's command at work."""
        return self.at_work(*before, *COMMAND)

    def unlock(self) -> None:
        self.snakemake("--unlock")

    def undo(self, *steps: str) -> None:
        """Remove results of these steps, so that there is work to do again."""
        for step in (*steps, "comparison.md"):
            (self.folder / "results/tiny" / step).unlink()

    def results(self) -> dict[str, object]:
        """All that the study leaves, by path, without times: bytes, or a table's rows, or a record."""
        contents = {}
        for folder in ("results/tiny", "resources"):
            for path in sorted((self.folder / folder).rglob("*")):
                name = str(path.relative_to(self.folder))
                if path.is_file() and not set(BESIDE) & set(name.split("/")):
                    contents[name] = content(path)
        return contents

    def left_over(self) -> list[str]:
        """Files that a finished study should not have: half-written ones, and states of finished runs."""
        partial = [str(path) for folder in ("results", "resources") for path in (self.folder / folder).rglob(".partial*")]
        return partial + [str(path) for path in (self.folder / "results/tiny/checkpoints").rglob("*.safetensors*")]


MARKED = tuple(f"results/tiny/{name}" for name in ("registration.json", "claims.csv", "comparison.md"))
LAST_RUN, LAST_METRICS = "runs/dfl_sampler/seed0/run.json", "runs/dfl_sampler/seed0/metrics.json"
LAST_LOG = "logs/train/dfl_sampler.seed0.log"


def content(path: Path) -> object:
    """Content of a file, without times."""
    raw = path.read_bytes()
    if path.name in ("runs.csv", "trials.csv"):
        return [{key: value for key, value in row.items() if key not in TIMES} for row in csv.DictReader(io.StringIO(raw.decode()))]
    if path.name == "registration.json":  # its hashes are of its times too
        return [{key: entry[key] for key in ("finished_runs", "imported", "declared")} for entry in json.loads(raw)["entries"]]
    if path.suffix == ".json":
        return {key: value for key, value in json.loads(raw).items() if key not in TIMES}
    return raw


class Running:
    """A command of the study in a process group of its own, as a shell starts it."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self.folder = folder
        self.output = tempfile.TemporaryFile()  # noqa: SIM115, closed in ``end``; not in the study, whose disk may be full
        streams = {"stdin": subprocess.DEVNULL, "stdout": self.output, "stderr": self.output}
        self.process = subprocess.Popen(command, cwd=folder, env=environment(), start_new_session=True, **streams)

    def wait(self, seconds: float = PATIENCE) -> int | None:
        """The exit code, or None if it is still at work after these seconds."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            assert seconds < PATIENCE, f"it hangs:\n{self.output_text()[-3000:]}"
            return None

    def output_text(self) -> str:
        file = self.output.fileno()  # whose place is the command's too, and must not be moved
        return os.pread(file, os.fstat(file).st_size, 0).decode()

    def send(self, number: signal.Signals) -> None:
        """To Snakemake alone."""
        self.process.send_signal(number)

    def send_all(self, number: signal.Signals) -> None:
        """To Snakemake and its jobs, as Ctrl-C does."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def members(self) -> list[int]:
        """Those of the group that live."""
        listed = subprocess.run(["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=True).stdout
        rows = [line.split() for line in listed.splitlines()]
        return [int(pid) for pid, group, state in rows if int(group) == self.process.pid and not state.startswith("Z")]

    def wait_for_orphans(self) -> None:
        """Wait until the last orphan has ended."""
        waited_until = time.monotonic() + PATIENCE
        while self.members():
            assert time.monotonic() < waited_until, "an orphan hangs"
            time.sleep(0.1)

    def end(self) -> None:
        """Kill what is left."""
        self.send_all(signal.SIGKILL)
        self.process.wait()
        self.wait_for_orphans()
        self.output.close()


@dataclass(frozen=True)
class Undisturbed:
    """A study to which nothing happened, and the seconds that it took; without ``FULL`` in the Python with loaded libraries."""

    study: Study
    seconds: float

    @classmethod
    def run_once(cls, folder: Path) -> "Undisturbed":
        """The one in this folder, which is run if it is not there."""
        seconds_file = folder / "seconds"
        if not seconds_file.exists():
            shutil.rmtree(folder, ignore_errors=True)
            study, started = Study.fresh(folder), time.monotonic()
            if FULL:
                with study.started() as running:
                    assert running.wait() == 0, running.output_text()
            else:
                study.finish()
            seconds_file.write_text(str(time.monotonic() - started))
        return cls(Study(folder), float(seconds_file.read_text()))

    def start(self, folder: Path) -> Study:
        """The same study before anything was done; to save time without ``FULL``, before its last run."""
        if FULL:
            return Study.fresh(folder, self.study.folder)
        study = self.study.copy(folder)
        study.undo(LAST_RUN, LAST_METRICS, LAST_LOG)
        return study

    def wait(self, running: Running, share: float) -> None:
        """Wait for this share of the time that the study at work needs; of its last run alone without ``FULL``."""
        if FULL:
            running.wait(share * self.seconds)
            return
        while running.process.poll() is None and not (running.folder / "results/tiny" / LAST_LOG).exists():
            time.sleep(0.01)
        if running.wait(share * SHORTEST) is not None:
            assert running.process.returncode == 0, running.output_text()[-3000:]
            pytest.skip("on this machine the study ends before it can be disturbed")

    def assert_same(self, study: Study, marked: bool = False) -> None:
        """A study must have ended with the same results, and left nothing else; its claims may be ``marked``.

        They are if runs were imported before, or if the registration was damaged, which stays beside the new one.
        """
        ours, theirs = study.results(), self.study.results()
        if marked:
            ours.pop(f"{MARKED[0]}.damaged", None)
        assert ours.keys() == theirs.keys(), sorted(ours.keys() ^ theirs.keys())
        changed = [name for name in ours if ours[name] != theirs[name] and not (marked and name in MARKED)]
        assert changed == [], changed
        assert (left := study.left_over()) == [], left

    def assert_no_wrong_result(self, study: Study) -> None:
        """Results that a study has so far must be those of the undisturbed study; some may be missing."""
        ours, theirs = study.results(), self.study.results()
        assert [name for name in ours if name not in theirs or ours[name] != theirs[name]] == []
