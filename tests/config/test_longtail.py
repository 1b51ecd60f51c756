"""The overlay of the study on long tails."""

import functools
import re

import pytest
import yaml

from hardpair.config.resolve import resolve
from hardpair.config.written import overlaid
from hardpair.errors import UserError
from hardpair.staleness import plan
from workspace import PROJECT

OVERLAY = (PROJECT / "config/longtail.yaml").read_text()
BASE = yaml.safe_load((PROJECT / "config/config.yaml").read_text())


def resolved(*overlays):
    return resolve(functools.reduce(overlaid, overlays, BASE))


def test_each_variant_is_compared_with_the_baseline_and_the_seeds_can_settle_it():
    config = resolved(yaml.safe_load(OVERLAY))
    others = [variant["name"] for variant in config["variants"] if variant["name"] != config["baseline"]]
    assert config["contrasts"] == [[name, config["baseline"]] for name in others]
    tests = 2 * len(others)
    assert tests * 2 / 2 ** len(config["seeds"]) < 0.05 < tests * 2 / 2 ** (len(config["seeds"]) - 1)
    assert config["recipe"]["epochs"] == 50
    assert not config["search"]["enabled"]


def test_the_second_overlay_in_its_comments_is_a_study_of_its_own():
    second = yaml.safe_load("\n".join(re.findall(r"^#   ([a-z]+: .*)$", OVERLAY, re.M)))
    config = resolved(yaml.safe_load(OVERLAY), second)
    assert config["study"] == "longtail100"
    assert (config["data"]["kind"], config["data"]["imbalance"], config["data"]["validation"]) == ("cifar100", 100, 0)


@pytest.mark.parametrize("imbalance", [1, 100])
def test_what_was_published_of_balanced_images_stands_beside_no_long_tail(imbalance):
    config = resolved({"data": {"imbalance": imbalance}})
    shown = [plan.variant_shown(config, variant) for variant in config["variants"]]
    assert any("published" in variant for variant in config["variants"])
    assert any("published" in variant for variant in shown) == (imbalance == 1)


def test_the_settings_of_a_split_name_a_tail_only_where_there_is_one():
    kept = {"training": None, "validation": 5000, "split": "stratified"}
    for data, tail in (({}, {}), ({"imbalance": 1.0}, {}), ({"imbalance": 50}, {"imbalance": 50})):
        assert plan.split_settings(resolved({"data": data})) == kept | tail


def test_a_tail_with_a_number_of_images_is_refused():
    with pytest.raises(UserError, match=r"data\.imbalance and data\.training both set the number of images to train on: remove one"):
        resolved({"data": {"imbalance": 10, "training": 20000}})
