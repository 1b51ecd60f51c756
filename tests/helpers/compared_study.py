"""Runs on disk that the present settings accept, and the settings of ``compare``."""

import json
import sys

import numpy as np

import compare
import fake_study
from hardpair.comparison import claims, markdown, most_confused, new_images, recipes, registration, tables
from hardpair.comparison.runs import Runs
from hardpair.comparison.warnings import warnings
from hardpair.staleness.fingerprint import fingerprint

RECIPE = {"epochs": 4, "learning_rate": 0.01}
JUDGED = fake_study.JUDGED
TRAIN = {"loss": {"kind": "cross_entropy"}, "sampler": {"kind": "uniform"}, "precision": "auto"}


class Study:
    """Every variant of a made-up study with every seed, without training."""

    def __init__(self, folder, seeds=3, validation=True, variants=fake_study.STUDY, **changes):
        self.runs, self.split, self.out = folder / "runs", folder / "split.json", folder / "out"
        self.recipe = dict(RECIPE)
        settings = fake_study.settings(variants, seeds, **({"claims": []} | changes))
        settings["variants"] = [{"label": variant["name"]} | variant | {"train": TRAIN, "code": "c0de"} for variant in settings["variants"]]
        names = [variant["name"] for variant in settings["variants"]]
        contrasts = [[name, names[0]] for name in names[1:]]
        self.settings = {"contrasts": contrasts, "allow_mixed": False, "claims": [], **JUDGED} | settings | {"searches": []}
        self.registration = registration.Registration()
        self.split.write_text('{"data_sha256": "d", "training": [0], "validation": [1]}')
        for place, name in enumerate(names):
            for seed in settings["seeds"]:
                run = self.runs / name / f"seed{seed}"
                run.mkdir(parents=True)
                fake_study.write_run(run, name, place, seed, settings, 4, validation, 200, fake_study.CLASSES, 8)
                present = fingerprint(TRAIN, RECIPE, seed, self.split, "c0de")
                for file in ("run.json", "metrics.json"):
                    self.change(name, seed, file, fingerprint=present)

    def content(self, name, seed, file="metrics.json"):
        return json.loads((self.runs / name / f"seed{seed}" / file).read_text())

    def change(self, name, seed, file, **keys):
        (self.runs / name / f"seed{seed}" / file).write_text(json.dumps(self.content(name, seed, file) | keys))

    def change_counts(self, name, seed, change):
        """Give the models of a run other counts of images, and the measures that follow from them."""
        models = self.content(name, seed)["models"]
        changed = {model: fake_study.of_counts(measures, change(np.array(measures["confusion"]))) for model, measures in models.items()}
        self.change(name, seed, "metrics.json", models=changed, images=int(np.sum(changed["last"]["confusion"])))

    def records(self):
        return tables.read_records(self.runs, self.settings, recipes.by_variant([self.recipe], self.settings), self.split)

    def tables(self):
        runs = tables.runs_table(self.records(), self.settings)
        resampled = new_images.of_runs(Runs.declared(self.runs, self.settings), self.settings, list(runs["model"].unique()))
        return runs, tables.comparison_table(runs, self.settings), tables.contrasts_table(runs, self.settings, resampled)

    def declared(self):
        kept = {key: self.settings[key] for key in ("claims", "contrasts", "looks", "seeds", "pairs", "margins")}
        variants = {variant["name"]: {"loss": {"kind": variant["name"]}} for variant in self.settings["variants"]}
        return kept | {"images": self.settings["evaluated_on"], "variants": variants}

    def claims(self, runs):
        return claims.claims_table(runs, self.settings).assign(declared=registration.said(self.registration, self.declared()))

    def markdown(self):
        runs, compared, contrasts = self.tables()
        results = {"runs": runs, "comparison": compared, "contrasts": contrasts, "claims": self.claims(runs)}
        results["most_confused"] = most_confused.most_confused_table(self.records(), self.settings)
        return markdown.markdown(
            results, self.settings, (), list(warnings(runs, self.settings, None, tables.images_by_class(self.records())))
        )

    def main(self, monkeypatch):
        arguments = {
            "runs": self.runs,
            "recipe": json.dumps(self.recipe),
            "split": self.split,
            "settings": json.dumps(self.settings | {"declared": self.declared()}),
        }
        monkeypatch.setattr(
            sys, "argv", ["compare.py", *(f"--{key}={value}" for key, value in arguments.items()), f"--output-dir={self.out}"]
        )
        compare.main()

    def measured(self, name, model, metric):
        """A measure by seed, straight from metrics.json."""
        kind, _, pair = metric.partition(":")
        models = [self.content(name, seed)["models"][model] for seed in self.settings["seeds"]]
        if kind == "accuracy" and pair:
            return np.array([values["per_class"][pair] for values in models])
        return np.array([values["pairs"][pair][{"confusion": "rate"}.get(kind, kind)] if pair else values[kind] for values in models])
