"""What each search of a study depends on: with scope each, of its own variant and nothing of the others."""

import pytest

from changed_config import STUDY, changed
from hardpair.config.resolve import resolve
from hardpair.files import paths
from hardpair.search.proposals import propose
from hardpair.staleness import plan
from hardpair.study import estimate

EACH = ("search.scope", "each")
NAMES = [variant["name"] for variant in STUDY["variants"]]
OWN = {"learning_rate": 0.02}


def settings_of(config, owner):
    """All that decides the result of a search, its images aside."""
    parts = (plan.propose_settings, plan.trial_settings, plan.trial_code, plan.select_settings)
    return [part(config, owner) for part in parts]


def without_epochs(recipe):
    return {key: value for key, value in recipe.items() if key != "epochs"}


def test_a_shared_search_is_what_it_was():
    config = resolve(changed())
    assert plan.searches(config) == [None]
    assert plan.propose_settings(config) == {
        "study": "cifar10",
        "batch": 8,
        "space": {"learning_rate": [0.002, 0.05], "weight_decay": [0.00005, 0.005], "momentum": [0.8, 0.97], "dropout": [0.2, 0.7]},
        "recipe": without_epochs(config["recipe"]),
    }
    assert plan.trial_settings(config)["variants"] == {"ce": plan.train_settings(config, "ce")}
    assert plan.select_settings(config) == {"recipe": config["recipe"], "enabled": True, "rounds": 3, "batch": 8}
    assert paths.recipe(plan.owner(config, "dfl")) == "search/recipe.yaml"


def test_with_scope_each_a_variant_has_a_search_of_its_own():
    config = resolve(changed(EACH))
    assert plan.searches(config) == NAMES
    assert [plan.searched(config, name) for name in NAMES] == [[name] for name in NAMES]
    assert [plan.trial_settings(config, name)["variants"].keys() for name in NAMES] == [{name} for name in NAMES]
    assert plan.trials(config) == [(name, trial) for name in NAMES for trial in range(24)]
    assert {paths.recipe(plan.owner(config, name)) for name in NAMES} == {f"search/{name}/recipe.yaml" for name in NAMES}
    assert len({plan.trial_code(config, name) for name in ("ce", "dfl")}) == 2


def test_all_variants_begin_with_the_same_proposals():
    config = resolve(changed(EACH))
    first = [plan.propose_settings(config, name) for name in NAMES]
    assert all(settings == first[0] for settings in first)
    proposals = propose([], 0, 8, first[0]["space"], first[0]["recipe"], first[0]["study"])
    assert proposals[0] == without_epochs(config["recipe"])


@pytest.mark.parametrize("change", [("variants.1.loss.gamma", 3), ("variants.1.recipe", OWN)])
def test_a_change_of_one_variant_reaches_its_search_alone(change):
    before, after = resolve(changed(EACH)), resolve(changed(EACH, change))
    stale = [name for name in NAMES if settings_of(before, name) != settings_of(after, name)]
    assert stale == [NAMES[1]]


@pytest.mark.parametrize("scope", ["shared", "each"])
def test_epochs_of_runs_reach_the_choice_of_the_recipe_alone(scope):
    before, after = (resolve(changed(("search.scope", scope), ("recipe.epochs", epochs))) for epochs in (50, 40))
    for owner in plan.searches(before):
        *trials, chosen = settings_of(after, owner)
        assert trials == settings_of(before, owner)[:-1]
        assert chosen["recipe"] == before["recipe"] | {"epochs": 40}


def test_another_variant_changes_no_search():
    before, after = resolve(changed(EACH)), resolve(changed(EACH, ("variants", [*STUDY["variants"], {"name": "more"}])))
    assert plan.searches(after) == [*NAMES, "more"]
    assert [settings_of(after, name) for name in NAMES] == [settings_of(before, name) for name in NAMES]


def test_keys_of_a_variants_own_recipe_are_not_searched_and_win():
    config = resolve(changed(EACH, ("variants.1.recipe", OWN)))
    own, other = (plan.propose_settings(config, name) for name in ("dfl", "ce"))
    assert own["space"].keys() == other["space"].keys() - {"learning_rate"}
    assert own["recipe"] == without_epochs(config["recipe"]) | OWN
    assert other["recipe"] == without_epochs(config["recipe"])
    assert plan.select_settings(config, "ce")["recipe"] == config["recipe"]
    assert plan.select_settings(config, "dfl")["recipe"] == config["recipe"] | OWN
    trials = propose([], 0, 4, own["space"], own["recipe"], "s")
    assert {recipe["learning_rate"] for recipe in trials} == {0.02}


@pytest.mark.parametrize("scope", ["shared", "each"])
def test_null_leaves_a_key_out_of_the_search(scope):
    config = resolve(changed(("search.scope", scope), ("search.space", {"momentum": None, "dropout": None})))
    assert [plan.space(config, owner).keys() for owner in plan.searches(config)] == [{"learning_rate", "weight_decay"}] * len(
        plan.searches(config)
    )
    assert all(shown["space"] == plan.space(config, "ce") for shown in plan.searches_shown(config))


def test_without_a_search_all_share_the_recipe_of_the_config():
    config = resolve(changed(EACH, ("search.enabled", False)))
    assert plan.searches(config) == [None]
    assert (plan.trials(config), plan.searches_shown(config)) == ([], [])
    assert plan.select_settings(config) == {"recipe": config["recipe"], "enabled": False}


def test_a_trial_of_a_variants_own_search_trains_one_variant():
    shared = resolve(changed(("search.variants", ["ce", "dfl"])))
    each = resolve(changed(EACH, ("search.variants", ["ce", "dfl"])))
    images = [estimate.workload(config, runs=0, trials=1).trial_images for config in (shared, each)]
    assert images == [2 * 15 * 45_000, 15 * 45_000]
