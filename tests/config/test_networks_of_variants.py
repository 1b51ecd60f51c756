"""Which network each variant has, and what depends on it."""

import pytest

from changed_config import STUDY, changed, sentence
from hardpair.comparison import registration
from hardpair.config.exponents import plane
from hardpair.config.resolve import canonical, resolve
from hardpair.config.schema import CNN, schema
from hardpair.staleness import plan
from hardpair.study import estimate
from hardpair.training.recipe import Recipe, RunSettings

RESNET, CONVNEXT = {"kind": "resnet18"}, {"kind": "torchvision", "name": "convnext_tiny"}


def networks_of(config):
    return [variant.get("network") for variant in config["variants"]]


def test_the_network_of_the_study_is_left_out_of_what_it_always_was_in():
    plain, named = resolve(STUDY), resolve(changed(("network", CNN), ("variants.1.network", CNN)))
    assert canonical(named) == canonical(plain)
    assert "network" not in plain
    assert schema()["properties"]["network"]["default"] == CNN
    assert plan.train_settings(plain, "dfl").keys() == {"loss", "sampler", "precision", "deterministic"}
    assert registration.declared(plain)["variants"]["ce"].keys() == {"loss", "sampler"}
    assert set(RunSettings.checked({}, Recipe.checked({})).keys()) == {"loss", "sampler", "precision", "deterministic"}


def test_a_variant_may_have_its_own():
    config = resolve(changed(("network", RESNET), ("variants.1.network", CONVNEXT), ("variants.2.network", CNN)))
    assert networks_of(config) == [RESNET, CONVNEXT, None, RESNET]
    assert "network" not in config
    assert canonical(resolve(config)) == canonical(config), "as the report shows it"
    assert estimate.networks(config) == [RESNET, CONVNEXT, CNN, RESNET]
    settings = plan.train_settings(config, "dfl")
    assert RunSettings.checked(settings, Recipe.checked({})).keys() == settings
    assert registration.declared(config)["variants"]["ce"]["network"] == RESNET


def test_the_code_of_a_variant_holds_its_network_alone():
    plain, other = resolve(STUDY), resolve(changed(("variants.1.network", RESNET)))
    codes = [[plan.train_code(config, name) for name in ("ce", "dfl")] for config in (plain, other)]
    assert codes[0][0] == codes[1][0]
    assert codes[0][1] != codes[1][1]


def test_the_dropout_of_the_study_is_searched_only_where_its_network_is():
    assert "dropout" in plan.space(resolve(changed(("variants.1.network", RESNET))), None)
    assert "dropout" not in plan.space(resolve(changed(("network", RESNET))), None)
    each = resolve(changed(("variants.1.network", RESNET), ("search.scope", "each")))
    assert ["dropout" in plan.space(each, name) for name in ("ce", "dfl")] == [True, False]


def test_points_of_several_networks_are_on_no_plane():
    dfl = {"kind": "focal", "scale": "dynamic"}
    exponents = [(loss, sampler) for loss in (1, 2, 3) for sampler in (1, 2)]
    grid = [
        {"name": f"v{loss}{sampler}", "loss": dfl | {"gamma": loss}, "sampler": {"kind": "focal", "gamma": sampler}}
        for loss, sampler in exponents
    ]
    changes = [("variants", [{"name": "ce"}, *grid]), ("contrasts", []), ("claims", [])]
    assert len(plane(resolve(changed(*changes))["variants"])) == 7
    assert len(plane(resolve(changed(*changes, ("network", RESNET)))["variants"])) == 7
    assert plane(resolve(changed(*changes, ("variants.2.network", RESNET)))["variants"]) == []


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            {"kind": "resnet"},
            'network.kind is "resnet": did you mean resnet18, or {kind: torchvision, name: resnet} if torchvision has it?',
        ),
        ({"kind": "mine"}, 'network.kind is "mine": choose from cnn, resnet18, torchvision, or list your own file in plugins'),
        (
            {"kind": "resnet50"},
            'network.kind is "resnet50": did you mean resnet18, or {kind: torchvision, name: resnet50} if torchvision has it?',
        ),
        ({"kind": "torchvision"}, "network.name is missing: add it"),
        ({"kind": "resnet18", "name": "x"}, "network.name is not a key of kind resnet18: known keys are kind"),
        ("resnet18", 'network is "resnet18": it must be a map of keys such as {kind: resnet18}'),
    ],
)
def test_a_wrong_network_is_refused_in_one_sentence(network, message):
    assert sentence(changed(("network", network))) == f"config: {message}"
