"""Keys that came later leave what was made before them as it was."""

import hashlib
import json
from dataclasses import MISSING, fields

import pytest

from changed_config import STUDY, changed
from hardpair.config.resolve import canonical, merged_recipe, resolve
from hardpair.config.schema import schema
from hardpair.staleness import plan
from hardpair.staleness.fingerprint import fingerprint
from hardpair.training.recipe import Recipe, RunSettings

FIRST = "epochs batch_size learning_rate momentum weight_decay lr_drops lr_factor dropout refresh_every".split()
LATER = {"optimizer": "sgd", "nesterov": False, "schedule": "steps", "warmup_epochs": 0, "clip_gradient": None}
LATER |= {"crop": True, "flip": True}


def test_a_resolved_config_has_none_that_have_their_default_written_or_not():
    plain = resolve(STUDY)
    assert list(plain["recipe"]) == FIRST
    assert plain["search"]["space"].keys() == {"learning_rate", "weight_decay", "momentum", "dropout"}
    assert canonical(resolve(changed(("recipe", STUDY["recipe"] | LATER)))) == canonical(plain)


def test_defaults_are_declared_alike_where_runs_read_them():
    known = schema()["$defs"]["recipe"]["properties"]
    implied = {key: part["default"] for key, part in known.items() if part.get("implied")}
    assert implied == {field.name: field.default for field in fields(Recipe) if field.default is not MISSING} == LATER
    assert Recipe.checked({}).keys().keys() == Recipe.checked(LATER).keys().keys() == set(FIRST)


def test_the_fingerprint_of_a_run_is_the_hash_that_it_was_before(tmp_path):
    """The text that was hashed, written out."""
    (tmp_path / "split.json").write_text("{}")
    settings = RunSettings.checked({}, Recipe.checked({}))
    split = hashlib.sha256(b"{}").hexdigest()
    text = (
        '{"code":"c","recipe":{"batch_size":128,"dropout":0.5,"epochs":50,"learning_rate":0.01,"lr_drops":[0.5,0.8],"lr_factor":0.1,'
        '"momentum":0.9,"refresh_every":5,"weight_decay":0.0005},"seed":3,"settings":{"deterministic":false,"loss":{"kind":"cross_entropy"},'
        f'"precision":"auto","sampler":{{"kind":"uniform"}}}},"split":"{split}"}}'
    )
    expected = hashlib.sha256(text.encode()).hexdigest()[:16]
    recipe = settings.recipe.keys()
    assert fingerprint(settings.keys(), recipe, 3, tmp_path / "split.json", "c") == expected
    assert fingerprint(settings.keys() | {"recipe": LATER}, recipe, 3, tmp_path / "split.json", "c") == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [("optimizer", "adamw"), ("schedule", "cosine"), ("warmup_epochs", 2), ("clip_gradient", 1), ("crop", False), ("flip", False)],
)
def test_a_variant_may_differ_from_the_recipe_in_either_direction(tmp_path, key, value):
    (tmp_path / "split.json").write_text("{}")
    config = resolve(changed((f"recipe.{key}", value), ("variants.1.recipe", {key: LATER[key]}), ("search.enabled", False)))
    own = plan.train_settings(config, "dfl")
    assert own["recipe"] == {key: LATER[key]}
    assert merged_recipe(config["recipe"], own["recipe"]) == resolve(STUDY)["recipe"]
    settings = RunSettings.checked(own, Recipe.checked(config["recipe"]))
    assert settings.recipe == Recipe.checked(STUDY["recipe"])
    ran = fingerprint(settings.keys(), settings.recipe.keys(), 0, tmp_path / "split.json", "c")
    assert ran == fingerprint(own, config["recipe"], 0, tmp_path / "split.json", "c")


def test_what_is_searched_beside_the_usual_keys_is_in_proposals_and_in_the_table():
    config = resolve(changed(("search.space", {"warmup_epochs": [0, 3], "clip_gradient": [0.5, 5]}), ("recipe.clip_gradient", 2)))
    proposed, chosen = plan.propose_settings(config), plan.select_settings(config)
    assert proposed["recipe"] | {"epochs": 50} == config["recipe"] | {"warmup_epochs": 0}
    assert chosen["searched"] == ["warmup_epochs", "clip_gradient"]
    assert json.loads(canonical(plan.select_settings(resolve(STUDY)))).keys() == {"recipe", "enabled", "rounds", "batch"}
