"""Looks at a study's files and locks to tell how far it is. It starts, locks and writes nothing, and imports no torch."""

import csv
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from pathlib import Path

from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.files.atomic import read_json
from hardpair.jobs import locks
from hardpair.jobs.logs import Log, age, at_work_elsewhere, read_log
from hardpair.staleness import plan
from hardpair.staleness.fingerprint import fingerprint
from hardpair.study import adoption, clean, estimate
from hardpair.study.find import read
from hardpair.study.status import DONE, FAILED, RUNNING, STALE, STOPPED, TO_DO, Job, Standing


@dataclass
class Watch:
    """Looks at a study again and again, and reads again only what has changed.

    Args:
        config: resolved.
        folder: of the study.
    """

    config: dict
    folder: Path
    _known: dict = field(default_factory=dict)

    def look(self) -> Standing:
        """The study as it is now."""
        runs = [(variant["name"], seed) for variant in self.config["variants"] for seed in self.config["seeds"]]
        search = self.config["search"]
        trials = range(search["rounds"] * search["batch"]) if search["enabled"] else []
        checkpoints = {(variant, seed): paths.CHECKPOINT.format(variant=variant, seed=seed) for variant, seed in runs}
        checkpoints |= {trial: paths.TRIAL_CHECKPOINT.format(trial=trial) for trial in trials}
        locks_of = {job: paths.lock_of(self.folder / checkpoint) for job, checkpoint in checkpoints.items()}
        held = locks.held(locks_of.values())
        trained = [self._run(*run, locks_of[run] in held) for run in runs]
        tried = [self._trial(trial, locks_of[trial] in held) for trial in trials]
        standing = Standing(
            folder=self.folder,
            config=self.config,
            runs=trained,
            trials=tried,
            recipe=self._recipe() is not None,
            finished=all(run.evaluated for run in trained) and all(trial.state == DONE for trial in tried) and self._compared(runs),
            leftover=list(clean.leftovers(self.folder, self.config)),
            locked=locks.snakemake_at_work(self.folder),
            seconds=None,
        )
        return replace(standing, seconds=self._seconds(standing))

    def _run(self, variant: str, seed: int, held: bool) -> Job:
        names = {"variant": variant, "seed": seed, "rule": "train"}
        run, log = self.folder / paths.RUN.format(**names), self.folder / paths.RUN_LOG.format(**names)
        job = {"name": f"{variant} seed {seed}", "variant": variant, "seed": seed, "log": log}
        record = self._json(run / "run.json")
        if record and not held:
            if (present := self._fingerprint(variant, seed)) in (None, record.get("fingerprint")):
                measured = self._json(run / "metrics.json") or {}
                rate = record.get("images_per_second")
                rate = rate if isinstance(rate, int | float) else None
                return Job(**job, state=DONE, rate=rate, evaluated=present is not None and measured.get("fingerprint") == present)
            return Job(**job, state=STALE, told=self._reason(record))
        return self._unfinished(job, held, read_log(log), lambda: self._progress(variant, seed), self._epochs())

    def _trial(self, trial: int, held: bool) -> Job:
        round_ = trial // self.config["search"]["batch"]
        log = self.folder / paths.TRIAL_LOG.format(round=round_, trial=trial)
        job = {"name": f"trial {trial}", "log": log}
        record = self._json(self.folder / paths.TRIAL.format(round=round_, trial=trial))
        if record and not held:
            if self._trial_fingerprint(trial, round_) in (None, record.get("fingerprint")):
                return Job(**job, state=DONE)
            return Job(**job, state=STALE, told="its recipe, settings, split or code is another now")
        told = read_log(log)

        def progress() -> dict:
            if (far := told.epoch) is None:
                return {}
            left = max(0.0, far.left - age(log))
            return {"epoch": far.epoch, "accuracy": far.accuracy, "rate": far.rate, "left": left}

        return self._unfinished(job, held, told, progress, self.config["search"]["epochs"])

    def _unfinished(self, job: dict, held: bool, log: Log, progress: Callable[[], dict], epochs: int) -> Job:
        """A job without a result: at work, failed, stopped or not begun."""
        if held or at_work_elsewhere(job["log"], log):
            waits = log.last if log.last.startswith("waiting for ") else ""
            # What an earlier try left of its progress is not this one's.
            far = progress() if log.training or not job["log"].exists() else {}
            return Job(**job, state=RUNNING, told=waits, epochs=epochs, **far)
        if log.error:
            return Job(**job, state=FAILED, told=log.error)
        if log.stopped or (log.training and not log.finished):
            return Job(**job, state=STOPPED, epochs=epochs, **(progress() if log.training else {}))
        return Job(**job, state=TO_DO)  # a log that ends well is that of a result which was removed

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
        return self._fresh(self.folder / paths.RECIPE, read)

    def _json(self, path: Path) -> dict | None:
        """A map in a JSON file that may not be there, or be cut off."""
        value = self._fresh(path, read_json)
        return value if isinstance(value, dict) else None

    def _fresh(self, path: Path, reader: Callable) -> dict | None:
        try:
            moment = path.stat().st_mtime_ns
            if self._known.get(path, (None,))[0] != moment:
                self._known[path] = moment, reader(path)
            return self._known[path][1]
        except (OSError, UserError):
            return None

    def _fingerprint(self, variant: str, seed: int) -> str | None:
        """What the run should be; None before recipe and split are there."""
        recipe, path = self._recipe(), self.folder / paths.RECIPE
        if recipe is None:
            return None

        def present(split: Path) -> str:
            return fingerprint(plan.train_settings(self.config, variant), recipe, seed, split, plan.train_code(self.config, variant))

        return self._of_split((variant, seed), path, present)

    def _trial_fingerprint(self, trial: int, round_: int) -> str | None:
        """What the trial should be; None before its proposal and the split are there. ``run_trial`` writes it."""
        path = self.folder / paths.PROPOSALS.format(round=round_)
        try:
            recipe = next(entry["recipe"] for entry in self._json(path)["trials"] if entry["trial"] == trial)
        except (KeyError, TypeError, StopIteration):
            return None

        def present(split: Path) -> str:
            return fingerprint(plan.trial_settings(self.config), recipe, trial, split, plan.trial_code(self.config))

        return self._of_split(trial, path, present)

    def _of_split(self, job: Hashable, recipe: Path, present: Callable[[Path], str]) -> str | None:
        """A job's fingerprint by the split, worked out again where the split or the job's recipe has changed; None without a split."""
        split = self.folder / paths.SPLIT
        if not split.is_file():
            return None
        moments = self._known[recipe][0], split.stat().st_mtime_ns
        if self._known.get(job, (None,))[0] != moments:
            self._known[job] = moments, present(split)
        return self._known[job][1]

    def _reason(self, record: dict) -> str:
        try:
            told = adoption.difference(record, self.config, self._recipe(), self.folder / paths.SPLIT)
        except (KeyError, TypeError, UserError):
            told = None
        return told or "its run.json is not one that train writes"

    def _compared(self, runs: list) -> bool:
        if not all((self.folder / name).is_file() for name in paths.RESULT.values()):
            return False
        told = self._fresh(self.folder / paths.RUNS_TABLE, fingerprints) or set()
        return told == {self._fingerprint(*run) for run in runs}

    def _seconds(self, standing: Standing) -> float | None:
        """Time until all is done, from the rate of what runs now, else of what has run."""
        left = {part: [job for job in getattr(standing, part) if job.state != DONE] for part in ("runs", "trials")}
        rates = sorted(job.rate for job in standing.running if job.rate) or sorted(run.rate for run in standing.runs if run.rate)
        if not any(left.values()) or not rates:
            return None
        try:
            work = estimate.workload(self.config, len(left["runs"]), len(left["trials"]))
        except UserError:  # the pictures are gone
            return None
        trained = sum(work.run_images * job.epoch // job.epochs for job in left["runs"] if job.state == RUNNING and job.epochs)
        trained += sum(work.trial_images * job.epoch // job.epochs for job in left["trials"] if job.state == RUNNING and job.epochs)
        whole = work.seconds(rates[len(rates) // 2], max(len(standing.running), 1), trained)
        return max([whole, *(job.left for job in standing.running if job.left is not None)])


def fingerprints(path: Path) -> set[str]:
    """Those of the runs of a runs.csv."""
    with open(path, newline="", encoding="utf-8") as file:
        return {row.get("fingerprint", "") for row in csv.DictReader(file)}
