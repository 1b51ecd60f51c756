"""Runs on disk that the present settings accept, and what ``compare`` is told of them."""

import json
import sys

import numpy as np

import compare
import fake_study
from hardpair.comparison import claims, markdown, most_confused, new_images, tables
from hardpair.comparison.runs import Runs
from hardpair.staleness.fingerprint import fingerprint

RECIPE = {"epochs": 4, "learning_rate": 0.01}
JUDGED = fake_study.JUDGED
TRAIN = {"loss": {"kind": "cross_entropy"}, "sampler": {"kind": "uniform"}, "precision": "auto"}


class Study:
    """Every variant of a made-up study with every seed, without training."""

    def __init__(self, folder, seeds=3, validation=True, variants=fake_study.STUDY, **changes):
        self.runs, self.split, self.out = folder / "runs", folder / "split.json", folder / "out"
        self.recipe = dict(RECIPE)
        told = fake_study.settings(variants, seeds, **changes)
        told["variants"] = [{"label": variant["name"]} | variant | {"train": TRAIN, "code": "c0de"} for variant in told["variants"]]
        names = [variant["name"] for variant in told["variants"]]
        self.told = {"contrasts": [[name, names[0]] for name in names[1:]], "allow_mixed": False, "claims": [], **JUDGED} | told
        self.split.write_text('{"data_sha256": "d", "training": [0], "validation": [1]}')
        for place, name in enumerate(names):
            for seed in told["seeds"]:
                run = self.runs / name / f"seed{seed}"
                run.mkdir(parents=True)
                fake_study.write_run(run, name, place, seed, told, 4, validation, 200, fake_study.CLASSES, 8)
                present = fingerprint(TRAIN, RECIPE, seed, self.split, "c0de")
                for file in ("run.json", "metrics.json"):
                    self.change(name, seed, file, fingerprint=present)

    def content(self, name, seed, file="metrics.json"):
        return json.loads((self.runs / name / f"seed{seed}" / file).read_text())

    def change(self, name, seed, file, **keys):
        (self.runs / name / f"seed{seed}" / file).write_text(json.dumps(self.content(name, seed, file) | keys))

    def records(self):
        return tables.read_records(self.runs, self.told, self.recipe, self.split)

    def tables(self):
        runs = tables.runs_table(self.records(), self.told)
        resampled = new_images.of_runs(Runs.declared(self.runs, self.told), self.told, list(runs["model"].unique()))
        return runs, tables.comparison_table(runs, self.told), tables.contrasts_table(runs, self.told, resampled)

    def markdown(self):
        runs, compared, contrasts = self.tables()
        results = {"comparison": compared, "contrasts": contrasts, "claims": claims.claims_table(runs, self.told)}
        results["most_confused"] = most_confused.most_confused_table(self.records(), self.told)
        return markdown.markdown(results, self.told)

    def main(self, monkeypatch):
        arguments = {"runs": self.runs, "recipe": json.dumps(self.recipe), "split": self.split, "settings": json.dumps(self.told)}
        monkeypatch.setattr(
            sys, "argv", ["compare.py", *(f"--{key}={value}" for key, value in arguments.items()), f"--output-dir={self.out}"]
        )
        compare.main()

    def measured(self, name, model, metric):
        """A measure by seed, straight from metrics.json."""
        kind, _, pair = metric.partition(":")
        found = [self.content(name, seed)["models"][model] for seed in self.told["seeds"]]
        if kind == "accuracy" and pair:
            return np.array([each["per_class"][pair] for each in found])
        return np.array([each["pairs"][pair][{"confusion": "rate"}.get(kind, kind)] if pair else each[kind] for each in found])
