"""Where variants lie on the plane of exponents: that of the loss and that of the sampler."""


def exponents(variant: dict) -> tuple[float, float] | None:
    """(loss γ, sampler γ) of a resolved variant; None if it differs from Dynamic Focal Loss and focal sampling in more than exponents."""
    loss, sampler = variant["loss"], variant["sampler"]
    dynamic = {"kind": "focal", "scale": "dynamic", "scale_over": "training", "scale_max": None, "detach_weight": False}
    of_loss = _exponent(loss, {"kind": "cross_entropy"}, dynamic)
    of_sampler = _exponent(sampler, {"kind": "uniform"}, {"kind": "focal", "unbias": 0})
    return None if of_loss is None or of_sampler is None else (of_loss, of_sampler)


def _exponent(settings: dict, without: dict, weighed: dict) -> float | None:
    if settings == without:
        return 0
    return settings["gamma"] if all(settings.get(key) == value for key, value in weighed.items()) else None


def plane(variants: list[dict]) -> list[list]:
    """[name, loss γ, sampler γ] of the variants on the plane, if they are more than its four corners; else none."""
    placed = [[variant["name"], *place] for variant in variants if (place := exponents(variant)) is not None]
    across, down = ({row[axis] for row in placed} for axis in (1, 2))
    return placed if min(len(across), len(down)) > 1 and max(len(across), len(down)) > 2 else []
