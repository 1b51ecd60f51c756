"""The status of a study at one moment: its runs and trials, each in one of six states."""

from dataclasses import dataclass
from pathlib import Path

from hardpair.staleness.jobs import Job

DONE, RUNNING, FAILED, STOPPED, STALE, TO_DO = STATES = ("done", "running", "failed", "stopped", "stale", "to do")


@dataclass(frozen=True)
class JobStatus:
    """A run or a trial."""

    name: str  # ``dfl seed 3`` or ``trial 4``
    state: str  # one of the six above
    log: Path
    variant: str = ""  # of a run, like its seed
    seed: int = 0
    reason: str = ""  # why it failed (its error), is stale (what differs) or does not train yet (what it waits for)
    epoch: int = 0  # the last that is finished
    epochs: int = 0  # in all
    accuracy: float | None = None  # on validation images after that epoch, as a share
    rate: float | None = None  # images/s
    left: float | None = None  # seconds until it should be trained
    evaluated: bool = False  # whether its models were evaluated
    kept: bool = False  # whether an unfinished job has a checkpoint


@dataclass(frozen=True)
class StudyStatus:
    """A study."""

    folder: Path
    config: dict  # resolved
    runs: list[JobStatus]  # in the order of variants and seeds
    trials: list[JobStatus]  # in their order; empty without a search
    due: list[Job]  # the jobs that `snakemake` would run now, in their order
    failed: list[JobStatus]  # those of them that are neither run nor trial and failed when they last ran
    leftover: list[str]  # names of runs and searches that the config does not declare
    working: bool  # whether a command on this machine is at work on the study
    locked: bool  # whether Snakemake has files of the study locked: it is running, or was killed
    marked: list[str]  # claims that were not declared before the first run, as ``helps: declared after 2 finished runs: exploratory``
    seconds: float | None  # until everything should be done; None where no rate is known

    @property
    def finished(self) -> bool:
        """Whether `snakemake` would have nothing to do."""
        return not self.due

    @property
    def running(self) -> list[JobStatus]:
        """Trials and runs that are running."""
        return [job for job in (*self.trials, *self.runs) if job.state == RUNNING]
