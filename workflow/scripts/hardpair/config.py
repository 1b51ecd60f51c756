"""The study's config: checked against config/schema.yaml, defaults filled in, every problem told in one sentence."""

import difflib
import functools
import json
import math
from collections.abc import Iterator
from pathlib import Path

from hardpair.errors import UserError
from hardpair.sources.classes import CLASSES

SCHEMA = Path(__file__).parents[3] / "config" / "schema.yaml"


@functools.cache
def schema() -> dict:
    """The schema as a dict, read once."""
    import yaml

    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def canonical(value: object) -> str:
    """One JSON text for equal values: sorted keys, no white space, whole floats as integers (2.0 and 2 mean the same setting)."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def resolve(config: dict) -> dict:
    """Check a whole config and fill in its defaults.

    Raises:
        UserError: names the first key that is wrong, what is wrong and what to do.
    """
    config = _plain(config)
    check(config, schema())
    config = fill_defaults(config, schema())
    for variant in config["variants"]:
        variant.setdefault("label", variant["name"])
    for problem in inconsistencies(config):
        raise UserError(f"config: {problem}")
    return config


def resolve_part(name: str, value: dict) -> dict:
    """Check one part of a config (``recipe``, ``variant``, ``train``, …) on its own and fill in its defaults."""
    part = schema()["$defs"].get(name) or schema()["properties"][name]
    check(value, part, name)
    return fill_defaults(value, part)


def fill_defaults(value: object, part: dict) -> object:
    """A copy of ``value`` in which every key that ``part`` of the schema gives a default is present."""
    part = _definition(part, value)
    if isinstance(value, dict):
        known = part.get("properties", {})
        filled = {key: fill_defaults(item, known[key]) if key in known else item for key, item in value.items()}
        for key, sub in known.items():
            if key not in filled and "default" in sub:
                filled[key] = fill_defaults(sub["default"], sub)
        return filled
    if isinstance(value, list) and "items" in part:
        return [fill_defaults(item, part["items"]) for item in value]
    return value


def _definition(part: dict, value: object) -> dict:
    """``part`` with its reference followed and, where kinds are alternatives, the one that ``value`` names."""
    if "$ref" in part:
        part = schema()["$defs"][part["$ref"].rpartition("/")[2]]
    for option in part.get("oneOf", []):
        if isinstance(value, dict) and option["properties"]["kind"]["const"] == value.get("kind"):
            return option
    return part


def check(value: object, part: dict, name: str = "") -> None:
    """Check ``value`` against ``part`` of the schema.

    Raises:
        UserError: the first problem in the order of the config.
    """
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator({"$defs": schema()["$defs"], **part})
    root = [name] if name else []
    if error := min(validator.iter_errors(value), key=lambda error: [str(step) for step in error.absolute_path], default=None):
        raise UserError(f"config: {_sentence(error, root)}")
    for path, number in _numbers(value, root):
        if not math.isfinite(number):
            raise UserError(f"config: {_dotted(path)} is {number}: give a finite number")


def _sentence(error, root: list) -> str:
    """A jsonschema error as one sentence with the dotted path of the key."""
    path = root + list(error.absolute_path)
    where, value, rule = _dotted(path), error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = sorted(error.schema.get("properties", {}))
            key = next(key for key in value if key not in known)
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known keys are {', '.join(known)}"
            return f"{_dotted([*path, key])} is not a key: {hint}"
        case "required":
            return f"{_dotted([*path, next(key for key in rule if key not in value)])} is missing: add it"
        case "type":
            wanted = " or ".join([rule] if isinstance(rule, str) else rule)
            hint = " (YAML reads 1e-3 as text: write 0.001 or 1.0e-3)" if isinstance(value, str) and "number" in wanted else ""
            return f"{where} is {_shown(value)}: it must be of type {wanted}{hint}"
        case "enum":
            return f"{where} is {_shown(value)}: choose one of {', '.join(map(str, rule))}"
        case "oneOf":
            kinds = [option["properties"]["kind"]["const"] for option in rule]
            if value.get("kind") not in kinds:
                return f"{_dotted([*path, 'kind'])} is {_shown(value.get('kind'))}: choose one of {', '.join(kinds)}"
            chosen = kinds.index(value["kind"])
            return _sentence(next(part for part in error.context if part.schema_path[0] == chosen), root)
        case "pattern":
            hint = (
                "give an http:// or https:// address"
                if "http" in rule
                else "use 1 to 64 letters, digits, _, . or -, the first a letter or digit"
            )
            return f"{where} is {_shown(value)}: {hint}"
    bounds = {
        "minimum": "at least {}",
        "maximum": "at most {}",
        "exclusiveMinimum": "more than {}",
        "exclusiveMaximum": "less than {}",
        "multipleOf": "a multiple of {}",
        "minItems": "a list of at least {} entries",
        "maxItems": "a list of at most {} entries",
        "minLength": "a text of at least {} characters",
        "uniqueItems": "a list without repetition",
    }
    return f"{where} is {_shown(value)}: it must be {bounds[error.validator].format(rule)}"


def _dotted(path: list) -> str:
    """``['variants', 1, 'loss']`` as ``variants[1].loss``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    return text or "the config"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _numbers(value: object, path: list) -> Iterator[tuple[list, float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, [*path, key])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _numbers(item, [*path, index])
    elif isinstance(value, float):
        yield path, value


def inconsistencies(config: dict) -> Iterator[str]:
    """Problems between keys that a schema cannot express, as sentences; ``config`` has its defaults."""
    yield from _wrong_variants(config)
    yield from _wrong_data(config)
    if config["search"]["enabled"]:
        yield from _wrong_search(config)
    drops = config["recipe"]["lr_drops"]
    if drops != sorted(set(drops)):
        yield f"recipe.lr_drops is {_shown(drops)}: list shares of the run in rising order"
    if config["difficulty"]["hard"] > config["difficulty"]["easy"]:
        yield "difficulty.hard is above difficulty.easy: no image can be both hard and easy, so lower it"


def _wrong_variants(config: dict) -> Iterator[str]:
    for key in ("name", "label"):
        given = [variant[key] for variant in config["variants"]]
        if twice := next((item for item in given if given.count(item) > 1), None):
            yield f"variants: two have the {key} {_shown(twice)}; give each its own"
    names = [variant["name"] for variant in config["variants"]]
    mentions = [("baseline", config["baseline"])]
    mentions += [(f"contrasts[{index}]", name) for index, contrast in enumerate(config["contrasts"]) for name in contrast]
    if config["search"]["enabled"]:
        mentions += [("search.variants", name) for name in config["search"]["variants"]]
    for where, name in mentions:
        if name not in names:
            yield f"{where} names the variant {_shown(name)}, which variants does not have: choose from {', '.join(names)}"
    for index, (first, second) in enumerate(config["contrasts"]):
        if first == second:
            yield f"contrasts[{index}] compares {_shown(first)} with itself: name two variants"


def _wrong_data(config: dict) -> Iterator[str]:
    data = config["data"]
    for index, (first, second) in enumerate(config["pairs"]):
        if first == second:
            yield f"pairs[{index}] names {_shown(first)} twice: name two classes"
        for name in (first, second):
            if name not in CLASSES[data["kind"]]:
                close = difflib.get_close_matches(name, CLASSES[data["kind"]], n=1)
                hint = f"did you mean {close[0]}?" if close else f"choose from {', '.join(CLASSES[data['kind']][:10])}"
                yield f"pairs[{index}] names the class {_shown(name)}, which {data['kind']} does not have: {hint}"
    if data["kind"] == "synthetic" and data["source"] is not None:
        yield "data.source is set, but data.kind synthetic is generated: remove one of them"
    size = data["synthetic"]["train"] if data["kind"] == "synthetic" else 50000
    wanted = (data["training"] or 0) + data["validation"]
    if wanted > size or data["validation"] >= size:
        yield f"data.training and data.validation ask for {wanted} images of {size}: lower one of them"
    if data["validation"] == 0 and config["evaluate"]["images"] == "validation":
        yield "evaluate.images is validation, but data.validation is 0: hold images out or evaluate on test"


def _wrong_search(config: dict) -> Iterator[str]:
    search = config["search"]
    if config["data"]["validation"] == 0:
        yield "search.enabled is true, but data.validation is 0: a search needs validation images, so hold some out or disable it"
    if shared := sorted(set(search["seeds"]) & set(config["seeds"])):
        yield f"search.seeds and seeds share {shared}: a seed that chose the recipe may not judge it, so give the search others"
    for key, (low, high) in search["space"].items():
        if low >= high:
            yield f"search.space.{key} is [{low}, {high}]: give the lowest value first, then a higher one"
        value = config["recipe"][key]
        if not low <= value <= high:
            yield f"recipe.{key} is {value}, outside search.space.{key} [{low}, {high}]: it is the first trial, so widen the space"
