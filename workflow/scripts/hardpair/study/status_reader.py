"""Determine a study's status from its files and locks. Starts, locks and writes nothing, and imports no torch."""

import csv
import statistics
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path

from hardpair.comparison import registration
from hardpair.config.read import read_map
from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.files.json_text import read_json
from hardpair.jobs import locks
from hardpair.jobs.logs import Log, age, read_log, running_elsewhere
from hardpair.staleness import plan, run_difference
from hardpair.staleness.fingerprint import fingerprint
from hardpair.staleness.run_difference import Expected
from hardpair.study import clean, estimate
from hardpair.study.status import DONE, FAILED, RUNNING, STALE, STOPPED, TO_DO, JobStatus, StudyStatus


@dataclass
class Watch:
    """Determines a study's status repeatedly, and reads only files that have changed."""

    config: dict  # resolved
    folder: Path  # of the study
    _cache: dict = field(default_factory=dict)

    def status(self) -> StudyStatus:
        """The status of the study now."""
        runs = [(variant["name"], seed) for variant in self.config["variants"] for seed in self.config["seeds"]]
        trials = plan.trials(self.config)
        checkpoints = {(variant, seed): paths.CHECKPOINT.format(variant=variant, seed=seed) for variant, seed in runs}
        trial_checkpoints = {trial: paths.TRIAL_CHECKPOINT.format(own=paths.own(trial[0]), trial=trial[1]) for trial in trials}
        run_locks, trial_locks = (
            {job: paths.lock_of(self.folder / checkpoint) for job, checkpoint in some.items()} for some in (checkpoints, trial_checkpoints)
        )
        held = locks.held([*run_locks.values(), *trial_locks.values()])
        run_status = [self._run(*run, run_locks[run] in held) for run in runs]
        trial_status = [self._trial(*trial, trial_locks[trial] in held) for trial in trials]
        trained = all(run.evaluated for run in run_status) and all(trial.state == DONE for trial in trial_status)
        return StudyStatus(
            folder=self.folder,
            config=self.config,
            runs=run_status,
            trials=trial_status,
            recipe=all(self._recipe(variant["name"]) is not None for variant in self.config["variants"]),
            finished=trained and self._compared(runs),
            leftover=list(clean.leftovers(self.folder, self.config)),
            working=bool(locks.held([self.folder / paths.STUDY_LOCK])),
            locked=locks.snakemake_running(self.folder),
            marked=self._marked() if any(run.state == DONE for run in run_status) else [],
            seconds=self._seconds(run_status, trial_status),
        )

    def _marked(self) -> list[str]:
        """Claims that were not declared before the first run, with what is said of them."""
        said = registration.said(registration.read(self.folder / paths.REGISTRATION), registration.declared(self.config))
        claims = zip(self.config["claims"], said, strict=True)
        return [f"{claim['name']}: {text}" for claim, text in claims if text != registration.BEFORE]

    def _run(self, variant: str, seed: int, held: bool) -> JobStatus:
        names = {"variant": variant, "seed": seed, "rule": "train"}
        folder, log = self.folder / paths.RUN.format(**names), self.folder / paths.RUN_LOG.format(**names)
        job = {"name": f"{variant} seed {seed}", "variant": variant, "seed": seed, "log": log}
        record = self._json(folder / "run.json")
        if not record or held:
            progress, epochs = self.folder / paths.PROGRESS.format(**names), self.config["recipe"]["epochs"]
            return _unfinished(job, held, epochs, lambda _: _run_progress(progress, epochs))
        if (expected := self._fingerprint(variant, seed)) not in (None, record.get("fingerprint")):
            return JobStatus(**job, state=STALE, reason=self._difference(record))
        metrics, rate = self._json(folder / "metrics.json") or {}, record.get("images_per_second")
        evaluated = expected is not None and metrics.get("fingerprint") == expected
        return JobStatus(**job, state=DONE, rate=rate if isinstance(rate, int | float) else None, evaluated=evaluated)

    def _trial(self, owner: str | None, trial: int, held: bool) -> JobStatus:
        names = {"own": paths.own(owner), "trial": trial, "round": trial // self.config["search"]["batch"]}
        job = {"name": f"{owner} trial {trial}" if owner else f"trial {trial}", "log": self.folder / paths.TRIAL_LOG.format(**names)}
        record = self._json(self.folder / paths.TRIAL.format(**names))
        if not record or held:
            return _unfinished(job, held, self.config["search"]["epochs"], lambda log: _trial_progress(log, job["log"]))
        if self._trial_fingerprint(owner, trial, self.folder / paths.PROPOSALS.format(**names)) in (None, record.get("fingerprint")):
            return JobStatus(**job, state=DONE)
        return JobStatus(**job, state=STALE, reason="its recipe, settings, split or code has changed")

    def _recipe_file(self, variant: str) -> Path:
        return self.folder / paths.recipe(plan.owner(self.config, variant))

    def _recipe(self, variant: str) -> dict | None:
        return self._read(self._recipe_file(variant), read_map)

    def _json(self, path: Path) -> dict | None:
        """A map in a JSON file that may be missing or cut off."""
        value = self._read(path, read_json)
        return value if isinstance(value, dict) else None

    def _read(self, path: Path, reader: Callable) -> dict | None:
        try:
            return self._cached(path, path.stat().st_mtime_ns, lambda: reader(path))
        except (OSError, UserError):
            return None

    def _cached(self, key: Hashable, times: object, compute: Callable) -> object:
        """A value that is computed again when the times of its files have changed."""
        if self._cache.get(key, (None,))[0] != times:
            self._cache[key] = times, compute()
        return self._cache[key][1]

    def _fingerprint(self, variant: str, seed: int) -> str | None:
        """The fingerprint that a run should have; None while there is no recipe or split."""
        if (recipe := self._recipe(variant)) is None:
            return None

        def expected(split: Path) -> str:
            return Expected(self.config, {variant: recipe}, split).fingerprint(variant, seed)

        return self._of_split((variant, seed), self._recipe_file(variant), expected)

    def _trial_fingerprint(self, owner: str | None, trial: int, proposals: Path) -> str | None:
        """The fingerprint that a trial should have, as ``run_trial`` writes it; None while there is no proposal or split."""
        try:
            recipe = next(entry["recipe"] for entry in self._json(proposals)["trials"] if entry["trial"] == trial)
        except (KeyError, TypeError, StopIteration):
            return None

        def expected(split: Path) -> str:
            return fingerprint(plan.trial_settings(self.config, owner), recipe, trial, split, plan.trial_code(self.config, owner))

        return self._of_split((proposals, trial), proposals, expected)

    def _of_split(self, job: Hashable, recipe: Path, expected: Callable[[Path], str]) -> str | None:
        """A job's fingerprint, computed again when the split or the file of its recipe has changed; None without a split."""
        split = self.folder / paths.SPLIT
        if not split.is_file():
            return None
        return self._cached(job, (self._cache[recipe][0], split.stat().st_mtime_ns), lambda: expected(split))

    def _difference(self, record: dict) -> str:
        try:
            recipes = {record["variant"]: self._recipe(record["variant"])}
            difference = run_difference.difference(record, Expected(self.config, recipes, self.folder / paths.SPLIT))
        except (KeyError, TypeError, UserError):
            difference = None
        return difference or run_difference.MALFORMED

    def _compared(self, runs: list) -> bool:
        """Whether tables, final figure and report are those of the present runs."""
        compared = self._read(self.folder / paths.RUNS_TABLE, fingerprints) or set()
        results = all((self.folder / name).is_file() for name in paths.RESULT.values())
        return results and compared == {self._fingerprint(*run) for run in runs}

    def _seconds(self, runs: list[JobStatus], trials: list[JobStatus]) -> float | None:
        """Time until everything is done, by the rate of the running jobs, else of the finished runs."""
        unfinished = [sum(job.state != DONE for job in jobs) for jobs in (runs, trials)]
        running = [job for job in (*trials, *runs) if job.state == RUNNING]
        rates = [job.rate for job in running if job.rate] or [run.rate for run in runs if run.rate]
        if not any(unfinished) or not rates:
            return None
        try:
            work = estimate.workload(self.config, *unfinished)
        except UserError:  # the pictures are gone
            return None
        images = [(job, work.run_images if job.variant else work.trial_images) for job in running if job.epochs]
        trained = sum(count * job.epoch // job.epochs for job, count in images)
        seconds = work.seconds(statistics.median_high(rates), max(len(running), 1), trained)
        return max([seconds, *(job.left for job in running if job.left is not None)])


def _unfinished(job: dict, held: bool, epochs: int, progress: Callable[[Log], dict]) -> JobStatus:
    """A job without a result: running, failed, stopped or not begun."""
    log = read_log(job["log"])
    if held or running_elsewhere(job["log"], log):
        waits = log.last if log.last.startswith("waiting for ") else ""
        # The progress of an earlier try may still be there.
        epoch = progress(log) if log.training or not job["log"].exists() else {}
        return JobStatus(**job, state=RUNNING, reason=waits, epochs=epochs, **epoch)
    if log.error:
        return JobStatus(**job, state=FAILED, reason=log.error)
    if log.stopped or (log.training and not log.finished):
        return JobStatus(**job, state=STOPPED, epochs=epochs, **(progress(log) if log.training else {}))
    return JobStatus(**job, state=TO_DO)  # also after a log that ends well: its result was removed


def _run_progress(path: Path, epochs: int) -> dict:
    """How far a run is, from its progress CSV."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        last, seconds = rows[-1], statistics.median_high(float(row["seconds"]) for row in rows[-5:])
        left = (epochs - int(last["epoch"])) * seconds - age(path)
        accuracy = float(last["validation_accuracy"]) if last["validation_accuracy"] else None
        return {"epoch": int(last["epoch"]), "accuracy": accuracy, "rate": float(last["images_per_second"]), "left": max(0.0, left)}
    except (OSError, IndexError, KeyError, TypeError, ValueError):  # no epoch yet, or half a line
        return {}


def _trial_progress(log: Log, path: Path) -> dict:
    """How far a trial is, from its log."""
    last = log.epoch
    return {"epoch": last.epoch, "accuracy": last.accuracy, "rate": last.rate, "left": max(0.0, last.left - age(path))} if last else {}


def fingerprints(path: Path) -> set[str]:
    """The fingerprints of the runs in a runs.csv."""
    with open(path, newline="", encoding="utf-8") as file:
        return {row.get("fingerprint", "") for row in csv.DictReader(file)}
