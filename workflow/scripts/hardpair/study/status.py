"""What can be said of a study at one moment: its runs and trials, each in one of six states."""

from dataclasses import dataclass
from pathlib import Path

DONE, RUNNING, FAILED, STOPPED, STALE, TO_DO = STATES = ("done", "running", "failed", "stopped", "stale", "to do")


@dataclass(frozen=True)
class Job:
    """A run or a trial.

    Attributes:
        name: ``dfl seed 3`` or ``trial 4``.
        state: one of the six above.
        variant, seed: of a run.
        told: of a failed job its error, of a stale one what differs, of a stopped one where it goes on, of a running one what it waits for.
        log: where its own words are.
        epoch, epochs: how far it is, of how many.
        accuracy: on validation images after that epoch, as a share.
        rate: images/s.
        left: seconds until it should be trained.
        evaluated: whether its models were evaluated.
    """

    name: str
    state: str
    log: Path
    variant: str = ""
    seed: int = 0
    told: str = ""
    epoch: int = 0
    epochs: int = 0
    accuracy: float | None = None
    rate: float | None = None
    left: float | None = None
    evaluated: bool = False


@dataclass(frozen=True)
class Standing:
    """A study at one moment.

    Attributes:
        runs: in the order of variants and seeds.
        trials: in their order; empty without a search.
        recipe: whether the recipe is chosen.
        finished: whether nothing is left to do: all runs are done and evaluated, and tables, figures and report of them are there.
        leftover: variant and seed of runs that the config does not declare.
        locked: whether Snakemake has files of the study locked.
        seconds: until everything should be done; None where no rate is known.
    """

    folder: Path
    config: dict
    runs: list[Job]
    trials: list[Job]
    recipe: bool
    finished: bool
    leftover: list[tuple[str, int]]
    locked: bool
    seconds: float | None

    @property
    def running(self) -> list[Job]:
        """Trials and runs that are at work."""
        return [job for job in (*self.trials, *self.runs) if job.state == RUNNING]
