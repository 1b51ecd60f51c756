import json
import math
import os
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import propose_trials
import select_recipe
from hardpair.errors import UserError
from hardpair.search.finished_trials import COLUMNS
from hardpair.search.optimum import best_trial
from hardpair.search.proposals import propose

SPACE = {"learning_rate": [0.002, 0.05], "weight_decay": [0.00005, 0.005], "momentum": [0.8, 0.97], "dropout": [0.2, 0.7]}
RECIPE = {
    "epochs": 50,
    "batch_size": 128,
    "learning_rate": 0.01234567,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "lr_drops": [0.5, 0.8],
    "lr_factor": 0.1,
    "dropout": 0.5,
    "refresh_every": 5,
}


def by_learning_rate(recipe):
    """A share whose optimum, 1, lies at a learning rate of 0.005."""
    return math.exp(-(math.log(recipe["learning_rate"] / 0.005) ** 2))


def results(recipes, first=0, batch=4, objective=by_learning_rate):
    return [
        {"trial": first + place, "round": (first + place) // batch, "recipe": recipe, "value": objective(recipe), "diverged": False}
        | {"error": None, "runs": [], "seconds": 1.5}
        for place, recipe in enumerate(recipes)
    ]


def searched(study, rounds=3, batch=4, objective=by_learning_rate, space=SPACE):
    """All trials of a search whose results come from ``objective``."""
    finished = []
    for round_ in range(rounds):
        recipes = propose(finished, round_, batch, space, RECIPE, study)
        finished += results(recipes, len(finished), batch, objective)
    return finished


def call(monkeypatch, script, *arguments):
    """Run a script's main as if from the command line."""
    monkeypatch.setattr(sys, "argv", [f"{script.__name__}.py", *map(str, arguments)])
    script.main()


def write(folder, trials, batch=4):
    """Results where the workflow leaves them."""
    for trial in trials:
        path = folder / f"round{trial['trial'] // batch}" / f"trial{trial['trial']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(trial))


def key_of(recipe):
    return tuple(recipe[key] for key in SPACE)


# --- proposals


def test_the_first_proposal_is_the_recipe_itself_digit_for_digit():
    first, second, *_ = propose([], 0, 4, SPACE, RECIPE, "a study")
    assert first == RECIPE
    assert second != RECIPE


@settings(max_examples=8, deadline=None)
@given(st.text(max_size=8), st.integers(1, 5))
def test_proposals_are_distinct_and_within_the_space_in_every_round(study, batch):
    trials = searched(study, rounds=3, batch=batch)
    assert len({key_of(trial["recipe"]) for trial in trials}) == len(trials) == 3 * batch
    for trial in trials:
        assert all(low <= trial["recipe"][key] <= high for key, (low, high) in SPACE.items())
        assert {key: value for key, value in trial["recipe"].items() if key not in SPACE} == {
            key: value for key, value in RECIPE.items() if key not in SPACE
        }


def test_proposals_are_the_same_every_time_and_others_for_another_study_or_round():
    assert searched("one") == searched("one")
    one, other = searched("one", rounds=1), searched("other", rounds=1)
    assert one[0] == other[0]
    assert {key_of(trial["recipe"]) for trial in one[1:]}.isdisjoint(key_of(trial["recipe"]) for trial in other[1:])
    unseen = [{key_of(recipe) for recipe in propose([], round_, 4, SPACE, RECIPE, "one")} for round_ in (1, 2)]
    assert unseen[0].isdisjoint(unseen[1])


def test_proposals_do_not_depend_on_the_order_in_which_trials_ended(monkeypatch, tmp_path):
    trials, written = searched("order", rounds=2), []
    settings = json.dumps({"study": "order", "batch": 4, "space": SPACE, "recipe": RECIPE})
    for name, order in (("forth", trials), ("back", trials[::-1]), ("mixed", trials[3:] + trials[:3])):
        write(tmp_path / name, order)
        for age, trial in enumerate(order):
            os.utime(tmp_path / name / f"round{trial['round']}" / f"trial{trial['trial']}.json", (1e9 + age, 1e9 + age))
        for leftover in ("round0/trial99.json", "round2/trial8.json", "round5.json"):
            (tmp_path / name / leftover).parent.mkdir(exist_ok=True)
            (tmp_path / name / leftover).write_text("of another search")
        call(
            monkeypatch,
            propose_trials,
            "--round",
            2,
            "--search-dir",
            tmp_path / name,
            "--settings",
            settings,
            "--output",
            tmp_path / "out.json",
        )
        written.append((tmp_path / "out.json").read_bytes())
    assert written[0] == written[1] == written[2]
    content = json.loads(written[0])
    assert content["round"] == 2
    assert [trial["trial"] for trial in content["trials"]] == [8, 9, 10, 11]
    assert [trial["recipe"] for trial in content["trials"]] == [trial["recipe"] for trial in searched("order", rounds=3)[8:]]


def test_later_rounds_depend_on_the_value_of_every_earlier_trial():
    trials = searched("use", rounds=2)
    expected = [key_of(recipe) for recipe in propose(trials, 2, 4, SPACE, RECIPE, "use")]
    worst = min(range(len(trials)), key=lambda index: trials[index]["value"])
    changed = [dict(trial, value=1.0 if index == worst else trial["value"]) for index, trial in enumerate(trials)]
    assert [key_of(recipe) for recipe in propose(changed, 2, 4, SPACE, RECIPE, "use")] != expected


def test_later_rounds_are_better_than_the_first_which_draws_at_random():
    drawn = np.log([[trial["value"] for trial in searched(f"study {n}", batch=8)] for n in range(10)])
    first, second, third = drawn.reshape(10, 3, 8).mean((0, 2))
    low, high = (math.log(bound / 0.005) for bound in SPACE["learning_rate"])
    at_random = -(high**3 - low**3) / 3 / (high - low)  # mean of -u² over even u
    assert first == pytest.approx(at_random, abs=0.4)
    assert second > 0.75 * at_random
    assert third > 0.5 * at_random


def test_later_rounds_go_where_the_best_trials_were():
    left, right = (
        [trial["recipe"]["dropout"] for trial in searched("dropout", batch=8, objective=objective)[16:]]
        for objective in (lambda recipe: -recipe["dropout"], lambda recipe: recipe["dropout"])
    )
    assert max(left) < min(right)


def test_a_space_without_another_recipe_ends_the_search_in_a_sentence():
    tiny = {key: [RECIPE[key], RECIPE[key] * (1 + 1e-9)] for key in SPACE}
    with pytest.raises(UserError, match=r"search\.space is too narrow for 20 recipes .*search\.rounds or search\.batch"):
        propose([], 0, 20, tiny, RECIPE, "tiny")


def test_a_space_that_just_suffices_is_used_up():
    narrow = {"dropout": [0.5, 0.50003]}  # four values of five digits
    proposals = propose([], 0, 4, narrow, RECIPE, "narrow")
    assert sorted(recipe["dropout"] for recipe in proposals) == [0.5, 0.50001, 0.50002, 0.50003]
    with pytest.raises(UserError, match=r"search\.space is too narrow for 5 recipes"):
        propose(results(proposals), 1, 1, narrow, RECIPE, "narrow")


def test_repeated_draws_do_not_make_a_good_trial_look_bad(monkeypatch):
    """What nobody will run stays out of the sampler's sight, which takes running trials for bad ones."""
    import optuna

    running = []
    original = optuna.study.Study.ask

    def counting_ask(self, *arguments):
        running.append(sum(trial.state == optuna.trial.TrialState.RUNNING for trial in self.trials))
        return original(self, *arguments)

    monkeypatch.setattr(optuna.study.Study, "ask", counting_ask)
    propose([], 0, 4, {"dropout": [0.5, 0.50003]}, RECIPE, "narrow")
    assert len(running) > 3, "no draw was repeated, so that the test shows nothing"
    assert max(running) == 2


@pytest.mark.parametrize(("key", "value"), [("learning_rate", 0.06), ("dropout", 0.1)])
def test_a_recipe_outside_the_space_is_refused(key, value):
    with pytest.raises(UserError, match=rf"search\.space\.{key} is .* but the recipe has {value}"):
        propose([], 0, 4, SPACE, RECIPE | {key: value}, "a study")
    with pytest.raises(UserError, match=rf"search\.space\.{key} is .* but trial 1 has {value}"):
        propose(results([RECIPE, RECIPE | {key: value}]), 1, 4, SPACE, RECIPE, "a study")


def test_a_missing_or_broken_result_is_named(monkeypatch, tmp_path):
    settings = json.dumps({"study": "s", "batch": 2, "space": SPACE, "recipe": RECIPE})
    arguments = ("--round", 1, "--search-dir", tmp_path, "--settings", settings, "--output", tmp_path / "new" / "out.json")
    write(tmp_path, results([RECIPE]), batch=2)
    with pytest.raises(UserError, match=r"round0/trial1\.json is missing"):
        call(monkeypatch, propose_trials, *arguments)
    (tmp_path / "round0" / "trial1.json").write_text('{"trial": 1,')
    with pytest.raises(UserError, match=r"round0/trial1\.json is not valid JSON"):
        call(monkeypatch, propose_trials, *arguments)
    assert not (tmp_path / "new").exists()


# --- the choice


def trial(number, value, diverged=False):
    recipe = RECIPE | {"momentum": 0.8 + number / 100}
    return {"trial": number, "round": number // 4, "recipe": recipe, "value": value, "diverged": diverged, "seconds": 2.0}


def test_the_best_trial_is_the_earliest_of_equals():
    trials = [trial(0, 0.5), trial(1, 0.7), trial(2, 0.6), trial(3, 0.7)]
    assert best_trial(trials)["trial"] == 1
    assert best_trial(trials[::-1])["trial"] == 1


def test_a_diverged_trial_is_never_chosen():
    assert best_trial([trial(0, 0.1, diverged=True), trial(1, 0.08)])["trial"] == 1
    with pytest.raises(UserError, match=r"every trial of the search diverged.*search\.space\.learning_rate"):
        best_trial([trial(0, 0.1, diverged=True), trial(1, 0.1, diverged=True)])


def test_select_recipe_writes_the_best_recipe_and_every_trial(monkeypatch, tmp_path):
    trials = [trial(0, 0.5), trial(1, 0.1, diverged=True), trial(2, 0.6251) | {"round": 1}, trial(3, 0.4) | {"round": 1}]
    write(tmp_path, trials, batch=2)
    settings = tmp_path / "settings.yaml"
    settings.write_text(yaml.safe_dump({"enabled": True, "recipe": RECIPE, "rounds": 2, "batch": 2}))
    outputs = ("--output-recipe", tmp_path / "recipe.yaml", "--output-trials", tmp_path / "trials.csv")
    call(monkeypatch, select_recipe, "--search-dir", tmp_path, "--settings", settings, *outputs)
    text = (tmp_path / "recipe.yaml").read_text()
    assert yaml.safe_load(text) == trials[2]["recipe"]
    assert text.startswith("# Of trial 2, the best of 4: mean validation accuracy 0.6251.\n")
    table = pd.read_csv(tmp_path / "trials.csv")
    expected = pd.DataFrame(
        [{"trial": t["trial"], "round": t["round"], "value": t["value"], "diverged": int(t["diverged"])} for t in trials]
    )
    expected = expected.join(pd.DataFrame([t["recipe"] for t in trials])[list(SPACE)]).assign(seconds=2.0)
    pd.testing.assert_frame_equal(table, expected)
    assert tuple(table.columns) == COLUMNS


def test_keys_beside_the_usual_ones_are_searched_drawn_in_their_range_and_written(monkeypatch, tmp_path):
    space = SPACE | {"warmup_epochs": [0, 2], "clip_gradient": [0.1, 10]}
    recipe = RECIPE | {"warmup_epochs": 0, "clip_gradient": 1.0}
    recipe.pop("epochs")
    proposals = propose([], 0, 4, space, recipe, "s")
    assert proposals[0] == recipe
    assert all(0 <= other["warmup_epochs"] <= 2 and 0.1 <= other["clip_gradient"] <= 10 for other in proposals)
    assert len({other["clip_gradient"] for other in proposals}) == 4
    trials = [trial(number, number / 10) | {"recipe": other} for number, other in enumerate(proposals)]
    write(tmp_path, trials, batch=4)
    settings = json.dumps({"enabled": True, "recipe": RECIPE, "rounds": 1, "batch": 4, "searched": ["warmup_epochs", "clip_gradient"]})
    outputs = ("--output-recipe", tmp_path / "recipe.yaml", "--output-trials", tmp_path / "trials.csv")
    call(monkeypatch, select_recipe, "--search-dir", tmp_path, "--settings", settings, *outputs)
    table = pd.read_csv(tmp_path / "trials.csv")
    assert list(table.columns) == [*COLUMNS[:-1], "warmup_epochs", "clip_gradient", "seconds"]
    assert table["clip_gradient"].tolist() == [other["clip_gradient"] for other in proposals]
    written = yaml.safe_load((tmp_path / "recipe.yaml").read_text())
    assert written == proposals[3] | {"epochs": 50}
    assert list(written)[:2] == ["warmup_epochs", "clip_gradient"], "before those whose lack shows that the file is cut short"


@pytest.mark.parametrize(("given", "settings"), [(True, {}), (True, {"rounds": 1}), (False, {"rounds": 1, "batch": 1})])
def test_a_choice_without_what_names_its_trials_is_refused(monkeypatch, tmp_path, given, settings):
    options = ("--search-dir", tmp_path) * given + ("--settings", json.dumps({"enabled": True, "recipe": RECIPE} | settings))
    outputs = ("--output-recipe", tmp_path / "recipe.yaml", "--output-trials", tmp_path / "trials.csv")
    with pytest.raises(UserError, match="a search needs --search-dir and the settings rounds and batch"):
        call(monkeypatch, select_recipe, *options, *outputs)
    assert not list(tmp_path.iterdir())


def test_without_a_search_the_recipe_is_the_configs(monkeypatch, tmp_path):
    settings = json.dumps({"enabled": False, "recipe": RECIPE})
    call(
        monkeypatch,
        select_recipe,
        "--settings",
        settings,
        "--output-recipe",
        tmp_path / "recipe.yaml",
        "--output-trials",
        tmp_path / "trials.csv",
    )
    assert yaml.safe_load((tmp_path / "recipe.yaml").read_text()) == RECIPE
    assert (tmp_path / "trials.csv").read_text() == ",".join(COLUMNS) + "\n"


def test_where_all_diverged_no_recipe_is_written(monkeypatch, tmp_path):
    write(tmp_path, [trial(0, 0.1, diverged=True)], batch=1)
    settings = json.dumps({"enabled": True, "recipe": RECIPE, "rounds": 1, "batch": 1})
    outputs = ("--output-recipe", tmp_path / "recipe.yaml", "--output-trials", tmp_path / "trials.csv")
    with pytest.raises(UserError, match="every trial"):
        call(monkeypatch, select_recipe, "--search-dir", tmp_path, "--settings", settings, *outputs)
    assert [path.name for path in tmp_path.iterdir()] == ["round0"]
