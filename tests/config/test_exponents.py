import yaml

from hardpair.config.exponents import exponents, plane
from hardpair.config.resolve import resolve
from workspace import PROJECT

BASE = yaml.safe_load((PROJECT / "config/config.yaml").read_text())


def resolved(overlay):
    return resolve(BASE | yaml.safe_load((PROJECT / "config" / overlay).read_text()))["variants"]


def test_the_ablation_is_a_plane_of_nine_and_variants_beside_it():
    variants = resolved("ablation.yaml")
    assert plane(variants) == [[f"l{a}_s{b}", a, b] for b in (0, 1, 2) for a in (0, 1, 2)]
    beside = [variant["name"] for variant in variants if exponents(variant) is None]
    assert beside == ["cap10", "unscaled", "detached", "over_drawn", "unbiased"]


def test_of_two_variants_at_one_place_the_first_is_on_the_plane():
    """Focal weights of exponent 0 are all 1: such a loss trains as cross-entropy does."""
    dynamic = {"kind": "focal", "scale": "dynamic", "scale_over": "training", "scale_max": None, "detach_weight": False}
    losses = {"ce": {"kind": "cross_entropy"}} | {f"dfl{gamma}": dynamic | {"gamma": gamma} for gamma in (0, 1, 2)}
    samplers = {"": {"kind": "uniform"}, "_s": {"kind": "focal", "gamma": 2, "unbias": 0}}
    variants = [{"name": a + b, "loss": loss, "sampler": sampler} for b, sampler in samplers.items() for a, loss in losses.items()]
    assert plane(variants) == [[a + b, x, y] for b, y in (("", 0), ("_s", 2)) for a, x in (("ce", 0), ("dfl1", 1), ("dfl2", 2))]


def test_the_four_corners_of_the_study_need_no_plane():
    variants = resolve(BASE)["variants"]
    assert [exponents(variant) for variant in variants] == [(0, 0), (2, 0), (0, 2), (2, 2)]
    assert plane(variants) == []


def test_losses_of_other_kinds_are_not_on_the_plane():
    assert exponents({"loss": {"kind": "balanced_softmax", "tau": 1}, "sampler": {"kind": "uniform"}}) is None
    assert exponents({"loss": {"kind": "cross_entropy"}, "sampler": {"kind": "class_balanced"}}) is None


def test_a_variant_with_a_recipe_of_its_own_is_not_on_the_plane():
    variant = {"loss": {"kind": "cross_entropy"}, "sampler": {"kind": "uniform"}}
    assert exponents(variant) == (0, 0)
    assert exponents(variant | {"recipe": {"learning_rate": 0.02}}) is None
