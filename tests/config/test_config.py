import copy
import functools
import re
import unicodedata
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from snakemake.utils import update_config

from changed_config import PROJECT, STUDY, changed, sentence
from hardpair.comparison import verdicts
from hardpair.config import consistency, schema
from hardpair.config.resolve import resolve, resolve_part
from hardpair.errors import UserError
from hardpair.files import yaml_text

PICTURES = {"kind": "folder", "name": "p", "source": "pictures"}
OVERLAYS = sorted(
    path
    for folder in ("config", "docs/study", "docs/study/full")
    for path in (PROJECT / folder).glob("*.yaml")
    if path.name != "schema.yaml"
)


@pytest.mark.parametrize("path", OVERLAYS, ids=lambda path: path.name)
def test_every_shipped_config_resolves(path):
    config = copy.deepcopy(STUDY)
    update_config(config, yaml.safe_load(path.read_text()))
    resolved = resolve(config)
    assert resolve(resolved) == resolved
    assert (resolved["study"] == STUDY["study"]) == (path.name == "config.yaml"), "an overlay with the study's name would mix its results"


@pytest.mark.parametrize("path", OVERLAYS, ids=lambda path: path.name)
def test_every_shipped_config_names_in_its_first_line_the_schema_that_editors_check_it_with(path):
    text = path.read_text(encoding="utf-8")
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)[1]
    assert (path.parent / named).resolve() == schema.SCHEMA.resolve()
    Draft202012Validator(yaml_text.load(schema.SCHEMA.read_text(encoding="utf-8"))).validate(yaml_text.load(text))


@pytest.mark.parametrize("mistake", [{"recipe": {"epoch": 5}}, {"data": {"kind": "cifar"}}, {"seeds": 3}, {"variants": [{"label": "x"}]}])
def test_editors_mark_mistakes_of_an_overlay_and_nothing_that_it_leaves_out(mistake):
    written = Draft202012Validator(yaml_text.load(schema.SCHEMA.read_text(encoding="utf-8")))
    assert written.is_valid({"data": {"validation": 100}, "recipe": {"epochs": 5}})
    assert not written.is_valid(mistake)


def test_a_renamed_key_is_found_at_any_depth(monkeypatch):
    old_names = {
        "variants[].title": ["$defs", "variant", "properties", "label"],
        "rate": ["$defs", "recipe", "properties", "learning_rate"],
    }
    with_renames = copy.deepcopy(schema.schema())
    for old, place in old_names.items():
        functools.reduce(dict.__getitem__, place, with_renames)["formerly"] = [old]
    monkeypatch.setattr(schema, "schema", lambda: with_renames)
    assert schema.renamed("variants[].title") == "variants[].label"
    assert schema.renamed("rate") == "recipe.learning_rate"
    assert schema.renamed("title") is None
    assert sentence(changed(("variants.1.title", "x"))).endswith("variants[1].title was renamed: write variants[].label")


def test_a_renamed_key_of_the_recipe_is_found_in_the_recipe_and_in_that_of_a_variant(monkeypatch, tmp_path):
    content = yaml.safe_load(schema.SCHEMA.read_text())
    content["$defs"]["recipe"]["properties"]["lr_factor"]["formerly"] = ["recipe.decay"]
    (tmp_path / "schema.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setattr(schema, "SCHEMA", tmp_path / "schema.yaml")
    monkeypatch.setattr(schema, "_schema", functools.cache(schema._schema.__wrapped__))
    assert sentence(changed(("recipe.decay", 0.1))).endswith("recipe.decay was renamed: write recipe.lr_factor")
    message = sentence(changed(("variants.1.recipe", {"decay": 0.1})))
    assert message.endswith("variants[1].recipe.decay was renamed: write variants[].recipe.lr_factor")


def test_auto_is_short_for_the_most_confused_pair():
    assert resolve(changed(("pairs", "auto")))["pairs"] == {"auto": 1}
    assert resolve(changed(("pairs", {"auto": 3})))["pairs"] == {"auto": 3}


def test_defaults_are_filled_in_at_every_depth():
    smallest = {"study": "s", "data": {"kind": "cifar10", "name": "c"}, "baseline": "ce", "seeds": [0]}
    smallest["variants"] = [{"name": "ce"}, {"name": "dfl", "loss": {"kind": "focal"}, "sampler": {"kind": "focal", "gamma": 1}}]
    resolved = resolve(smallest)
    assert resolved["search"]["space"]["momentum"] == [0.8, 0.97]
    assert resolved["data"]["synthetic"]["size"] == 16
    assert resolved["data"]["source"] is None
    assert resolved["recipe"]["lr_drops"] == [0.5, 0.8]
    plain, dfl = resolved["variants"]
    assert plain == {"name": "ce", "label": "ce", "loss": {"kind": "cross_entropy"}, "sampler": {"kind": "uniform"}}
    assert dfl["loss"] == {
        "kind": "focal",
        "gamma": 2,
        "scale": "none",
        "scale_over": "training",
        "scale_max": None,
        "detach_weight": False,
    }
    assert dfl["sampler"] == {"kind": "focal", "gamma": 1, "unbias": 0, "factor_max": 100}


def test_resolving_changes_neither_the_config_nor_the_defaults():
    before, config = copy.deepcopy(schema.schema()), copy.deepcopy(STUDY)
    resolved = resolve(config)
    resolved["recipe"]["lr_drops"].append(1)
    resolved["search"]["space"]["dropout"][0] = 9
    resolved["data"]["urls"].append("x")
    assert config == STUDY
    assert schema.schema() == before


def test_texts_that_look_like_numbers_stay_texts_where_texts_are_meant():
    resolved = resolve(changed(("study", "2024"), ("data.name", "null"), ("variants.0.label", "1e3")))
    assert (resolved["study"], resolved["data"]["name"], resolved["variants"][0]["label"]) == ("2024", "null", "1e3")


@pytest.mark.parametrize("threshold", [0.07, 0.29, 0.57, 0.58, 1])
def test_thresholds_in_integer_percent_are_accepted_whatever_their_binary_fraction(threshold):
    assert resolve(changed(("difficulty", {"easy": 1.0, "hard": threshold})))["difficulty"]["hard"] == threshold


def test_a_part_is_checked_and_filled_in_on_its_own():
    assert resolve_part("recipe", {"epochs": 3.0}) == resolve_part("recipe", {"epochs": 3})
    assert type(resolve_part("recipe", {"epochs": 3.0})["epochs"]) is int
    with pytest.raises(UserError, match=r"recipe\.epochs is 0: it must be at least 1"):
        resolve_part("recipe", {"epochs": 0})
    with pytest.raises(UserError, match="recipe is null: it must be a map of keys"):
        resolve_part("recipe", None)


def test_classes_of_your_own_pictures_are_not_known_to_the_config():
    pairs = [["a-b", "c"], ["", "<script>"], ["数", "$(x)"]]
    assert resolve(changed(("data", PICTURES), ("pairs", pairs)))["pairs"] == pairs


NFC, NFD = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))


def test_words_are_compared_in_one_normal_form_of_unicode():
    config = changed(("data", PICTURES), ("pairs", [[NFD, "bar"]]), ("variants.0.label", NFD))
    resolved = resolve(config)
    assert resolved["pairs"] == [[NFC, "bar"]], "classes of pictures are called so, however their folders are stored"
    assert resolved["variants"][0]["label"] == NFC
    assert "pairs[1] is" in sentence(changed(("data", PICTURES), ("pairs", [[NFD, "bar"], ["bar", NFC]])))
    assert 'two have the label "café"' in sentence(changed(("variants.0.label", NFD), ("variants.1.label", NFC)))
    assert sentence(changed(("study", NFC))).startswith("config: study is")


@pytest.mark.parametrize(("on_disk", "written"), [(NFC, NFD), (NFD, NFC), (NFD, NFD)])
def test_a_path_is_that_of_the_disk(tmp_path, monkeypatch, on_disk, written):
    monkeypatch.chdir(tmp_path)
    Path(on_disk).mkdir()
    Path(on_disk, "loss.py").write_text("class Loss:\n    def __init__(self, counts): ...\n")
    resolved = resolve(changed(("data", PICTURES | {"source": written}), ("pairs", [["a", "b"]]), ("plugins", [f"{written}/loss.py"])))
    assert resolved["data"]["source"] == on_disk
    assert resolved["plugins"] == [f"{on_disk}/loss.py"]


def test_a_path_in_the_home_folder_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "loss.py").write_text("class Loss:\n    def __init__(self, counts): ...\n")
    resolved = resolve(changed(("data", PICTURES | {"source": "~/pets"}), ("pairs", [["a", "b"]]), ("plugins", ["~/loss.py"])))
    assert resolved["data"]["source"] == str(tmp_path / "pets")
    assert resolved["plugins"] == [str(tmp_path / "loss.py")]
    assert resolve(changed())["data"]["source"] is None


def test_the_fewest_seeds_of_a_verdict_are_those_of_the_comparison():
    assert consistency.FEWEST == verdicts.FEWEST_FOR_VERDICT
