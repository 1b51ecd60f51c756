"""Which jobs of a study are due: what `snakemake` runs and what `make status` shows. It is decided from the study's files alone."""

import csv
import os
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from hardpair.comparison import registration
from hardpair.config.read import read_map
from hardpair.errors import UserError
from hardpair.files import csv_text, intact, paths
from hardpair.files.atomic import file_sha256
from hardpair.files.json_text import read_json
from hardpair.staleness import plan, record, run_difference
from hardpair.staleness.fingerprint import fingerprint
from hardpair.staleness.jobs import Job, Jobs, key
from hardpair.staleness.run_difference import Expected

AFFECTS_RESULTS = False
# Why a job is due; Snakemake shows these words.
MISSING, FORCED, INPUTS_DUE, NO_RECORD, FINGERPRINT = "missing", "forced", "inputs_due", "no_record", "other_fingerprint"
SETTINGS, CODE, INPUTS, OUTPUTS = "settings_changed", "code_changed", "inputs_changed", "outputs_changed"
KINDS = (MISSING, FORCED, INPUTS_DUE, NO_RECORD, FINGERPRINT, SETTINGS, CODE, INPUTS, OUTPUTS)


class Reason(NamedTuple):
    """Why a job is due.

    Attributes:
        kind: one of those above.
        text: the end of a sentence about the job's files.
    """

    kind: str
    text: str


class Due:
    """Determines which jobs are due, repeatedly if wanted, and reads only files that have changed.

    A job is due if a file that it makes is missing or not complete; if its record (of a run or trial: its fingerprint) is missing or
    differs in settings, code or the content of an input or output; or if a job that makes one of its inputs is due, since what that will
    make is not known yet. Prepared images may be missing: they are made when a job that is due reads them.
    """

    @classmethod
    def of(cls, config: dict) -> "Due":
        """Of the study of a resolved config, whose pictures may be gone."""
        try:
            return cls(config, plan.pictures(config, paths.IMAGES / config["data"]["name"]))
        except UserError:
            return cls(config, None)

    def __init__(self, config: dict, pictures: str | None, forced: Iterable[str] = (), broken: Iterable[str] | None = None) -> None:
        """Args:
        config: resolved.
        pictures: fingerprint of the images; None if it is not known, so that prepared images count as theirs.
        forced: rules and files that count as due.
        broken: files that are not complete, and count as missing; None if that is not known, so that each file's content is looked at.
        """
        self.config, self.jobs, self.forced = config, Jobs(config, pictures or ""), set(forced)
        self.declared = {job.key: job for job in self.jobs}
        self._pictures_known = pictures is not None
        self.broken, self._looks_at_content = frozenset(broken or ()), broken is None
        self._makers = {file: job for job in self.declared.values() for file in job.outputs}
        self._reasons: dict = {}
        self._cache: dict = {}

    def look_again(self) -> None:
        """Forget what was found, since files may have changed: broken files may have been made again."""
        self._reasons.clear()
        self.broken = frozenset(file for file in self.broken if not all(map(intact.is_intact, intact.described(Path(file)))))

    def all(self) -> list[Job]:
        """The declared jobs that are due, in their order."""
        due = [job for job in self.declared.values() if self.reason(job)]
        images = self.declared["prepare_data", ()]
        read = any(self.jobs.about in job.inputs for job in due)
        return [images, *due] if read and images not in due and not self._exist(*images.outputs) else due

    def job(self, rule: str, **names: object) -> Job:
        """A job, by its rule and wildcards; it need not be declared."""
        return self.declared.get(key(rule, **names)) or self.jobs.job(rule, **names)

    def reason(self, job: Job) -> Reason | None:
        """Why a job is due; None if it is not."""
        if job.key not in self._reasons:
            self._reasons[job.key] = self._reason(job)
        return self._reasons[job.key]

    def _reason(self, job: Job) -> Reason | None:
        if not self.forced.isdisjoint((job.rule, *job.outputs)):
            return Reason(FORCED, "it is named by --forcerun")
        for name, files in record.groups(job.made).items():
            # A file of every run is made by jobs of one rule, and many jobs read it.
            if maker := self._once(("due", *files) if len(files) == 1 else ("due", name, *job.made["each"]["variant"]), files):
                first = self.reason(maker)
                text = first.text if first.kind == INPUTS_DUE else f"its inputs will change ({maker.message}: {first.text})"
                return Reason(INPUTS_DUE, text)
        if job.rule == "prepare_data":
            return self._recorded(job) if self._exist(*job.outputs) and self._pictures_known else None
        for file in job.outputs:
            if not Path(file).exists():
                return Reason(MISSING, f"{file} is missing")
            try:
                broken = self._broken(file)
            except FileNotFoundError as error:  # removed just now, as Snakemake does before it makes a file again
                return Reason(MISSING, f"{error.filename} is missing")
            if broken:
                return Reason(MISSING, f"{broken} is cut short or damaged")
        return self._recorded(job) if job.record else self._made(job)

    def _once(self, key: Hashable, files: list[str]) -> Job | None:
        """The first due job that makes one of the files."""
        if key not in self._reasons:
            makers = (self._makers.get(file) for file in files)
            self._reasons[key] = next((maker for maker in makers if maker and self.reason(maker)), None)
        return self._reasons[key]

    def _broken(self, file: str) -> Path | None:
        """The first that is not complete of a file and those that it describes."""
        if not self._exist(file):
            return Path(file)
        present = filter(Path.exists, intact.described(Path(file))) if self._looks_at_content else ()
        checked = ((path, self._cached(("intact", path), self._time(path), partial(intact.is_intact, path))) for path in present)
        return next((path for path, is_intact in checked if not is_intact), None)

    def _recorded(self, job: Job) -> Reason | None:
        written = self.json(job.record)
        if written is None:
            return Reason(NO_RECORD, f"{job.record}, which records what its files were made of, is missing")
        for part, kind in (("settings", SETTINGS), ("code", CODE)):
            if written.get(part) != job.hashes[part]:
                return Reason(kind, f"its {part} changed")
        known, made = (written[part] if isinstance(written.get(part), dict) else {} for part in ("inputs", "outputs"))
        for name, files in record.groups(job.made).items():
            if files == [self.jobs.about] and not self._exist(self.jobs.about):
                images = job.made.get("images")
                if self._pictures_known and written.get("images", images) != images:
                    return Reason(SETTINGS, f"its images, which are missing in {self.jobs.data}, are now others")
                continue
            key = ("digest", name, *job.made["each"]["variant"]) if len(files) > 1 else ("digest", *files)
            if key not in self._reasons:
                self._reasons[key] = self._digest(files)
            if known.get(name) != self._reasons[key]:
                return Reason(INPUTS, f"{name} changed")
        for file in job.made["outputs"]:  # which records of earlier versions lack
            if file in made and made[file] != self._digest([file]):
                return Reason(OUTPUTS, f"{file} is not as it was written")
        if job.rule == "compare":
            return self._other_registration(job)
        return self._other_run(job) if job.rule == "evaluate" else None

    def _other_registration(self, job: Job) -> Reason | None:
        """Whether claims.csv has another date of a declaration than the registration, which was deleted, damaged or replaced since."""
        source, [table] = Path(self.jobs.study, paths.REGISTRATION), [file for file in job.outputs if Path(file).name == paths.CLAIMS_TABLE]
        kept = self._read(source, registration.read) or registration.Registration()
        said = [csv_text.inert(words) for words in registration.said(kept, registration.declared(self.config))]
        if self._read(Path(table), _declared_column) == said:
            return None
        return Reason(INPUTS, f"{source} is not the one that {table} was made with")

    def _other_run(self, job: Job) -> Reason | None:
        """Whether the evaluation of a run is damaged, or one of another run."""
        metrics, run = (self.json(file) or {} for file in (job.outputs[0], job.inputs[0]))
        if metrics.get("fingerprint") == run.get("fingerprint"):
            return None
        return Reason(FINGERPRINT, f"{job.outputs[0]} belongs to another run")

    def _digest(self, files: list[str]) -> str | None:
        try:
            return record.together([self.sha256(file) for file in files])
        except OSError:
            return None

    def _made(self, job: Job) -> Reason | None:
        """Whether a run or a trial has another fingerprint than the one that it should have."""
        written = self.json(job.outputs[0]) or {}
        if (expected := self.fingerprint(job)) is not None and written.get("fingerprint") == expected:
            return None
        if job.rule == "run_trial":
            return Reason(FINGERPRINT, "its recipe, settings, split or code has changed")
        return Reason(FINGERPRINT, self._difference(job, written))

    def fingerprint(self, job: Job) -> str | None:
        """The fingerprint that a run or a trial should have; None while there is no recipe or split."""
        names, source = job.names, Path(job.inputs[0])
        if job.rule == "train":
            if (recipe := self.recipe(names["variant"])) is None:
                return None
            expected = Expected(self.config, {names["variant"]: recipe}, Path(self.jobs.split))
            compute = partial(expected.fingerprint, names["variant"], int(names["seed"]))
        else:
            owner, trial = names.get("variant"), int(names["trial"])
            try:
                recipe = next(entry["recipe"] for entry in self.json(source)["trials"] if entry["trial"] == trial)
            except (KeyError, TypeError, StopIteration):
                return None
            settings, code = plan.trial_settings(self.config, owner), plan.trial_code(self.config, owner)
            compute = partial(fingerprint, settings, recipe, trial, Path(self.jobs.split), code)
        try:
            times = self._time(source), self._time(Path(self.jobs.split))
            return self._cached(("fingerprint", job.key), times, compute)
        except OSError:
            return None

    def recipe(self, variant: str) -> dict | None:
        """The recipe that a variant is trained with, without its own keys; None if there is none yet."""
        return self._read(Path(self.jobs.study) / paths.recipe(plan.owner(self.config, variant)), read_map)

    def json(self, path: str | Path) -> dict | None:
        """A map in a JSON file that may be missing or cut off."""
        value = self._read(Path(path), read_json) if self._exist(str(path)) else None
        return value if isinstance(value, dict) else None

    def sha256(self, file: str) -> str:
        """SHA-256 of a file.

        Raises:
            OSError: it is missing.
        """
        return self._cached(("sha256", file), self._time(Path(file)), lambda: file_sha256(file))

    def _difference(self, job: Job, run: dict) -> str:
        try:
            if (run["variant"], str(run["seed"])) != (job.names["variant"], str(job.names["seed"])):
                return "it is a run of another variant or seed"
            recipes = {run["variant"]: self.recipe(run["variant"])}
            difference = run_difference.difference(run, Expected(self.config, recipes, Path(self.jobs.split)))
        except (KeyError, TypeError, UserError):
            difference = None
        return difference or run_difference.MALFORMED

    def _read(self, path: Path, reader: Callable) -> dict | None:
        try:
            return self._cached(path, self._time(path), lambda: reader(path))
        except (OSError, UserError):
            return None

    def _exist(self, *files: str) -> bool:
        return all(os.path.exists(file) and file not in self.broken for file in files)

    @staticmethod
    def _time(path: Path) -> int:
        return path.stat().st_mtime_ns

    def _cached(self, key: Hashable, times: object, compute: Callable) -> object:
        """A value that is computed again when the times of its files have changed."""
        if self._cache.get(key, (None,))[0] != times:
            self._cache[key] = times, compute()
        return self._cache[key][1]


def _declared_column(claims: Path) -> list[str]:
    with open(claims, encoding="utf-8", errors="replace", newline="") as file:
        return [row.get("declared", "") for row in csv.DictReader(file)]
