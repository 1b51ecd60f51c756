"""Settings that a step cannot use are refused in one sentence, before it starts."""

import argparse
import copy
import json
import sys

import numpy as np
import pytest

import estimate_study
import fake_study
import prepare_data
import propose_trials
import record_inputs
import select_recipe
import split_data
import try_plugins
from hardpair.cli import command, inputs
from hardpair.config.schema import schema
from hardpair.data import dataset
from hardpair.errors import UserError
from hardpair.figures import catalogue
from hardpair.figures import search as figures_search
from hardpair.files import formats
from hardpair.files.own_digest import added
from hardpair.search import keys, optimum
from workspace import PROJECT

SEARCH = {"study": "x", "batch": 1, "space": {"learning_rate": [0.001, 0.1]}, "recipe": {"learning_rate": 0.01}}
CLAIM = {"name": "b", "sentence": "b is better.", "contrasts": [{"better": "b", "than": "a", "measures": ["accuracy"]}], "control": False}
DECLARED = {"claims": [CLAIM], "contrasts": [["b", "a"]], "margins": {"accuracy": 0.3, "confusion": 0.5}, "looks": [], "seeds": [0]}
DECLARED |= {"images": "test", "pairs": "auto", "variants": {"a": {}, "b": {}}}
COMPARISON = {key: DECLARED[key] for key in ("claims", "contrasts", "margins", "looks", "seeds")} | {"declared": DECLARED}
COMPARISON |= {"variants": [{"name": "a"}, {"name": "b"}], "baseline": "a"}


def changed(settings, path, value):
    """A copy with another value in the place that ``path`` names."""
    result = copy.deepcopy(settings)
    inner = result
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return result


@pytest.mark.parametrize("settings", [SEARCH, COMPARISON, {"space": {"learning_rate": [1, 2]}}, {"recipe": {}}, {"claims": [CLAIM]}, {}])
def test_settings_that_agree_are_read(settings):
    assert command.settings_with()(json.dumps(settings)) == settings


@pytest.mark.parametrize(
    ("settings", "path", "value", "message"),
    [
        (SEARCH, ("recipe",), {}, "space has learning_rate, but recipe has no number for it"),
        (SEARCH, ("recipe", "learning_rate"), None, "recipe.learning_rate is null"),
        (SEARCH, ("recipe", "learning_rate"), True, "recipe.learning_rate is true"),
        (SEARCH, ("recipe", "optimizer"), "zz", 'recipe.optimizer is "zz": choose one of sgd, adamw'),
        (SEARCH, ("recipe", "foo"), 1, "recipe is "),
        (SEARCH, ("space", "learning_rate"), [0, 0.1], "space.learning_rate is [0, 0.1]"),
        (SEARCH, ("space", "learning_rate"), [0.1, 0.01], "space.learning_rate is [0.1, 0.01]"),
        (SEARCH, ("searched",), ["bar"], 'searched is ["bar"]'),
        (SEARCH, ("searched",), ["dropout", "dropout"], 'searched is ["dropout", "dropout"]'),
        ({"pairs": [["a", "b"]]}, ("pairs",), [], "pairs is []"),
        ({"answer": {}}, ("answer",), {}, "answer.study is missing"),
        ({"variants": [{"name": "a"}]}, ("variants", 0, "name"), "../a", "variants is "),
        ({"variants": {"a": {}}}, ("variants",), {"../a": {}}, "variants is "),
        ({"epochs": 2, "variants": {"a": {}}}, ("variants",), [{"name": "a"}], "epochs is a key of trials, which need variants as a map"),
        ({"seeds": [0], "variants": [{"name": "a"}]}, ("variants",), {"a": {}}, "variants is a map from names to settings, as trials"),
        (COMPARISON, ("claims", 0, "contrasts"), [], "claims[0].contrasts is []"),
        (COMPARISON, ("claims", 0, "contrasts", 0, "measures"), [], "claims[0].contrasts is "),
        (COMPARISON, ("claims", 0, "contrasts", 0, "measures"), ["nll"], "claims[0].contrasts is "),
        (COMPARISON, ("claims", 0, "contrasts", 0, "than"), "b", "claims[0].contrasts is "),
        (COMPARISON, ("claims", 0, "contrasts", 0, "than"), "c", "claims has c, which is not one of the variants"),
        (COMPARISON, ("contrasts",), [["a", "a"]], "contrasts is "),
        (COMPARISON, ("contrasts",), [["a", "b"], ["c", "b"]], "contrasts[1] has c, which is not one of the variants"),
        (COMPARISON, ("baseline",), "c", "baseline has c, which is not one of the variants"),
        (COMPARISON, ("margins", "accuracy"), -1, "margins.accuracy is -1"),
        (COMPARISON, ("declared", "claims"), [], "declared has other claims than claims"),
        (COMPARISON, ("claims",), [CLAIM, CLAIM | {"name": "c"}], "declared has other claims than claims"),
        (COMPARISON, ("declared", "variants"), {"a": {}}, "declared.claims has b, which is not one of declared.variants"),
    ],
)
def test_settings_that_do_not_agree_are_refused(settings, path, value, message):
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        command.settings_with()(json.dumps(changed(settings, path, value)))
    assert message in str(caught.value)
    assert str(caught.value).endswith(": see --help")


ANSWER = fake_study.settings(fake_study.STUDY[:2]) | {"references": []}
ANSWER = {key: ANSWER[key] for key in catalogue.FIGURES[catalogue.FINAL].settings}
CONFIG = {key: ANSWER[key] for key in ("study", "variants", "seeds", "baseline")} | {"data": {"name": "fake"}, "search": {"enabled": False}}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("answer", "claims", 0, "contrasts", 0, "better"), "zz", "answer.claims has zz, which is not one of the variants"),
        (("answer", "baseline"), "zz", "answer.baseline has zz, which is not one of the variants"),
        (("answer", "variants"), [{"name": "ce"}], "answer.claims has dfl, which is not one of the variants"),
        (("answer", "variants"), [*CONFIG["variants"], {"name": "other"}], "answer.variants are not those of config"),
        (("answer", "seeds"), [0], "answer.seeds is not that of config"),
        (("answer", "pairs"), [], "answer.pairs is []"),
    ],
)
def test_the_answer_of_a_report_is_that_of_its_config(tmp_path, path, value, message):
    settings = {"config": CONFIG, "answer": ANSWER}
    assert command.settings_with()(json.dumps(settings)) == settings
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        command.settings_with()(json.dumps(changed(settings, path, value)))
    assert message in str(caught.value)
    (tmp_path / "pairs.json").write_text(json.dumps({"pairs": [["ship", "truck"]]}))
    read = command.settings_with()(json.dumps(changed(settings, ("answer", "pairs"), str(tmp_path / "pairs.json"))))
    assert read["answer"]["pairs"] == [["ship", "truck"]], "where the study chooses its pairs"


def test_the_answer_has_the_keys_of_the_final_figure():
    assert formats.SETTINGS["answer"].keys() == set(catalogue.FIGURES[catalogue.FINAL].settings)


def trial(**changes):
    recipe = {"learning_rate": 0.01, "weight_decay": 0.1, "momentum": 0.9, "dropout": 0.1}
    return added({"trial": 1, "round": 0, "value": 0.5, "diverged": False, "recipe": recipe, "seconds": 1.0} | changes)


@pytest.mark.parametrize(
    ("result", "keys", "message"),
    [
        (trial(trial=0), (), r"is of trial 0 of round 0, not of trial 1 of round 0: delete it and run the trial again$"),
        (trial(round=1), (), r"is of trial 1 of round 1, not of trial 1 of round 0: delete it and run the trial again$"),
        (trial(), ["clip_gradient"], r"recipe\.clip_gradient is missing"),
        (trial(value=7), (), r"value is 7"),
        (trial(recipe=trial()["recipe"] | {"weight_decay": -1}), (), r"trial1\.json: recipe\.weight_decay is -1: .*; delete it and run"),
        (trial(recipe=trial()["recipe"] | {"optimizer": "zz"}), (), r"trial1\.json: recipe\.optimizer is \"zz\""),
        (trial(recipe=trial()["recipe"] | {"nonsense": 1}), (), r"trial1\.json: recipe\.nonsense is not a key"),
    ],
)
def test_trials_are_those_of_their_number_and_search(tmp_path, result, keys, message):
    settings = {"enabled": True, "rounds": 1, "batch": 2, "searched": keys}
    (tmp_path / "round0").mkdir()
    (tmp_path / "round0/trial0.json").write_text(json.dumps(trial(trial=0, recipe=trial()["recipe"] | dict.fromkeys(keys, 1.0))))
    (tmp_path / "round0/trial1.json").write_text(json.dumps(trial(recipe=trial()["recipe"] | dict.fromkeys(keys, 1.0))))
    inputs.check(search_dir=tmp_path, settings=settings)
    (tmp_path / "round0/trial1.json").write_text(json.dumps(result))
    with pytest.raises(UserError, match=message):
        inputs.check(search_dir=tmp_path, settings=settings)


def sentence(monkeypatch, capsys, script, *words):
    """What a script writes where it ends in an error."""
    monkeypatch.setattr(sys, "argv", [f"{script.__name__}.py", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        command.run(script.main)
    return f"{caught.value.code if isinstance(caught.value.code, str) else ''}{capsys.readouterr().err}"


def test_numbers_that_count_nothing_are_refused(monkeypatch, capsys, tmp_path):
    words = ["--search-dir", tmp_path, "--settings", json.dumps(SEARCH), "--output", tmp_path / "round.json"]
    assert "'-1' is not a whole number from 0" in sentence(monkeypatch, capsys, propose_trials, "--round", "-1", *words)
    demo = ["--config", PROJECT / "config/config.yaml", PROJECT / "config/demo.yaml"]
    for words, message in (
        (("--runs", "-3"), "'-3' is not a whole number from 0"),
        (("--trials", "1.5"), "'1.5' is not a whole number from 0"),
        (("--runs", "99"), "--runs is 99, but the study has 8: give at most so many"),
        (("--trials", "999"), "--trials is 999, but the study has "),
    ):
        assert message in sentence(monkeypatch, capsys, estimate_study, *demo, *words)
    assert not list(tmp_path.iterdir())


def test_plugins_are_tried_with_settings_by_name(monkeypatch, capsys):
    for value in ([{"name": "a"}], {}):
        written = json.dumps({"variants": value})
        assert "the settings are invalid, variants is " in sentence(monkeypatch, capsys, try_plugins, "--settings", written)


MADE = {"settings": "0f", "code": "91", "files": ["split_data.py"], "inputs": []}
EACH = {"path": "{variant}/seed{seed}", "variant": ["a"], "seed": [0]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"files": []}, "files is []"),
        ({"files": "split_data.py"}, "files is "),
        ({"inputs": [1]}, "inputs[0] is 1"),
        ({"code": 3}, "code is 3"),
        ({"each": {}}, "each.path is missing"),
        ({"each": EACH | {"path": "{other}"}}, "each.path is "),
        ({"each": EACH | {"path": "run.json"}}, "each.path is "),
        ({"each": EACH | {"path": "{variant}/run.json"}}, "each.path is "),
        ({"each": EACH | {"seed": []}}, "each.seed is []"),
    ],
)
def test_a_record_is_made_of_what_its_job_was_made_of(monkeypatch, capsys, tmp_path, changes, message):
    for made in (MADE | changes, {}):
        expected = message if made else "settings is missing"
        written = sentence(monkeypatch, capsys, record_inputs, "--made", json.dumps(made), "--output", tmp_path / "made.json")
        assert expected in written
        assert written.rstrip().endswith(": see --help")
    assert not list(tmp_path.iterdir())


def test_settings_without_effect_are_refused(monkeypatch, capsys, tmp_path):
    images, labels = np.zeros((40, 3, 8, 8), np.uint8), np.arange(40) % 2
    dataset.save(
        tmp_path / "data", {"kind": "synthetic", "name": "s", "classes": ["a", "b"]}, dict.fromkeys(("train", "test"), (images, labels))
    )
    split = ("--data", tmp_path / "data", "--output", tmp_path / "split.json", "--settings")
    for key, value in (("size", 64), ("urls", ["http://x"]), ("source", "/nope")):
        message = sentence(monkeypatch, capsys, split_data, *split, json.dumps({"validation": 20, key: value}))
        assert message == f"split_data.py: --settings has {key}, on which a split does not depend: remove it"
    words = ("--kind", "synthetic", "--name", "s", "--source", "/nope", "--output-dir", tmp_path / "made")
    message = sentence(monkeypatch, capsys, prepare_data, *words)
    assert message == "prepare_data.py: --source is /nope, but images of the kind synthetic are generated: remove it"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_an_output_that_is_a_folder_is_refused(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    for folder in (".", "/", "..", str(tmp_path)):
        words = ("--output-recipe", folder, "--output-trials", "t.csv", "--settings", '{"enabled": false, "recipe": {}}')
        assert sentence(monkeypatch, capsys, select_recipe, *words).startswith(
            f"select_recipe.py: {folder}: Is a directory: check the path"
        )
    assert not list(tmp_path.iterdir())


def test_every_key_that_can_be_searched_has_bounds_and_a_name_in_figures():
    names = schema()["properties"]["search"]["properties"]["space"]["properties"].keys()
    assert {key.removesuffix("?") for key in formats.SPACE} == figures_search.SEARCHED.keys() == set(keys.SEARCHABLE) == names
    assert {*keys.LOGARITHMIC, *optimum.LIMITS} <= names
