"""Searches that a config may not have, each refused in one sentence."""

import pytest

from changed_config import changed, sentence
from hardpair.config.resolve import resolve

NOTHING = dict.fromkeys(("learning_rate", "weight_decay", "momentum", "dropout"))
RATE_ALONE = NOTHING | {"learning_rate": [0.002, 0.05]}
WRONG = {
    "another scope": ([("search.scope", "other")], 'search.scope is "other"', "choose one of shared, each"),
    "too many rounds": ([("search.rounds", 1e9)], "search.rounds is 1000000000", "at most 10000"),
    "too many trials": (
        [("search.rounds", 1000), ("search.batch", 11)],
        "search.rounds × search.batch is 11,000 trials, and a search has at most 10,000",
        "lower one of them",
    ),
    "nothing to search": ([("search.space", NOTHING)], "search.space has no key with a range", "give one a range, or set search.enabled"),
    "nothing to search for a variant": (
        [("search.scope", "each"), ("search.space", RATE_ALONE), ("variants.1.recipe", {"learning_rate": 0.02})],
        "variants[1].recipe sets every key of search.space (learning_rate)",
        "remove a key there, or set search.scope to shared",
    ),
    "a searched variant that does not train with what is proposed": (
        [("variants.0.recipe", {"learning_rate": 0.02, "momentum": 0.5})],
        "variants[0].recipe sets learning_rate, but the shared search trains this variant (search.variants) to choose it for all",
        "set search.space.learning_rate to null, or search with other variants",
    ),
    "a warm-up as long as a trial": ([("recipe.warmup_epochs", 15)], "search.epochs is 15", "a warm-up may last 15 epochs"),
    "a searched warm-up as long as a trial": ([("search.space.warmup_epochs", [0, 20])], "search.epochs is 15", "may last 20 epochs"),
    "a searched warm-up as long as a run": (
        [("search.space.warmup_epochs", [0, 10]), ("recipe.epochs", 5)],
        "recipe.epochs is 5, but a warm-up may last 10 epochs",
        "raise recipe.epochs, or shorten the warm-up",
    ),
    "a drop before the first epoch of a trial": (
        [("recipe.lr_drops", [0.1]), ("search.epochs", 4)],
        "search.epochs is 4, too few for recipe.lr_drops",
        "use longer trials, or let it drop later",
    ),
    "drops that a variant does not have": (
        [("search.scope", "each"), ("search.space.lr_factor", [0.05, 0.5]), ("variants.1.recipe", {"schedule": "cosine"})],
        "search.space.lr_factor has a range, but variants[1].recipe.schedule is cosine, which has no drops",
        "set search.space.lr_factor to null, or lr_factor in that recipe",
    ),
    "no drops at all": (
        [("recipe.lr_drops", []), ("search.space.lr_factor", [0.05, 0.5])],
        "search.space.lr_factor has a range, but recipe.lr_drops is empty",
        "set search.space.lr_factor to null",
    ),
    "no drops of a variant": (
        [("search.scope", "each"), ("search.space.lr_factor", [0.05, 0.5]), ("variants.1.recipe", {"lr_drops": []})],
        "search.space.lr_factor has a range, but variants[1].recipe.lr_drops is empty",
        "set search.space.lr_factor to null, or lr_factor in that recipe",
    ),
    "no drops of the recipe, beside drops of a variant that it does not read": (
        [
            ("search.scope", "each"),
            ("search.space.lr_factor", [0.05, 0.5]),
            ("recipe.schedule", "cosine"),
            ("variants.0.recipe", {"lr_drops": [0.4]}),
        ],
        "search.space.lr_factor has a range, but recipe.schedule is cosine, which has no drops",
        "set search.space.lr_factor to null",
    ),
    "no drops of the variants that a shared search trains": (
        [("search.variants", ["ce"]), ("search.space.lr_factor", [0.05, 0.5]), ("variants.0.recipe", {"schedule": "cosine"})],
        "search.space.lr_factor has a range, but variants[0].recipe.schedule is cosine, which has no drops",
        "set search.space.lr_factor to null",
    ),
    "a drop of a variant before the first epoch of a trial": (
        [("search.scope", "each"), ("search.epochs", 4), ("variants.1.recipe", {"lr_drops": [0.1]})],
        "search.epochs is 4, too few for variants[1].recipe.lr_drops",
        "use longer trials, or let it drop later",
    ),
    "a drop before the first epoch of a run": (
        [("recipe.lr_drops", [0.1, 0.5]), ("recipe.epochs", 4)],
        "recipe.lr_drops has 0.1, too early for 4 epochs",
        "let it drop later, or train longer",
    ),
    "dropout alone, for a network that has none": (
        [("search.space", NOTHING | {"dropout": [0.2, 0.7]}), ("network", {"kind": "resnet18"})],
        "search.space has a range for dropout alone, which only the network cnn has",
        "give another key a range",
    ),
    "a space around null": (
        [("search.space.clip_gradient", [0.1, 10])],
        "search.space.clip_gradient is [0.1, 10], but recipe.clip_gradient is null",
        "set a value within the range",
    ),
    "a space of drops that are not there": (
        [("search.space.lr_factor", [0.05, 0.5]), ("recipe.schedule", "cosine")],
        "search.space.lr_factor has a range, but recipe.schedule is cosine",
        "set search.space.lr_factor to null",
    ),
    "a factor that raises the rate": ([("search.space.lr_factor", [0.05, 2])], "search.space.lr_factor[1] is 2", "at most 1"),
    "a number for a range": (
        [("search.space.momentum", 0.9)],
        "search.space.momentum is 0.9",
        "it must be a list such as [0.1, 0.2] or null",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_search_is_refused_in_one_sentence(case):
    changes, beginning, todo = WRONG[case]
    text = sentence(changed(*changes))
    assert text.startswith(f"config: {beginning}")
    assert todo in text
    assert ("or lr_factor" in text) == ("or lr_factor" in todo)
    assert "\n" not in text


@pytest.mark.parametrize("changes", [[("recipe.schedule", "cosine"), ("search.space.lr_factor", None)], [("recipe.lr_drops", [])]])
def test_drops_that_are_not_used_may_be_early(changes):
    early = [("recipe.lr_drops", [0.01]), ("recipe.epochs", 4)]
    assert resolve(changed(*early, *changes))["recipe"]["epochs"] == 4


def test_variants_of_a_shared_search_do_not_matter_where_each_has_its_own():
    assert resolve(changed(("search.scope", "each"), ("search.variants", ["gone"])))["search"]["scope"] == "each"


def test_a_variant_may_set_what_a_shared_search_searches():
    own = {"learning_rate": 0.02}
    assert resolve(changed(("search.space", RATE_ALONE), ("variants.1.recipe", own)))["variants"][1]["recipe"] == own


@pytest.mark.parametrize("scope", ["shared", "each"])
def test_the_first_trial_lies_within_the_space(scope):
    changes = [("search.scope", scope), ("recipe.learning_rate", 0.2)]
    assert "recipe.learning_rate is 0.2, outside search.space.learning_rate" in sentence(changed(*changes))
