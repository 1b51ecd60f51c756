"""The plane of exponents: variants that differ in nothing but γ of Dynamic Focal Loss and of focal sampling."""

from hardpair.config.resolve import canonical
from hardpair.config.schema import CNN


def plane(variants: list[dict]) -> list[list]:
    """[name, loss γ, sampler γ] of the variants on the plane of exponents, if they are more than its four corners; else none.

    The first where two are at one place: they train alike, such as cross-entropy and Dynamic Focal Loss of γ = 0.
    """
    placed: dict[tuple[float, float], str] = {}
    for variant in variants:
        if (place := exponents(variant)) is not None:
            placed.setdefault(place, variant["name"])
    losses, samplers = (set(values) for values in zip(*placed, strict=True)) if placed else (set(), set())
    if len({canonical(variant.get("network", CNN)) for variant in variants}) > 1:  # there is a plane of each network
        return []
    rows = [[name, *place] for place, name in placed.items()]
    return rows if min(len(losses), len(samplers)) > 1 and max(len(losses), len(samplers)) > 2 else []


def exponents(variant: dict) -> tuple[float, float] | None:
    """(loss γ, sampler γ) of a resolved variant; None if it has a recipe of its own, or differs from Dynamic Focal
    Loss and focal sampling in more than exponents."""
    if variant.get("recipe"):
        return None
    dynamic = {"kind": "focal", "scale": "dynamic", "scale_over": "training", "scale_max": None, "detach_weight": False}
    loss = _exponent(variant["loss"], {"kind": "cross_entropy"}, dynamic)
    sampler = _exponent(variant["sampler"], {"kind": "uniform"}, {"kind": "focal", "unbias": 0})
    return None if loss is None or sampler is None else (loss, sampler)


def _exponent(settings: dict, unweighted: dict, weighted: dict) -> float | None:
    if settings == unweighted:
        return 0
    return settings["gamma"] if weighted.items() <= settings.items() else None
