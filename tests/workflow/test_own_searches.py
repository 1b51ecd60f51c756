"""A study in which each variant has its own search: the fair study of config/fair.yaml, on a few images of 8×8 pixels."""

import json
import re

import pandas as pd
import pytest
import yaml

from workspace import Workspace

SMALL = """
study: small
data: {kind: synthetic, name: synthetic, training: 100, validation: 60, synthetic: {train: 200, test: 100, size: 8}}
variants:
  - {name: ce, label: Plain}
  - {name: dfl, loss: {kind: focal, gamma: 2, scale: dynamic}, recipe: {momentum: 0.8}}
seeds: [0]
contrasts: [[dfl, ce]]
claims: []
recipe: {epochs: 1}
search: {rounds: 2, batch: 1, epochs: 1, seeds: [1000]}
"""
STUDY, NAMES = "results/small", ("ce", "dfl")
SEARCH = ("Propose the recipes of round 0", "Propose the recipes of round 1", "Try recipe 0", "Try recipe 1", "Choose the recipe")
SUMMARY = {"Compare the runs", "Draw the figure search"}
TARGETS = ["comparison.md", "figures/search.png"]


class Study(Workspace):
    """A workspace of that study, of which tables and the figure of the search alone are made."""

    overlays = ("config/fair.yaml", "small.yaml")

    def snakemake(self, *options, check=True):
        targets = options if "--" in options else (*options, "--", *(f"{STUDY}/{name}" for name in TARGETS))
        return self.run("snakemake", "--cores", "2", "--configfile", *self.overlays, *targets, check=check)

    def due(self, *changes):
        return {job for job in super().due(*changes) if job in SUMMARY or not job.startswith(("Draw", "Assemble", "Write"))}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The study, finished."""
    study = fresh(tmp_path_factory.mktemp("own"))
    study.snakemake()
    return study


def fresh(folder):
    study = Study(Workspace.fresh(folder).folder)
    (study.folder / "small.yaml").write_text(SMALL)
    return study


@pytest.fixture
def study(made, tmp_path):
    """A copy of it to change."""
    return Study(made.copy(tmp_path).folder)


def steps(*names):
    """Jobs of the search and the run of these variants, and what follows."""
    jobs = {f"{step} of {name}" for name in names for step in SEARCH}
    return jobs | {f"{step} {name} with seed 0" for name in names for step in ("Train", "Evaluate")} | SUMMARY


def test_every_variant_is_trained_with_the_recipe_of_its_own_best_trial(made):
    results = made.folder / STUDY
    for name in NAMES:
        trials = [json.loads(path.read_text()) for path in sorted((results / "search" / name).glob("round*/trial*.json"))]
        assert [trial["runs"][0]["variant"] for trial in trials] == [name, name]
        best = max(trials, key=lambda trial: (trial["value"], -trial["trial"]))
        recipe = yaml.safe_load((results / "search" / name / "recipe.yaml").read_text())
        assert recipe == best["recipe"] | {"epochs": 1}
        assert json.loads((results / "runs" / name / "seed0/run.json").read_text())["recipe"] == recipe
        assert recipe["momentum"] == {"ce": 0.9, "dfl": 0.8}[name]
        assert len(pd.read_csv(results / "search" / name / "trials.csv")) == 2
    assert sorted(path.name for path in (results / "search").iterdir()) == ["ce", "dfl"]


def test_the_comparison_names_the_recipe_of_each_variant(made):
    text = (made.folder / STUDY / "comparison.md").read_text().partition("## Recipes of the search")[2]
    for name, label in zip(NAMES, ("Plain", "dfl"), strict=True):
        recipe = yaml.safe_load((made.folder / STUDY / "search" / name / "recipe.yaml").read_text())
        assert re.search(rf"^\| {label} \| {recipe['learning_rate']:.4g} \(.* to .*\) \|.* \| [01] \| 2 \|$", text, re.M)


def test_a_finished_study_has_nothing_to_do_and_a_changed_variant_searches_alone(study):
    assert study.stale() == set()
    study.edit("small.yaml", "gamma: 2", "gamma: 3")
    assert study.stale() == steps("dfl") - {"Propose the recipes of round 0 of dfl"}
    study.edit("small.yaml", "gamma: 3", "gamma: 2")
    study.edit("workflow/scripts/hardpair/losses/cross_entropy.py", 'reduction="none"', 'reduction="none", label_smoothing=0.0')
    assert study.stale() == steps("ce") - {"Propose the recipes of round 0 of ce"}


def test_another_variant_runs_its_own_search_alone(study):
    study.edit("small.yaml", "seeds: [0]\n", "  - {name: more, sampler: {kind: focal}}\nseeds: [0]\n")
    assert study.stale() == steps("more")


def test_a_removed_variant_leaves_its_search_behind(study):
    status = ("python", "workflow/scripts/study.py", "status", "--configfile", "config/fair.yaml", "small.yaml")
    text = study.run(*status).stdout
    assert "4/4  trials" in text
    assert "left over" not in text
    study.edit("small.yaml", "  - {name: dfl, loss: {kind: focal, gamma: 2, scale: dynamic}, recipe: {momentum: 0.8}}\n", "")
    study.edit("small.yaml", "contrasts: [[dfl, ce]]", "contrasts: []")
    assert study.stale() == SUMMARY
    assert "left over from removed seeds or variants: dfl search, dfl seed 0" in study.run(*status).stdout
    before = {path.relative_to(study.folder / STUDY).as_posix() for path in (study.folder / STUDY).rglob("*") if path.is_file()}
    study.run("python", "workflow/scripts/study.py", "clean", "--study", "small", "--leftovers", "--yes", *status[3:])
    after = {path.relative_to(study.folder / STUDY).as_posix() for path in (study.folder / STUDY).rglob("*") if path.is_file()}
    assert before - after == {name for name in before if re.search(r"\bdfl\b", name)}


def test_the_drawing_of_the_steps_has_a_search_for_each_variant(tmp_path):
    study = fresh(tmp_path)
    study.run("make", "--silent", "--old-file=setup", "dag", "CONFIG=config/fair.yaml small.yaml")
    text = (study.folder / "results/dag.mmd").read_text()
    names = dict(re.findall(r'(s\d+)\["(.+)"\]', text))
    edges = {(names[a], names[b]) for a, b in re.findall(r"(s\d+) --> (s\d+)", text)}
    for name in NAMES:
        assert {(f"run_trial {name}", f"select_recipe {name}"), (f"select_recipe {name}", f"train {name}")} <= edges
    assert not {(f"select_recipe {a}", f"train {b}") for a in NAMES for b in NAMES if a != b} & edges
