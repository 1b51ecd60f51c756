"""config/schema.yaml as the program reads it: every key, with the kinds that plugins add and the recipe of a single variant."""

import functools
import json

from hardpair import plugins
from hardpair.files.paths import SHIPPED

AFFECTS_RESULTS = False
CNN = {"kind": "cnn"}  # the network that settings do not name: there was no other when runs were made first
TRAINED = (*plugins.PARTS, "recipe")  # keys of a variant that its training depends on
SCHEMA = SHIPPED / "config" / "schema.yaml"


def schema() -> dict:
    """The schema as a dict, with the kinds of losses, samplers and networks that plugins add."""
    return _schema(*(json.dumps(plugins.options(package)) for package in ("losses", "samplers", "networks")))


@functools.cache
def _schema(losses: str, samplers: str, networks: str) -> dict:
    from hardpair.files import yaml_text

    complete = yaml_text.load(SCHEMA.read_text(encoding="utf-8"))
    for part in (complete, complete["properties"]["data"]):
        part["required"] = part.pop("complete")  # of an overlay, which editors check alone, nothing is required
    for name, added in (("loss", losses), ("sampler", samplers), ("network", networks)):
        for kind, options in json.loads(added).items():
            part = {"properties": {"kind": {"const": kind}} | options, "additionalProperties": False}
            required = [option for option, about in options.items() if "default" not in about]
            complete["$defs"][name]["oneOf"].append(part | {"required": required})
    recipe = complete["$defs"]["recipe"]["properties"]
    own = {key: {name: value for name, value in part.items() if name != "default"} for key, part in recipe.items() if key != "epochs"}
    for part in own.values():
        if "formerly" in part:
            part["formerly"] = [f"variants[].{old}" for old in part["formerly"]]
    of_variant = complete["$defs"]["variant"]["properties"]
    about = of_variant["recipe"]["description"]
    of_variant["recipe"] = {"type": "object", "additionalProperties": False, "description": about, "properties": own}
    return complete


def definition(part: dict, value: object) -> dict:
    """``part`` with its reference followed and, where kinds are alternatives, the one that ``value`` names."""
    if "$ref" in part:
        part = schema()["$defs"][part["$ref"].rpartition("/")[2]]
    for option in part.get("oneOf", []):
        if isinstance(value, dict) and option["properties"]["kind"]["const"] == value.get("kind"):
            return option
    return part


def recipe_default(key: str) -> object:
    """The default of a key of the recipe."""
    return schema()["$defs"]["recipe"]["properties"][key]["default"]


def renamed(old: str, part: dict | None = None, path: str = "") -> str | None:
    """The present dotted name of a key that was called ``old`` once, by the schema's ``formerly``; None if there was no such key."""
    part = definition(schema() if part is None else part, None)
    for name, below in part.get("properties", {}).items():
        here = f"{path}.{name}".lstrip(".")
        if old in below.get("formerly", []):
            return here
        if name_now := renamed(old, below, here) or renamed(old, below.get("items", {}), f"{here}[]"):
            return name_now
    return None
