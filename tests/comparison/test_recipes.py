"""Recipes of searches in the comparison: of each variant, or one for all."""

import json
import sys

import pandas as pd
import pytest

import compare
import fake_study
from hardpair.comparison import recipes
from hardpair.errors import UserError

SPACE = {"learning_rate": [0.001, 0.1]}
SETTINGS = {"variants": [{"name": "ce"}, {"name": "dfl"}]}


def write_trials(path, rows):
    """A trials.csv of (value, learning rate, momentum)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows, columns=["value", "learning_rate", "momentum"])
    table.assign(trial=table.index, round=0, diverged=0).to_csv(path, index=False)
    return path


@pytest.fixture
def searched(tmp_path):
    """Two searches and their trials; the second variant sets its momentum itself."""
    searches = [
        {"own": "/ce", "label": "CE | plain", "space": SPACE | {"momentum": [0.5, 0.99]}, "images": 2500},
        {"own": "/dfl", "label": "DFL", "space": SPACE, "images": 2500},
    ]
    write_trials(tmp_path / "search/ce/trials.csv", [(0.5, 0.01, 0.9), (0.495, 0.02, 0.8), (0.4, 0.001, 0.6)])
    write_trials(tmp_path / "search/dfl/trials.csv", [(0.5, 0.01, 0.9), (0.8, 0.1, 0.9)])
    return searches, recipes.files_of(searches, tmp_path)


def test_one_recipe_is_that_of_all_variants_and_more_are_theirs_in_order():
    shared, other = {"learning_rate": 0.1}, {"learning_rate": 0.2}
    assert recipes.by_variant([shared], SETTINGS) == {"ce": shared, "dfl": shared}
    assert recipes.by_variant([shared, other], SETTINGS) == {"ce": shared, "dfl": other}
    with pytest.raises(UserError, match="--recipe names 3 recipes for 2 variants: name one for all, or one for each"):
        recipes.by_variant([shared] * 3, SETTINGS)


def test_the_table_has_each_search_with_its_best_values_and_ranges(searched):
    table = recipes.recipes_table(recipes.read_optima(*searched))
    assert table["titles"] == ["recipe of", "learning_rate", "momentum", "validation accuracy", "best trial", "trials"]
    # An accuracy of 0.5 on 2,500 images has a standard error of 0.01, one of 0.8 has 0.008.
    assert table["rows"] == [
        ["CE | plain", "0.01 (0.01 to 0.02)", "0.9 (0.8 to 0.9)", "50.00 ± 1.00 %", "0", "3"],
        ["DFL", "0.1 (no other)", "0.9 (set)", "80.00 ± 0.80 %", "1", "2"],
    ]


def test_a_key_that_is_in_no_trial_of_a_variant_which_sets_it_itself_is_said_to_be_set(searched):
    searches, files = searched
    searches[0]["space"]["clip_gradient"] = [0.1, 10]
    pd.read_csv(files[0]).assign(clip_gradient=[1.0, 2.0, 3.0]).to_csv(files[0], index=False)
    table = recipes.recipes_table(recipes.read_optima(searches, files))
    place = table["titles"].index("clip_gradient")
    assert [row[place] for row in table["rows"]] == ["1 (1 to 2)", "set"]


def test_a_file_of_trials_for_each_search_is_needed(searched):
    searches, files = searched
    with pytest.raises(UserError, match="--trials names 1 files, but the settings have 2 searches"):
        recipes.read_optima(searches, files[:1])
    with pytest.raises(UserError, match=r"search/dfl/trials\.csv is missing"):
        recipes.read_optima(searches, [files[0], files[1].parent.parent / "gone" / "search/dfl/trials.csv"])


def test_the_comparison_shows_recipes_and_warns_of_the_edge(compared, searched, tmp_path, monkeypatch):
    searches, files = searched
    settings = compared.settings | {"searches": searches, "declared": compared.declared()}
    names = [variant["name"] for variant in fake_study.STUDY]
    line = ["compare.py", "--runs", compared.runs, "--split", compared.split, "--settings", json.dumps(settings), "--output-dir", tmp_path]
    line += ["--recipe", *[json.dumps(compared.recipe) for _ in names], "--trials", *files]
    monkeypatch.setattr(sys, "argv", list(map(str, line)))
    compare.main()
    section = (tmp_path / "comparison.md").read_text().partition("## Recipes of the search\n")[2]
    assert "\n| CE \\| plain | 0.01 (0.01 to 0.02) | 0.9 (0.8 to 0.9) | 50.00 ± 1.00 % | 0 | 3 |\n" in section
    assert section.count("Each variant has its own recipe") == 1
    assert "\nThe best learning_rate for DFL is 0.1, at the edge of search.space.learning_rate (0.1): widen" in section
    assert section.count("at the edge") == 1


def test_a_run_of_another_variants_recipe_is_refused(compared, monkeypatch, tmp_path):
    other = json.dumps(compared.recipe | {"learning_rate": 0.02})
    inputs = [json.dumps(compared.recipe), other, *[json.dumps(compared.recipe)] * 2]
    settings = compared.settings | {"declared": compared.declared()}
    line = ["compare.py", "--runs", compared.runs, "--split", compared.split, "--settings", json.dumps(settings)]
    monkeypatch.setattr(sys, "argv", [*map(str, line), "--recipe", *inputs, "--output-dir", str(tmp_path)])
    with pytest.raises(UserError, match="dfl/seed0 was made with other settings"):
        compare.main()
