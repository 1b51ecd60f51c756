"""After a finished study, exactly the stale jobs run again: sets of a dry run's jobs against the expected ones, both ways."""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest
import yaml

from faults import FULL
from moved_modules import move
from workspace import Workspace

VARIANTS, SEEDS = ("ce", "dfl", "ce_sampler"), (0, 1)
DATA = {"Prepare the images of synthetic", "Split the training images"}
TRIALS = {f"Try recipe {trial}" for trial in range(4)}
# The first round proposes without having seen anything, so that only its own settings make it stale.
SEARCH = {"Propose the recipes of round 1"} | TRIALS | {"Choose the recipe"}
FIRST_ROUND = {"Propose the recipes of round 0"}
OF_SEARCH = {"Draw the figure search"}
TABLES = {"Compare the runs"}
FINAL = {"Assemble the final figure"}
FIGURES = FINAL | {
    f"Draw the figure {name}"
    for name in ("training", "variants", "curves", "classes", "confusion", "reliability", "weights", "difficulty", "hardest")
}
REPORT = {"Write the report"}
SUMMARY = TABLES | FIGURES | REPORT


def runs(variants=VARIANTS, seeds=SEEDS, steps=("Train", "Evaluate")) -> set[str]:
    return {f"{step} {variant} with seed {seed}" for step in steps for variant in variants for seed in seeds}


RECORD = """
import sys
sys.path.insert(0, "workflow/scripts")
from hardpair.staleness import record
from hardpair.staleness.due import Due
from hardpair.study import find
job = Due.of(find.overlay(["tiny.yaml"])).job("prepare_data")
record.write(job.record, job.made)
"""


class Study(Workspace):
    """Whose stale jobs are the same with Snakemake's memory and without, which ``FULL`` tries each time."""

    def stale(self, *options: str) -> set[str]:
        jobs = super().stale(*options)
        if FULL:
            assert self.planned_without_memory(*options) == jobs
        return jobs

    def planned_without_memory(self, *options: str) -> set[str]:
        memory, away = self.folder / ".snakemake", self.folder / "away"
        memory.rename(away)
        jobs = self.planned(*options)
        shutil.rmtree(memory, ignore_errors=True)
        away.rename(memory)
        return jobs


@pytest.fixture
def study(finished, tmp_path):
    """A copy of it to change."""
    return Study(finished.copy(tmp_path).folder)


def test_a_second_run_has_nothing_to_do(finished):
    done = finished.snakemake()
    assert "Nothing to be done" in done.stdout + done.stderr


def test_touching_and_rewording_code_reruns_nothing(study):
    for path in (study.folder / "workflow").rglob("*"):
        os.utime(path)
    study.edit("workflow/scripts/hardpair/training/loop.py", '"""Epochs: ', '"""All epochs: ')
    study.edit("workflow/scripts/hardpair/samplers/focal.py", "import torch\n", "# A remark.\nimport torch\n\n\n")
    study.edit("workflow/scripts/train.py", "def main() -> None:\n", "def main() -> None:\n    # Another remark.\n")
    assert study.stale() == set()


def test_moving_a_module_reruns_nothing(study):
    places = {"hardpair.training.augment": "hardpair.data.augment", "hardpair.jobs.stopping": "hardpair.training.stopping"}
    move(study.folder / "workflow/scripts", places)
    assert study.stale() == set()


def test_order_of_keys_and_spelling_of_numbers_rerun_nothing(study):
    study.edit("tiny.yaml", "{kind: focal, gamma: 2, scale: dynamic}", "{scale: dynamic, gamma: 2.0, kind: focal}")
    study.edit("tiny.yaml", "{epochs: 2, refresh_every: 1}", "{refresh_every: 1, epochs: 2, momentum: 0.90}")
    assert study.stale() == set()


@pytest.mark.parametrize("memory", [True, False], ids=["with .snakemake", "without .snakemake"])
def test_a_fresh_clone_with_copied_results_reruns_nothing(finished, tmp_path, memory):
    source, clone = tmp_path / "source", tmp_path / "clone"
    Workspace.fresh(source, finished.folder)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(source)]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, *arguments], check=True)
    time.sleep(0.01)  # files of the clone are younger than the results
    subprocess.run(["git", "clone", "-q", str(source), str(clone)], check=True)
    for folder in ("results", "resources") + ((".snakemake",) if memory else ()):
        shutil.copytree(finished.folder / folder, clone / folder, copy_function=shutil.copy2 if memory else shutil.copyfile)
    assert Workspace(clone).stale() == set()


def test_editing_a_figure_reruns_figures_and_report(study):
    study.edit("workflow/scripts/hardpair/figures/curves.py", "ZOOM_FROM = 10", "ZOOM_FROM = 12")
    assert study.stale() == {"Draw the figure curves", "Draw the figure training"} | REPORT


def test_editing_a_sampler_reruns_the_runs_that_use_it(study):
    study.edit("workflow/scripts/hardpair/samplers/focal.py", "replacement=True", "replacement=bool(1)")
    assert study.stale() == study.planned_without_memory() == runs(["ce_sampler"]) | SUMMARY


def test_editing_a_loss_of_the_search_reruns_the_search_too(study):
    study.edit("workflow/scripts/hardpair/losses/cross_entropy.py", 'reduction="none"', 'reduction="none", label_smoothing=0.0')
    # Whether other variants are stale depends on the recipe that the search then finds, which a dry run cannot know: they count as stale.
    assert study.stale() == SEARCH | OF_SEARCH | runs() | SUMMARY


def test_adding_a_loss_reruns_nothing(study):
    losses = study.folder / "workflow/scripts/hardpair/losses"
    shutil.copy(losses / "focal.py", losses / "mine.py")
    assert study.stale() == set()


@pytest.mark.parametrize(("file", "old"), [("scripts/hardpair/report/page.html.jinja", "<title>"), ("report/curves.rst", "Lines are")])
def test_editing_the_report_or_a_caption_reruns_the_report(study, file, old):
    study.edit(f"workflow/{file}", old, f"{old} now")
    assert study.stale() == REPORT


def test_adding_a_seed_runs_that_seed(study):
    assert study.stale("--config", "seeds=[0,1,2]") == runs(seeds=[2]) | SUMMARY


def test_removing_a_seed_reruns_the_comparison(study):
    assert study.stale("--config", "seeds=[1]") == SUMMARY


def test_removing_a_variant_reruns_the_comparison(study):
    study.edit("tiny.yaml", "  - {name: ce_sampler, sampler: {kind: focal, gamma: 2}}\n", "")
    assert study.stale() == SUMMARY


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seeds: [0, 1]", "seeds: [0, 1]\nlooks: [6]"),
        ("seeds: [0, 1]", "seeds: [0, 1]\ncompare: {margins: {accuracy: 1}}"),
        ("{better: dfl, than: ce}", "{better: ce, than: dfl}"),
        ("contrasts: [[dfl, ce]]", "contrasts: [[dfl, ce], [ce_sampler, ce]]"),
    ],
    ids=["looks", "margins", "claims", "contrasts"],
)
def test_changing_what_is_claimed_reruns_the_comparison_the_final_figure_and_the_report(study, old, new):
    study.edit("tiny.yaml", old, new)
    assert study.stale() == TABLES | FINAL | REPORT


def test_changing_gamma_reruns_that_variant(study):
    study.edit("tiny.yaml", "{kind: focal, gamma: 2, scale: dynamic}", "{kind: focal, gamma: 3, scale: dynamic}")
    assert study.stale() == runs(["dfl"]) | SUMMARY


def test_changing_a_variant_of_the_search_searches_again(study):
    study.edit("tiny.yaml", "  - {name: ce}\n", "  - {name: ce, loss: {kind: focal, gamma: 1}}\n")
    assert study.stale() == SEARCH | OF_SEARCH | runs() | SUMMARY


def test_changing_the_recipe_searches_again(finished):
    every = FIRST_ROUND | SEARCH | OF_SEARCH | runs() | SUMMARY
    assert finished.stale("--config", "recipe={epochs: 2, refresh_every: 1, batch_size: 100}") == every


@pytest.mark.parametrize("change", ["train={precision: bf16}", "search={rounds: 2, batch: 2, epochs: 1, seeds: [90, 91]}"])
def test_what_trials_are_trained_with_searches_again_from_the_first_proposals(finished, change):
    assert finished.stale("--config", change) == SEARCH | OF_SEARCH | runs() | SUMMARY


def test_another_baseline_retrains_nothing(finished):
    shown = {f"Draw the figure {name}" for name in ("training", "variants", "reliability")}
    assert finished.stale("--config", "baseline=dfl") == TABLES | shown | FINAL | REPORT


def test_settings_on_which_no_result_depends_change_the_report_alone(finished):
    assert finished.stale("--config", "train={checkpoint_seconds: 9}") == REPORT


def test_holding_out_other_images_reruns_everything_but_their_preparation(finished):
    data = "data={kind: synthetic, name: synthetic, validation: 90, synthetic: {train: 300, test: 100, size: 8}}"
    assert finished.stale("--config", data) == {"Split the training images"} | SEARCH | OF_SEARCH | runs() | SUMMARY


def test_changing_epochs_reruns_no_trial(study):
    study.edit("tiny.yaml", "{epochs: 2,", "{epochs: 1,")
    assert study.stale() == {"Choose the recipe"} | OF_SEARCH | runs() | SUMMARY


def test_a_recipe_of_its_own_reruns_that_variant_and_is_what_it_is_trained_with(study):
    study.edit("tiny.yaml", "{name: dfl, ", "{name: dfl, recipe: {learning_rate: 0.02}, ")
    assert study.stale() == runs(["dfl"]) | SUMMARY
    study.snakemake("--", "results/tiny/comparison.md")
    record = json.loads((study.folder / "results/tiny/runs/dfl/seed0/run.json").read_text())
    shared = yaml.safe_load((study.folder / "results/tiny/search/recipe.yaml").read_text())
    assert record["recipe"] == shared | {"learning_rate": 0.02} != shared
    assert "\ndfl has its own recipe: learning_rate 0.02.\n" in (study.folder / "results/tiny/comparison.md").read_text()
    assert study.stale() == SUMMARY - TABLES, "of the report, since only the comparison was asked for"
    status = study.run("python", "workflow/scripts/study.py", "status", "--configfile", "tiny.yaml").stdout
    assert "6/6  runs" in status
    assert "stale" not in status


def test_relabelling_a_variant_reruns_what_shows_it(study):
    study.edit("tiny.yaml", "{name: ce}", "{name: ce, label: Plain}")
    assert study.stale() == SUMMARY


def test_other_pairs_retrain_nothing(study):
    study.edit("tiny.yaml", "seeds:", "pairs: [[ship, truck]]\nseeds:")
    every = SUMMARY - {"Draw the figure difficulty"}
    assert study.stale() == runs(steps=["Evaluate"]) | every


def test_pairs_that_choose_themselves_retrain_nothing(study):
    study.edit("tiny.yaml", "seeds:", "pairs: auto\nseeds:")
    every = SUMMARY - {"Draw the figure difficulty"}
    assert study.stale() == {"Choose the pairs that the baseline confuses most"} | runs(steps=["Evaluate"]) | every


def test_other_thresholds_of_difficulty_redraw_them(study):
    study.edit("tiny.yaml", "seeds:", "difficulty: {easy: 0.9}\nseeds:")
    assert study.stale() == {"Draw the figure difficulty", "Draw the figure training"} | REPORT


def test_references_of_the_data_and_the_first_pair_redraw_what_shows_them(study):
    study.edit("tiny.yaml", "seeds:", "references: [{data: cifar10, pair: [cat, dog], confusion: 0.04, label: a, source: b}]\nseeds:")
    assert study.stale() == {"Write the report"}, "other data: just the config that the report shows"
    study.edit("tiny.yaml", "data: cifar10", "data: synthetic")
    shown = {f"Draw the figure {name}" for name in ("training", "variants", "curves")}
    assert study.stale() == TABLES | shown | FINAL | REPORT


def test_other_images_rerun_everything(study):
    study.edit("tiny.yaml", "size: 8", "size: 8, separation: 3")
    assert study.stale() == DATA | SEARCH | OF_SEARCH | runs() | SUMMARY


def test_official_images_from_elsewhere_rerun_nothing(study):
    images, archive = "resources/cifar10/dataset.json", "resources/cifar10/download/cifar10.tar.gz"
    for name in (images, archive, *(f"resources/cifar10/{part}/{kind}.npy" for part in ("train", "test") for kind in ("images", "labels"))):
        (study.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (study.folder / name).touch()
    study.edit("tiny.yaml", "data: {kind: synthetic, name: synthetic,", "data: {kind: cifar10, name: cifar10,")
    study.run(sys.executable, "-c", RECORD)
    study.edit("tiny.yaml", "kind: cifar10,", "kind: cifar10, urls: [https://mirror.example/a.tar.gz],")
    assert study.stale("--", images) == set()
    (study.folder / archive).unlink()  # as ancient as it is, a lost archive is no reason to prepare again
    assert study.stale("--", images) == set()
    study.edit("tiny.yaml", "kind: cifar10,", "kind: cifar10, source: here,")
    study.run(sys.executable, "-c", RECORD)
    study.edit("tiny.yaml", "source: here", "source: there")
    assert study.stale("--", images) == set()


def test_a_long_tail_splits_again_and_no_tail_does_not(study):
    study.edit("tiny.yaml", "validation: 100", "imbalance: 1, validation: 100")
    assert study.stale() == set()
    study.edit("tiny.yaml", "imbalance: 1", "imbalance: 3")
    assert study.stale() == {"Split the training images"} | SEARCH | OF_SEARCH | runs() | SUMMARY


def test_another_space_searches_again(study):
    study.edit("tiny.yaml", "rounds: 2,", "rounds: 2, space: {momentum: [0.5, 0.95]},")
    assert study.stale() == FIRST_ROUND | SEARCH | OF_SEARCH | runs() | SUMMARY


def test_a_study_does_not_replace_the_images_of_another(study):
    before = (study.folder / "resources/synthetic/dataset.json").read_bytes()
    (study.folder / "other.yaml").write_text((study.folder / "tiny.yaml").read_text().replace("study: tiny", "study: other"))
    study.edit("other.yaml", "size: 8", "size: 8, separation: 3")
    refused = study.run("snakemake", "--cores", "1", "--configfile", "other.yaml", "--", "results/other/split.json", check=False)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == (
        "data.name synthetic is also that of the study tiny, whose images differ in data.synthetic and would be replaced: give the images "
        "of this study another data.name"
    )
    planned = study.run("snakemake", "--dry-run", "--configfile", "other.yaml", "--", "results/other/split.json")
    assert planned.stderr.splitlines()[-1] == f"without --dry-run this would be refused: {refused.stderr.splitlines()[-1]}"
    assert (study.folder / "resources/synthetic/dataset.json").read_bytes() == before
    assert study.stale() == set()
    study.edit("other.yaml", "name: synthetic", "name: farther")
    study.run("snakemake", "--cores", "1", "--configfile", "other.yaml", "--", "results/other/split.json")
    assert study.stale() == set()


def test_images_that_were_replaced_are_noticed(study):
    study.edit("tiny.yaml", "size: 8", "size: 8, separation: 3")
    study.snakemake("--", "resources/synthetic/dataset.json")
    study.edit("tiny.yaml", "size: 8, separation: 3", "size: 8")
    assert study.stale() == DATA | SEARCH | OF_SEARCH | runs() | SUMMARY
    study.snakemake("--", "resources/synthetic/dataset.json")
    assert study.stale() == set(), "they are again what all was made of"


def test_files_that_are_gone_are_made_again_and_images_only_where_they_are_read(study):
    report = study.folder / "results/tiny/report.html"
    page = report.read_text()
    report.unlink()
    shutil.rmtree(study.folder / "resources/synthetic/train")
    assert study.stale() == {"Prepare the images of synthetic"} | REPORT
    report.write_text(page)
    shutil.rmtree(study.folder / "resources")
    assert study.stale() == set()
    shutil.rmtree(study.folder / "results/tiny/runs/dfl/seed1")
    assert study.stale() == {"Prepare the images of synthetic"} | runs(["dfl"], [1]) | SUMMARY
    (study.folder / "results/tiny/made/split_data.json").unlink()
    assert study.stale() == DATA | SEARCH | OF_SEARCH | runs() | SUMMARY


def test_files_that_were_edited_are_made_again(study):
    results = study.folder / "results/tiny"
    metrics, figure = results / "runs/dfl/seed1/metrics.json", results / "figures/curves.svg"
    written = {path: path.read_text() for path in (metrics, figure)}
    figure.write_text(f"{written[figure]}<!-- -->\n")
    assert study.stale() == {"Draw the figure curves"} | REPORT
    accuracy = json.loads(written[metrics])["models"]["last"]["accuracy"]
    metrics.write_text(written[metrics].replace(f'"accuracy": {accuracy}', f'"accuracy": {1 - accuracy / 2}'))
    assert metrics.read_text() != written[metrics]
    of_training = {"Draw the figure weights", "Draw the figure difficulty"}
    assert study.stale() == runs(["dfl"], [1], ["Evaluate"]) | SUMMARY - of_training
    study.snakemake("--", "results/tiny/comparison.md", "results/tiny/figures/curves.svg")
    assert {path: path.read_text() for path in (metrics, figure)} == written


def test_records_that_were_edited_are_made_again(study):
    """A trial's score and a run's record hold the digest of their content."""
    results = study.folder / "results/tiny"
    run, trial = results / "runs/dfl/seed1/run.json", results / "search/round1/trial2.json"
    run.write_text(run.read_text().replace('"seconds": ', '"seconds": 1'))
    assert study.stale() == runs(["dfl"], [1]) | SUMMARY
    trial.write_text(re.sub(r'"value": [\d.]+', '"value": 0.99', trial.read_text()))
    assert study.stale() == {"Try recipe 2", "Choose the recipe"} | OF_SEARCH | runs() | SUMMARY
    study.snakemake("--", "results/tiny/search/recipe.yaml")
    assert json.loads(trial.read_text())["value"] < 0.9
