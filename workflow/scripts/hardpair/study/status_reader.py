"""Determine a study's status from its files and locks. Starts, locks and writes nothing, and imports no torch."""

import csv
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hardpair.comparison import registration
from hardpair.config.resolve import canonical
from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.files.json_text import MAX_BYTES
from hardpair.files.regular import check_regular
from hardpair.jobs import locks
from hardpair.jobs.logs import Log, age, read_log, running_elsewhere, trainings_in
from hardpair.staleness import plan
from hardpair.staleness.due import Due
from hardpair.staleness.jobs import Job
from hardpair.study import clean, estimate
from hardpair.study.status import DONE, FAILED, RUNNING, STALE, STOPPED, TO_DO, JobStatus, StudyStatus


@dataclass
class Watch:
    """Determines a study's status repeatedly, and reads only files that have changed."""

    config: dict  # resolved
    folder: Path  # of the study
    due: Due = field(init=False)

    def __post_init__(self) -> None:
        self.due = Due.of(self.config)

    def status(self) -> StudyStatus:
        """The status of the study now."""
        self.due.look_again()
        runs = [(variant["name"], seed) for variant in self.config["variants"] for seed in self.config["seeds"]]
        trials = plan.trials(self.config)
        of_runs = {(variant, seed): paths.CHECKPOINT.format(variant=variant, seed=seed) for variant, seed in runs}
        of_trials = {trial: paths.TRIAL_CHECKPOINT.format(own=paths.own(trial[0]), trial=trial[1]) for trial in trials}
        run_locks = {run: paths.lock_of(self.folder / checkpoint) for run, checkpoint in of_runs.items()}
        trial_locks = {trial: paths.lock_of(self.folder / checkpoint) for trial, checkpoint in of_trials.items()}
        held = locks.held([*run_locks.values(), *trial_locks.values()])
        run_status = [self._run(*run, run_locks[run] in held) for run in runs]
        trial_status = [self._trial(*trial, trial_locks[trial] in held) for trial in trials]
        due = list(self.due.all())
        return StudyStatus(
            folder=self.folder,
            config=self.config,
            runs=run_status,
            trials=trial_status,
            due=due,
            failed=list(self._failed(due)),
            leftover=list(clean.leftovers(self.folder, self.config)),
            working=bool(locks.held([self.folder / paths.STUDY_LOCK])),
            locked=locks.snakemake_running(self.folder),
            marked=self._marked() if any(run.state == DONE for run in run_status) else [],
            seconds=self._seconds(run_status, trial_status),
        )

    def _failed(self, due: list[Job]) -> Iterator[JobStatus]:
        logs = [(job.message, log) for job in due if (log := self.due.jobs.log(job))]
        if any(job.rule == "prepare_data" for job in due):
            kind = self.config["data"]["kind"]
            logs = [(f"Download {kind}", self.due.jobs.download_log), *logs]
        for message, log in logs:
            if error := read_log(Path(log)).error:
                yield JobStatus(message, FAILED, Path(log), reason=error)

    def _marked(self) -> list[str]:
        """Claims that were not declared before the first run, with what is said of them."""
        said = registration.said(registration.read(self.folder / paths.REGISTRATION), registration.declared(self.config))
        claims = zip(self.config["claims"], said, strict=True)
        return [f"{claim['name']}: {text}" for claim, text in claims if text != registration.BEFORE]

    def _run(self, variant: str, seed: int, held: bool) -> JobStatus:
        names = {"variant": variant, "seed": seed, "rule": "train"}
        folder, log = self.folder / paths.RUN.format(**names), self.folder / paths.RUN_LOG.format(**names)
        job = {"name": f"{variant} seed {seed}", "variant": variant, "seed": seed, "log": log}
        record = self.due.json(folder / "run.json")
        if not record or held:
            progress, epochs = self.folder / paths.PROGRESS.format(**names), self.config["recipe"]["epochs"]
            kept = (self.folder / paths.CHECKPOINT.format(**names)).exists()
            return _unfinished(job | {"kept": kept}, held, epochs, lambda _: _run_progress(progress, epochs))
        if reason := self.due.reason(self.due.job("train", variant=variant, seed=seed)):
            return JobStatus(**job, state=STALE, reason=reason.text)
        rate, evaluated = record.get("images_per_second"), not self.due.reason(self.due.job("evaluate", variant=variant, seed=seed))
        return JobStatus(**job, state=DONE, rate=rate if isinstance(rate, int | float) else None, evaluated=evaluated)

    def _trial(self, owner: str | None, trial: int, held: bool) -> JobStatus:
        names = {"own": paths.own(owner), "trial": trial, "round": trial // self.config["search"]["batch"]}
        job = {"name": f"{owner} trial {trial}" if owner else f"trial {trial}", "log": self.folder / paths.TRIAL_LOG.format(**names)}
        record = self.due.json(self.folder / paths.TRIAL.format(**names))
        if not record or held:
            checkpoint = self.folder / paths.TRIAL_CHECKPOINT.format(**names)
            kept = any(checkpoint.parent.glob(f"{checkpoint.stem}.*{checkpoint.suffix}"))
            epochs, trainings = self.config["search"]["epochs"], plan.trainings(self.config, owner)
            return _unfinished(
                job | {"kept": kept}, held, trainings * epochs, lambda log: _trial_progress(log, job["log"], epochs, trainings)
            )
        own = {"variant": owner} if owner else {}
        if reason := self.due.reason(self.due.job("run_trial", round=names["round"], trial=trial, **own)):
            return JobStatus(**job, state=STALE, reason=reason.text)
        return JobStatus(**job, state=DONE)

    def _seconds(self, runs: list[JobStatus], trials: list[JobStatus]) -> float | None:
        """Time until everything is done."""
        unfinished = [sum(job.state != DONE for job in jobs) for jobs in (runs, trials)]
        running = [job for job in (*trials, *runs) if job.state == RUNNING]
        names = [variant["name"] for variant in self.config["variants"]]
        networks = dict(zip(names, map(canonical, estimate.networks(self.config)), strict=True))
        rate = expected_rate([*runs, *trials], networks)
        if not any(unfinished) or rate is None:
            return None
        try:
            work = estimate.workload(self.config, *unfinished)
        except UserError:  # the pictures are gone
            return None
        images = [(job, work.run_images if job.variant else work.trial_images) for job in running if job.epochs]
        trained = sum(count * job.epoch // job.epochs for job, count in images)
        seconds = work.seconds(rate, max(len(running), 1), trained)
        return max([seconds, *(job.left for job in running if job.left is not None)])


def expected_rate(jobs: list[JobStatus], networks: dict[str, str]) -> float | None:
    """Images/s of the jobs that are not done, the mean of ones that take turns; ``networks`` is that of each variant.

    Each has the median rate of the runs of its network, of the running ones where there are some, else of the finished ones, or where its
    network has none, that of all jobs. None where there is no rate.
    """

    def median(network: str | None) -> float | None:
        for state in (RUNNING, DONE):
            if rates := [job.rate for job in jobs if job.rate and job.state == state and network in (None, networks.get(job.variant))]:
                return statistics.median_high(rates)
        return None

    of_any = median(None)
    if of_any is None:
        return None
    unfinished = [median(networks[job.variant]) or of_any for job in jobs if job.variant and job.state != DONE]
    return statistics.harmonic_mean(unfinished or [of_any])


def _unfinished(job: dict, held: bool, epochs: int, progress: Callable[[Log], dict]) -> JobStatus:
    """A job without a result: running, failed, stopped or not begun."""
    log = read_log(job["log"])
    if held or running_elsewhere(job["log"], log):
        waits = log.last if log.last.startswith("waiting for ") else ""
        # A later job that waits or was stopped has replaced the log of the one that trains. Else the progress may be of an earlier try.
        replaced = waits.startswith(locks.WAITING) or log.stopped or not job["log"].exists()
        epoch = progress(log) if log.training or replaced else {}
        return JobStatus(**job, state=RUNNING, reason=waits, epochs=epochs, **epoch)
    if log.error:
        return JobStatus(**job, state=FAILED, reason=log.error)
    if log.stopped or (log.training and not log.finished):
        return JobStatus(**job, state=STOPPED, epochs=epochs, **(progress(log) if log.training else {}))
    return JobStatus(**job, state=TO_DO)  # also after a log that ends well: its result was removed


def _run_progress(path: Path, epochs: int) -> dict:
    """How far a run is, from its progress CSV."""
    try:
        check_regular(path, MAX_BYTES)
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        last, seconds = rows[-1], statistics.median_high(float(row["seconds"]) for row in rows[-5:])
        left = (epochs - int(last["epoch"])) * seconds - age(path)
        accuracy = float(last["validation_accuracy"]) if last["validation_accuracy"] else None
        return {"epoch": int(last["epoch"]), "accuracy": accuracy, "rate": float(last["images_per_second"]), "left": max(0.0, left)}
    except (OSError, IndexError, KeyError, TypeError, ValueError):  # no epoch yet, or half a line
        return {}


def _trial_progress(log: Log, path: Path, epochs: int, trainings: int) -> dict:
    """How far a trial is, from its log: of its trainings, which follow one another, each has so many epochs."""
    finished = max(trainings_in(path) - (not log.finished), 0)
    last = None if log.finished else log.epoch
    epoch = min(finished * epochs + (last.epoch if last else 0), trainings * epochs)  # the log may be of an earlier config
    if not last:
        return {"epoch": epoch}
    left = last.left + max(trainings - finished - 1, 0) * epochs * log.epoch_seconds - age(path)
    return {"epoch": epoch, "accuracy": last.accuracy, "rate": last.rate, "left": max(0.0, left)}
