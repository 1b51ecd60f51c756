"""Reads a study's files and locks to see how far it is. It starts, locks and writes nothing, and imports no torch."""

import csv
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from pathlib import Path

from hardpair.config.read import read_map
from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.files.atomic import read_json
from hardpair.jobs import locks
from hardpair.jobs.logs import Log, age, at_work_elsewhere, read_log
from hardpair.staleness import plan
from hardpair.staleness.fingerprint import fingerprint
from hardpair.study import adoption, clean, estimate
from hardpair.study.status import DONE, FAILED, RUNNING, STALE, STOPPED, TO_DO, JobStatus, StudyStatus


@dataclass
class Watch:
    """Looks at a study again and again, and reads only files that have changed.

    Args:
        config: resolved.
        folder: of the study.
    """

    config: dict
    folder: Path
    _cache: dict = field(default_factory=dict)

    def look(self) -> StudyStatus:
        """The study as it is now."""
        runs = [(variant["name"], seed) for variant in self.config["variants"] for seed in self.config["seeds"]]
        search = self.config["search"]
        trials = range(search["rounds"] * search["batch"]) if search["enabled"] else []
        checkpoints = {(variant, seed): paths.CHECKPOINT.format(variant=variant, seed=seed) for variant, seed in runs}
        checkpoints |= {trial: paths.TRIAL_CHECKPOINT.format(trial=trial) for trial in trials}
        locks_of = {job: paths.lock_of(self.folder / checkpoint) for job, checkpoint in checkpoints.items()}
        held = locks.held(locks_of.values())
        run_status = [self._run(*run, locks_of[run] in held) for run in runs]
        trial_status = [self._trial(trial, locks_of[trial] in held) for trial in trials]
        trained = all(run.evaluated for run in run_status) and all(trial.state == DONE for trial in trial_status)
        status = StudyStatus(
            folder=self.folder,
            config=self.config,
            runs=run_status,
            trials=trial_status,
            recipe=self._recipe() is not None,
            finished=trained and self._compared(runs),
            leftover=list(clean.leftovers(self.folder, self.config)),
            locked=locks.snakemake_at_work(self.folder),
            seconds=None,
        )
        return replace(status, seconds=self._seconds(status))

    def _run(self, variant: str, seed: int, held: bool) -> JobStatus:
        names = {"variant": variant, "seed": seed, "rule": "train"}
        folder, log = self.folder / paths.RUN.format(**names), self.folder / paths.RUN_LOG.format(**names)
        job = {"name": f"{variant} seed {seed}", "variant": variant, "seed": seed, "log": log}
        record = self._json(folder / "run.json")
        if not record or held:
            return self._unfinished(job, held, read_log(log), lambda: self._progress(variant, seed), self._epochs())
        if (expected := self._fingerprint(variant, seed)) not in (None, record.get("fingerprint")):
            return JobStatus(**job, state=STALE, reason=self._difference(record))
        metrics, rate = self._json(folder / "metrics.json") or {}, record.get("images_per_second")
        rate = rate if isinstance(rate, int | float) else None
        return JobStatus(**job, state=DONE, rate=rate, evaluated=expected is not None and metrics.get("fingerprint") == expected)

    def _trial(self, trial: int, held: bool) -> JobStatus:
        names = {"trial": trial, "round": trial // self.config["search"]["batch"]}
        job = {"name": f"trial {trial}", "log": self.folder / paths.TRIAL_LOG.format(**names)}
        record = self._json(self.folder / paths.TRIAL.format(**names))
        if not record or held:
            log = read_log(job["log"])
            return self._unfinished(job, held, log, lambda: _trial_progress(log, job["log"]), self.config["search"]["epochs"])
        if self._trial_fingerprint(**names) in (None, record.get("fingerprint")):
            return JobStatus(**job, state=DONE)
        return JobStatus(**job, state=STALE, reason="its recipe, settings, split or code is another now")

    def _unfinished(self, job: dict, held: bool, log: Log, progress: Callable[[], dict], epochs: int) -> JobStatus:
        """A job without a result: running, failed, stopped or not begun."""
        if held or at_work_elsewhere(job["log"], log):
            waits = log.last if log.last.startswith("waiting for ") else ""
            # The progress of an earlier try may still be there.
            epoch = progress() if log.training or not job["log"].exists() else {}
            return JobStatus(**job, state=RUNNING, reason=waits, epochs=epochs, **epoch)
        if log.error:
            return JobStatus(**job, state=FAILED, reason=log.error)
        if log.stopped or (log.training and not log.finished):
            return JobStatus(**job, state=STOPPED, epochs=epochs, **(progress() if log.training else {}))
        return JobStatus(**job, state=TO_DO)  # also after a log that ends well: its result was removed

    def _progress(self, variant: str, seed: int) -> dict:
        """How far a run is, from its progress CSV."""
        path = self.folder / paths.PROGRESS.format(variant=variant, seed=seed)
        try:
            with open(path, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            last, times = rows[-1], sorted(float(row["seconds"]) for row in rows[-5:])
            left = (self._epochs() - int(last["epoch"])) * times[len(times) // 2] - age(path)
            accuracy = float(last["validation_accuracy"]) if last["validation_accuracy"] else None
            return {"epoch": int(last["epoch"]), "accuracy": accuracy, "rate": float(last["images_per_second"]), "left": max(0.0, left)}
        except (OSError, IndexError, KeyError, TypeError, ValueError):  # no epoch yet, or half a line
            return {}

    def _epochs(self) -> int:
        return self.config["recipe"]["epochs"]

    def _recipe(self) -> dict | None:
        return self._read(self.folder / paths.RECIPE, read_map)

    def _json(self, path: Path) -> dict | None:
        """A map in a JSON file that may be missing or cut off."""
        value = self._read(path, read_json)
        return value if isinstance(value, dict) else None

    def _read(self, path: Path, reader: Callable) -> dict | None:
        try:
            time = path.stat().st_mtime_ns
            if self._cache.get(path, (None,))[0] != time:
                self._cache[path] = time, reader(path)
            return self._cache[path][1]
        except (OSError, UserError):
            return None

    def _fingerprint(self, variant: str, seed: int) -> str | None:
        """The fingerprint that a run should have; None while there is no recipe or split."""
        if (recipe := self._recipe()) is None:
            return None

        def expected(split: Path) -> str:
            return fingerprint(plan.train_settings(self.config, variant), recipe, seed, split, plan.train_code(self.config, variant))

        return self._of_split((variant, seed), self.folder / paths.RECIPE, expected)

    def _trial_fingerprint(self, trial: int, round: int) -> str | None:
        """The fingerprint that a trial should have, as ``run_trial`` writes it; None while there is no proposal or split."""
        path = self.folder / paths.PROPOSALS.format(round=round)
        try:
            recipe = next(entry["recipe"] for entry in self._json(path)["trials"] if entry["trial"] == trial)
        except (KeyError, TypeError, StopIteration):
            return None

        def expected(split: Path) -> str:
            return fingerprint(plan.trial_settings(self.config), recipe, trial, split, plan.trial_code(self.config))

        return self._of_split(trial, path, expected)

    def _of_split(self, job: Hashable, recipe: Path, expected: Callable[[Path], str]) -> str | None:
        """A job's fingerprint, computed again when the split or the file of its recipe has changed; None without a split."""
        split = self.folder / paths.SPLIT
        if not split.is_file():
            return None
        times = self._cache[recipe][0], split.stat().st_mtime_ns
        if self._cache.get(job, (None,))[0] != times:
            self._cache[job] = times, expected(split)
        return self._cache[job][1]

    def _difference(self, record: dict) -> str:
        try:
            difference = adoption.difference(record, self.config, self._recipe(), self.folder / paths.SPLIT)
        except (KeyError, TypeError, UserError):
            difference = None
        return difference or "its run.json is not one that train writes"

    def _compared(self, runs: list) -> bool:
        """Whether tables, final figure and report are those of the present runs."""
        compared = self._read(self.folder / paths.RUNS_TABLE, fingerprints) or set()
        results = all((self.folder / name).is_file() for name in paths.RESULT.values())
        return results and compared == {self._fingerprint(*run) for run in runs}

    def _seconds(self, status: StudyStatus) -> float | None:
        """Time until everything is done, by the rate of the running jobs, else of the finished runs."""
        runs, trials = ([job for job in jobs if job.state != DONE] for jobs in (status.runs, status.trials))
        rates = sorted(job.rate for job in status.running if job.rate) or sorted(run.rate for run in status.runs if run.rate)
        if not runs + trials or not rates:
            return None
        try:
            work = estimate.workload(self.config, len(runs), len(trials))
        except UserError:  # the pictures are gone
            return None
        images = [(job, work.run_images if job.variant else work.trial_images) for job in status.running if job.epochs]
        trained = sum(count * job.epoch // job.epochs for job, count in images)
        seconds = work.seconds(rates[len(rates) // 2], max(len(status.running), 1), trained)
        return max([seconds, *(job.left for job in status.running if job.left is not None)])


def _trial_progress(log: Log, path: Path) -> dict:
    """How far a trial is, from its log."""
    if (last := log.epoch) is None:
        return {}
    return {"epoch": last.epoch, "accuracy": last.accuracy, "rate": last.rate, "left": max(0.0, last.left - age(path))}


def fingerprints(path: Path) -> set[str]:
    """The fingerprints of the runs in a runs.csv."""
    with open(path, newline="", encoding="utf-8") as file:
        return {row.get("fingerprint", "") for row in csv.DictReader(file)}
