"""Runs as they are listed, beside the same in runs.csv."""

import json
import re
import shutil
import sys

import pandas as pd
import pytest

import study as study_script
from hardpair.cli import command
from hardpair.errors import UserError
from hardpair.study import listing

COLUMNS = ["accuracy", "accuracy:cat", "confusion:cat-dog", "confusion:cat-deer", "loss.gamma", "images_per_second"]


@pytest.fixture
def call(monkeypatch, capsys):
    """Call the command in a study's folder; its output."""
    monkeypatch.setenv("COLUMNS", "200")

    def called(study, *options):
        monkeypatch.chdir(study.folder)
        monkeypatch.setattr(sys, "argv", ["study.py", "runs", *options])
        command.run(study_script.main)
        return capsys.readouterr().out

    return called


@pytest.fixture
def listed(call):
    """The words of each row, and the other lines."""

    def rows_of(study, *options):
        lines = call(study, *options).splitlines()
        line = next(place for place, text in enumerate(lines) if set(text) == {"─"})
        rows = [re.split(r"\s{2,}", text.strip()) for text in lines[line + 1 :]]
        return [row for row in rows if len(row) > 1], " ".join(lines)

    return rows_of


def test_by_default_they_come_by_variant_and_seed_with_the_measures_of_runs_csv(listed, finished):
    table = pd.read_csv(finished.folder / "results/tiny/runs.csv")
    table = table[table["model"] == "last"].sort_values(["variant", "seed"])
    rows, text = listed(finished)
    expected = [
        [row["variant"], str(row["seed"]), f"{row['accuracy']:.2%}"[:-1], f"{row['confusion:cat-dog']:.2%}"[:-1], str(row["best_epoch"])]
        for _, row in table.iterrows()
    ]
    assert [row[:5] for row in rows] == expected
    assert [row[-1] for row in rows] == [f"{rate:,.0f}" for rate in table["images_per_second"]]
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("column", "falls"), [("accuracy", True), ("images_per_second", True), ("confusion", False), ("seconds", False), ("nll", False)]
)
def test_the_best_come_first(listed, finished, column, falls):
    table = pd.read_csv(finished.folder / "results/tiny/runs.csv")
    name = "confusion:cat-dog" if column == "confusion" else column
    table = table[table["model"] == "best"].sort_values([name, "variant", "seed"], ascending=[not falls, True, True])
    rows, _ = listed(finished, "--study", "tiny", "--model", "best", "--sort", column)
    assert [(row[0], int(row[1])) for row in rows] == list(zip(table["variant"], table["seed"], strict=True))
    back, _ = listed(finished, "--study", "tiny", "--model", "best", "--sort", column, "--reverse")
    table = table.sort_values([name, "variant", "seed"], ascending=[falls, True, True])
    assert [(row[0], int(row[1])) for row in back] == list(zip(table["variant"], table["seed"], strict=True))


def test_settings_are_columns_too(listed, finished):
    rows, _ = listed(finished, "--columns", "loss.kind", "sampler.kind", "recipe.epochs", "threads", "--model", "both")
    assert ["ce", "0", "best", "cross_entropy", "uniform", "2", "1"] in rows
    assert ["dfl", "1", "last", "focal", "uniform", "2", "1"] in rows
    assert len(rows) == 12


def test_a_setting_that_no_run_has_yet_is_blank(listed, finished, tmp_path):
    study = finished.copy_results(tmp_path)
    shutil.rmtree(study.folder / "results/tiny/runs/dfl")
    shutil.rmtree(study.folder / "results/tiny/runs/ce_sampler")
    rows, _ = listed(study, "--columns", "loss.gamma", "recipe.epochs", "sampler.gamma", "--sort", "sampler.gamma")
    assert rows == [["ce", "0", "2"], ["ce", "1", "2"]]


def test_a_study_at_work_shows_what_is_evaluated_and_names_what_is_not(listed, finished, tmp_path):
    study = finished.copy_results(tmp_path)
    (study.folder / "results/tiny/runs.csv").unlink()
    (study.folder / "results/tiny/runs/dfl/seed0/metrics.json").unlink()
    shutil.rmtree(study.folder / "results/tiny/runs/ce/seed1")
    rows, text = listed(study)
    assert [row[:2] for row in rows] == [["ce", "0"], ["ce_sampler", "0"], ["ce_sampler", "1"], ["dfl", "1"]]
    assert text.endswith("trained but not evaluated yet: dfl seed 0")


def test_damaged_and_foreign_files_are_not_shown(listed, finished, tmp_path):
    study = finished.copy_results(tmp_path)
    runs = study.folder / "results/tiny/runs"
    for name, content in {
        "ce/seed0/run.json": "{}",
        "ce/seed1/run.json": "[]",
        "ce_sampler/seed0/run.json": '{"variant":',
        "dfl/seed0/metrics.json": "[]",
        "dfl/seed1/metrics.json": json.dumps({"fingerprint": json.loads((runs / "dfl/seed1/run.json").read_text())["fingerprint"]}),
    }.items():
        (runs / name).write_text(content)
    rows, text = listed(study)
    assert [row[:2] for row in rows] == [["ce_sampler", "1"]]
    not_shown = text[text.index("not shown: ") :].split("not shown: ")[1:]
    assert [re.match(r"results/tiny/runs/(\S+) ", problem)[1] for problem in not_shown] == [
        "ce/seed0/run.json",
        "ce/seed1/run.json",
        "ce_sampler/seed0/run.json",
        "dfl/seed0/metrics.json",
        "dfl/seed1/metrics.json",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sort", "foo:*"], "runs have no column 'foo:*': choose from variant,"),
        (["--columns", "foo:*"], "runs have no column 'foo:*': choose from variant,"),
        (["--sort", "nothing"], "runs have no column 'nothing': choose from variant, label, seed, model, accuracy,"),
        (["--columns", "accuracy", "confusion:no"], "runs have no column 'confusion:no': did you mean confusion?"),
        (["--sort", "acc"], "runs have no column 'acc': did you mean accuracy?"),
        (["--columns", "loss.gama"], "runs have no column 'loss.gama': did you mean loss.gamma?"),
        (["--study", ".."], "'..' is not the name of a study"),
        (["--study", "gone"], "results/gone does not exist: name a study that was started here (tiny)"),
    ],
)
def test_what_cannot_be_listed_ends_in_one_sentence(call, finished, options, message):
    with pytest.raises(SystemExit) as caught:
        call(finished, *options)
    assert message in caught.value.code
    assert "\n" not in caught.value.code


def test_a_study_without_runs_is_refused_with_where_to_look(finished, tmp_path):
    study = finished.copy(tmp_path)
    shutil.rmtree(study.folder / "results/tiny/runs")
    done = study.run("make", "--silent", "--old-file=setup", "runs", "STUDY=tiny", "SORT=accuracy", check=False)
    assert "results/tiny has no evaluated run yet: `make status STUDY=tiny` shows the progress" in done.stderr


def test_a_column_is_selected_by_its_name_its_beginning_or_a_pattern():
    assert listing.matching("accuracy", COLUMNS) == ["accuracy"]
    assert listing.matching("confusion", COLUMNS) == ["confusion:cat-dog"]
    assert listing.matching("confusion:*", COLUMNS) == ["confusion:cat-dog", "confusion:cat-deer"]
    with pytest.raises(UserError, match="no column 'loss'"):
        listing.matching("loss", COLUMNS)
