"""The jobs of a study: what each of them depends on, and the files that it makes.

The rules name the same files once more; tests/staleness/test_due.py compares both.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from hardpair.config.resolve import canonical
from hardpair.figures import catalogue
from hardpair.files import paths
from hardpair.staleness import plan
from hardpair.staleness.code_hash import code_hash, planned

AFFECTS_RESULTS = False
# Name of a job: its rule, and the value of each wildcard in the order of their names.
Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        key: its rule and wildcards.
        message: what Snakemake prints of it.
        outputs: files that other jobs or the study need.
        inputs: files that it reads, those of ``each`` left out.
        settings: that it depends on.
        files: of its code, as ``code_hash`` takes them.
        each: the file that it reads of every run (``path``), and of which runs (``variant`` and ``seed``); None if it reads none.
        record: the file that records what the outputs were made of; None if the first of them holds a fingerprint.
        images: ``hashes`` of the job that makes the images. Its record holds them, since images may be deleted.
    """

    key: Key
    message: str
    outputs: list[str]
    inputs: list[str]
    settings: dict
    files: list[str]
    each: dict | None = None
    record: str | None = None
    images: dict | None = None

    @property
    def rule(self) -> str:
        """Name of its rule."""
        return self.key[0]

    @property
    def names(self) -> dict[str, str]:
        """Its wildcards."""
        return dict(self.key[1])

    @property
    def hashes(self) -> dict[str, str]:
        """Of its ``settings`` and its ``code``, as in its record."""
        return {"settings": self.made["settings"], "code": code_hash(*self.files)}

    @cached_property
    def made(self) -> dict:
        """What its record is written from (``staleness.record``)."""
        settings = hashlib.sha256(canonical(self.settings).encode()).hexdigest()[:16]
        outputs = [file for file in self.outputs if not file.endswith((".npy", ".npz"))]  # other outputs hold the digests of those
        made = {"settings": settings, "code": planned(*self.files), "files": self.files, "inputs": self.inputs, "outputs": outputs}
        return made | {key: value for key, value in (("each", self.each), ("images", self.images)) if value}


def key(rule: str, **names: object) -> Key:
    """The name of a job."""
    return rule, tuple(sorted((name, str(value)) for name, value in names.items()))


class Jobs:
    """Makes the jobs of a study."""

    def __init__(self, config: dict, pictures: str) -> None:
        """``pictures`` is the fingerprint of the images (``plan.pictures``)."""
        self.config, self.pictures = config, pictures
        self.study = str(paths.RESULTS / config["study"])
        self.data = str(paths.IMAGES / config["data"]["name"])
        self.about, self.split = f"{self.data}/dataset.json", f"{self.study}/{paths.SPLIT}"
        self.pairs = [file for file in [plan.chosen_pairs(config)] if file]
        self.variants = [variant["name"] for variant in config["variants"]]

    def __iter__(self) -> Iterator[Job]:
        """All jobs, each after those that it depends on."""
        config = self.config
        yield self.job("prepare_data")
        yield self.job("split_data")
        for owner in plan.searches(config):
            names = {"variant": owner} if owner else {}
            for number in range(config["search"]["rounds"] if config["search"]["enabled"] else 0):
                yield self.job("propose_trials", round=number, **names)
                for trial in range(number * config["search"]["batch"], (number + 1) * config["search"]["batch"]):
                    yield self.job("run_trial", round=number, trial=trial, **names)
            yield self.job("select_recipe", **names)
        runs = [{"variant": variant, "seed": seed} for variant in self.variants for seed in config["seeds"]]
        yield from (self.job("train", **run) for run in runs)
        if self.pairs:
            yield self.job("choose_pairs")
        yield from (self.job("evaluate", **run) for run in runs)
        yield self.job("compare")
        yield from (self.job("plot_figure", figure=name) for name in plan.figures(config) if name != catalogue.FINAL)
        yield self.job("assemble_figure")
        yield self.job("write_report")

    def files(self) -> set[str]:
        """All files that make jobs count as done: outputs and records."""
        return {file for job in self for file in (*job.outputs, job.record) if file}

    def job(self, rule: str, **names: object) -> Job:
        """One job, by its rule and wildcards."""
        return getattr(self, f"_{rule}")(key(rule, **names), **{name: str(value) for name, value in names.items()})

    @property
    def download_log(self) -> str:
        """The log of the download of the images, which has no record."""
        return f"{self.data}/{paths.LOGS}/download_data.{self.config['data']['kind']}.log"

    def log(self, job: Job) -> str | None:
        """The log of a job that has a record, which lies as its record does."""
        if job.rule == "prepare_data":
            return f"{self.data}/{paths.LOGS}/prepare_data.log"
        place = job.record and job.record.removeprefix(f"{self.study}/{paths.MADE}/").removesuffix(".json")
        return place and f"{self.study}/{paths.LOGS}/{place}.log"

    def _prepare_data(self, key: Key) -> Job:
        kind, name = (self.config["data"][part] for part in ("kind", "name"))
        settings = {"kind": kind, "name": name, "pictures": self.pictures, "settings": plan.prepare_settings(self.config)}
        message, record = f"Prepare the images of {name}", f"{self.data}/{paths.MADE}.json"
        arrays = [f"{self.data}/{part}/{name}.npy" for part in ("train", "test") for name in ("images", "labels")]
        return Job(key, message, [self.about, *arrays], [], settings, plan.prepare_files(self.config), record=record)

    def _split_data(self, key: Key) -> Job:
        settings, files, record = plan.split_settings(self.config), ["split_data.py"], self._record("split_data")
        images = self.job("prepare_data").hashes
        return Job(key, "Split the training images", [self.split], [self.about], settings, files, record=record, images=images)

    def _propose_trials(self, key: Key, round: str, variant: str | None = None) -> Job:
        message, name = f"Propose the recipes of round {round}{_of(variant)}", paths.ROUND.format(round=round)
        settings, record = plan.propose_settings(self.config, variant), self._record("propose_trials", variant, name)
        outputs, inputs = [self._proposals(variant, round)], self._trials(int(round), variant)
        return Job(key, message, outputs, inputs, settings, ["propose_trials.py"], record=record)

    def _run_trial(self, key: Key, round: str, trial: str, variant: str | None = None) -> Job:
        message, file = f"Try recipe {trial}{_of(variant)}", paths.TRIAL_NAME.format(round=round, trial=trial)
        inputs = [self._proposals(variant, round), self.split, self.about]
        settings, files = plan.trial_settings(self.config, variant), plan.trial_files(self.config, variant)
        return Job(key, message, [self._in_search(variant, file)], inputs, settings, files)

    def _select_recipe(self, key: Key, variant: str | None = None) -> Job:
        outputs = [f"{self.study}/{path.format(own=paths.own(variant))}" for path in (paths.RECIPE, paths.TRIALS)]
        inputs = self._trials(self.config["search"]["rounds"], variant) if self.config["search"]["enabled"] else []
        settings, record = plan.select_settings(self.config, variant), self._record("select_recipe", variant)
        return Job(key, f"Choose the recipe{_of(variant)}", outputs, inputs, settings, ["select_recipe.py"], record=record)

    def _train(self, key: Key, variant: str, seed: str) -> Job:
        message, outputs = f"Train {variant} with seed {seed}", [f"{self.study}/{paths.RUN_RECORD.format(variant=variant, seed=seed)}"]
        inputs = [f"{self.study}/{paths.recipe(plan.owner(self.config, variant))}", self.split, self.about]
        return Job(key, message, outputs, inputs, plan.train_settings(self.config, variant), plan.train_files(self.config, variant))

    def _choose_pairs(self, key: Key) -> Job:
        message, settings = "Choose the pairs that the baseline confuses most", plan.choose_settings(self.config)
        each, record = self._each(catalogue.TRAINING, [self.config["baseline"]]), self._record("choose_pairs")
        return Job(key, message, self.pairs, [], settings, ["choose_pairs.py"], each, record)

    def _evaluate(self, key: Key, variant: str, seed: str) -> Job:
        folder, record = paths.RUN.format(variant=variant, seed=seed), self._record("evaluate", None, f"{variant}.seed{seed}")
        outputs = [f"{self.study}/{folder}/{name}" for name in ("metrics.json", "predictions.npz")]
        inputs = [f"{self.study}/{folder}/run.json", self.split, *self.pairs, self.about]
        message, settings = f"Evaluate {variant} with seed {seed}", plan.evaluate_settings(self.config)
        return Job(key, message, outputs, inputs, settings, ["evaluate.py"], record=record)

    def _compare(self, key: Key) -> Job:
        outputs, settings = [f"{self.study}/{name}" for name in paths.COMPARED], plan.compare_settings(self.config)
        trials = self._of_searches(paths.TRIALS) if self.config["search"]["enabled"] else []
        inputs = [*self._of_searches(paths.RECIPE), *trials, self.split, *self.pairs]
        each, record = self._each(catalogue.EVALUATION), self._record("compare")
        return Job(key, "Compare the runs", outputs, inputs, settings, ["compare.py"], each, record)

    def _plot_figure(self, key: Key, figure: str) -> Job:
        return self._figure(key, f"Draw the figure {figure}", figure, self._record("plot_figure", None, figure))

    def _assemble_figure(self, key: Key) -> Job:
        return self._figure(key, "Assemble the final figure", catalogue.FINAL, self._record("assemble_figure"))

    def _figure(self, key: Key, message: str, name: str, record: str) -> Job:
        entry, settings, files = catalogue.FIGURES[name], plan.figure_settings(self.config, name), catalogue.files(name)
        if entry.reads == catalogue.SEARCH:
            return Job(key, message, self._figures(name), self._of_searches(paths.TRIALS), settings, files, record=record)
        if entry.reads == catalogue.COMPARISON:
            inputs = [f"{self.study}/{paths.RUNS_TABLE}", *self.pairs]
            return Job(key, message, self._figures(name), inputs, settings, files, record=record)
        also = {"data": self.about, "split": self.split}
        inputs = [*(self.pairs if "pairs" in entry.keys else []), *(also[name] for name in entry.also)]
        return Job(key, message, self._figures(name), inputs, settings, files, self._each(entry.reads), record)

    def _write_report(self, key: Key) -> Job:
        inputs = [file for name in plan.figures(self.config) for file in self._figures(name)]
        inputs += [*(f"{self.study}/{name}" for name in paths.COMPARED), *self.pairs, self.about]
        if self.config["search"]["enabled"]:
            inputs += self._of_searches(paths.RECIPE) + self._of_searches(paths.TRIALS)
        settings, files = plan.report_settings(self.config), ["write_report.py", *plan.report_parts()]
        each = self._each(catalogue.EVALUATION)  # it reads predictions.npz too, of which metrics.json holds the SHA-256
        return Job(key, "Write the report", [f"{self.study}/{paths.REPORT}"], inputs, settings, files, each, self._record("write_report"))

    def _record(self, rule: str, owner: str | None = None, name: str = "") -> str:
        return f"{self.study}/{paths.MADE}/{rule}{paths.own(owner)}{f'/{name}' if name else ''}.json"

    def _each(self, name: str, variants: list[str] | None = None) -> dict:
        return {"path": f"{self.study}/{paths.RUN}/{name}", "variant": variants or self.variants, "seed": self.config["seeds"]}

    def _proposals(self, owner: str | None, number: str) -> str:
        return f"{self.study}/{paths.PROPOSALS.format(own=paths.own(owner), round=number)}"

    def _in_search(self, owner: str | None, name: str) -> str:
        return f"{self.study}/{paths.SEARCH}{paths.own(owner)}/{name}"

    def _trials(self, rounds: int, owner: str | None) -> list[str]:
        return [self._in_search(owner, name) for name in paths.trials(rounds, self.config["search"]["batch"])]

    def _of_searches(self, path: str) -> list[str]:
        return [f"{self.study}/{path.format(own=paths.own(owner))}" for owner in plan.searches(self.config)]

    def _figures(self, name: str) -> list[str]:
        return [f"{self.study}/{paths.FIGURES}/{name}.{kind}" for kind in ("png", "svg")]


def _of(variant: str | None) -> str:
    return f" of {variant}" if variant else ""
