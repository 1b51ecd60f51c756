"""The study's config: checked against config/schema.yaml, defaults filled in, every problem told in one sentence."""

import contextlib
import difflib
import functools
import json
import math
import re
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from pathlib import Path

from hardpair import plugins
from hardpair.config_docs import BOUNDS, TYPES
from hardpair.errors import UserError
from hardpair.sources.classes import CLASSES

OF_FOLDERS = ("size", "test_share", "on_bad_image", "min_images")  # keys of ``data`` that only your own pictures have
SCHEMA = Path(__file__).parents[3] / "config" / "schema.yaml"


def schema() -> dict:
    """The schema as a dict, with the kinds of losses and samplers that plugins add."""
    return _schema(*(json.dumps(plugins.options(package)) for package in ("losses", "samplers")))


@functools.cache
def _schema(losses: str, samplers: str) -> dict:
    import yaml

    whole = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    for name, added in (("loss", losses), ("sampler", samplers)):
        for kind, options in json.loads(added).items():
            part = {"properties": {"kind": {"const": kind}} | options, "additionalProperties": False}
            required = [option for option, about in options.items() if "default" not in about]
            whole["$defs"][name]["oneOf"].append(part | {"required": required})
    return whole


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
    plugins.use([])
    config = read_texts(_plain(config), schema())
    named = config.get("plugins", []) if isinstance(config, dict) else []
    check(named, schema()["properties"]["plugins"], "plugins")
    plugins.use(named)
    check(config, schema())
    config = fill_defaults(config, schema())
    if config["pairs"] == "auto":
        config["pairs"] = {"auto": 1}
    for variant in config["variants"]:
        variant.setdefault("label", variant["name"])
    for problem in inconsistencies(config):
        raise UserError(f"config: {problem}")
    return config


def resolve_part(name: str, value: dict) -> dict:
    """Check one part of a config (``recipe``, ``variant``, ``train``, …) on its own and fill in its defaults."""
    part = schema()["$defs"].get(name) or schema()["properties"][name]
    value = _plain(value)
    check(value, part, name)
    return fill_defaults(value, part)


def read_texts(value: object, part: dict) -> object:
    """A copy of ``value`` in which texts are read as YAML wherever ``part`` of the schema wants no text.

    Snakemake hands over the numbers of ``--config seeds=[0,1]`` as texts.
    """
    part = _definition(part, value)
    if isinstance(value, dict):
        known = part.get("properties", {})
        return {key: read_texts(item, known[key]) if key in known else item for key, item in value.items()}
    if isinstance(value, list):
        return [read_texts(item, part.get("items", {})) for item in value]
    if isinstance(value, str) and "type" in part and "string" not in part["type"]:
        import yaml

        with contextlib.suppress(yaml.YAMLError):
            read = yaml.safe_load(value)
            return read if isinstance(read, int | float | None) else value
    return value


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
        UserError: one problem, the first by its key's path.
    """
    validator = _validator()({"$defs": schema()["$defs"], **part})
    root = [name] if name else []
    errors = validator.iter_errors(value)
    if error := min(errors, key=lambda error: ([str(step) for step in error.absolute_path], error.validator != "type"), default=None):
        raise UserError(f"config: {_sentence(error, root)}")
    for path, number in _numbers(value, root):
        if not math.isfinite(number):
            raise UserError(f"config: {_dotted(path)} is {number}: give a finite number")


@functools.cache
def _validator() -> type:
    """jsonschema's validator, but with a ``multipleOf`` that finds 0.57 to be a multiple of 0.01."""
    from jsonschema import Draft202012Validator, ValidationError, validators

    def multiple_of(validator, step, value, part):
        if validator.is_type(value, "number") and math.isfinite(value) and abs(value / step - round(value / step)) > 1e-6:
            yield ValidationError("not a multiple")

    return validators.extend(Draft202012Validator, {"multipleOf": multiple_of})


def _sentence(error, root: list) -> str:
    """A jsonschema error as one sentence with the dotted path of the key."""
    path = root + list(error.absolute_path)
    where, value, rule = _dotted(path), error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = sorted(error.schema.get("properties", {}))
            key = next(key for key in value if key not in known)
            homes = [name for name, part in schema()["properties"].items() if key in _definition(part, None).get("properties", {})]
            others = f"it belongs to {' or '.join(homes)}" if homes else f"known keys are {', '.join(known)}"
            kind = f" of kind {value['kind']}" if "const" in error.schema["properties"].get("kind", {}) else ""
            return f"{_dotted([*path, key])} is not a key{kind}: {_advice(key, known, others)}"
        case "required":
            kinds = [option["properties"]["kind"]["const"] for option in error.schema.get("oneOf", [])]
            key = next(key for key in rule if key not in value)
            return f"{_dotted([*path, key])} is missing: add it" + (f", one of {', '.join(kinds)}" if kinds else "")
        case "type":
            wanted = [rule] if isinstance(rule, str) else rule
            return f"{where} is {_shown(value)}: it must be {' or '.join(TYPES[name] for name in wanted)}{_type_hint(value, wanted)}"
        case "enum":
            return f"{where} is {_shown(value)}: choose one of {', '.join(map(str, rule))}"
        case "oneOf":
            kinds = [option["properties"]["kind"]["const"] for option in rule]
            if value["kind"] not in kinds:
                return f"{_dotted([*path, 'kind'])} is {_shown(value['kind'])}: {_advice(value['kind'], kinds)}"
            chosen = kinds.index(value["kind"])
            return _sentence(next(part for part in error.context if part.schema_path[0] == chosen), root)
        case "pattern" if rule == "^auto$":
            return f"{where} is {_shown(value)}: give a list of pairs such as [[cat, dog]], or auto"
        case "pattern" if "http" in rule:
            return f"{where} is {_shown(value)}: give an http:// or https:// address"
        case "pattern":
            return f"{where} is {_shown(value)}: use 1 to 64 letters, digits, _, . or -, the first a letter or digit"
    exact = error.validator in ("minItems", "maxItems") and error.schema.get("minItems") == error.schema.get("maxItems")
    bound = f"a list of {rule} entries" if exact else BOUNDS[error.validator].format(rule)
    return f"{where} is {_shown(value)}: it must be {bound}"


def _type_hint(value: object, wanted: list[str]) -> str:
    """What YAML may have done to a value of the wrong type."""
    if value is None:
        return " (an empty key is null: fill it in or remove it)"
    if wanted[0] == "string" and not isinstance(value, dict | list):
        return " (put it in quotes)"
    if isinstance(value, str) and wanted[0] in ("number", "integer"):
        with contextlib.suppress(ValueError):
            number = float(value)
            if 1e-9 < abs(number) < 1e12 and (wanted[0] == "number" or number.is_integer()):
                return f" (YAML reads {_shown(value)} as text: write {Decimal(value):f})"
    return ""


def _advice(name: object, known: Iterable[str], otherwise: str = "") -> str:
    """``did you mean dog?`` where a known name is near, else what there is to choose from."""
    by_lower = {item.lower(): item for item in known}
    if close := difflib.get_close_matches(str(name).lower(), by_lower, n=1):
        return f"did you mean {by_lower[close[0]]}?"
    return otherwise or f"choose from {', '.join(list(known)[:10])}{', …' if len(by_lower) > 10 else ''}"


def _dotted(path: list) -> str:
    """``['variants', 1, 'loss']`` as ``variants[1].loss``; keys that are no plain words in quotes."""
    words = [f"[{step}]" if isinstance(step, int) else f".{step}" if re.fullmatch(r"[\w-]+", step) else f".{_shown(step)}" for step in path]
    return "".join(words).lstrip(".") or "the config"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = text if text.isprintable() else json.dumps(value, default=str)
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
    hard, easy = config["difficulty"]["hard"], config["difficulty"]["easy"]
    if hard > easy:
        yield f"difficulty.hard is {hard}, above difficulty.easy {easy}: no image can be both hard and easy, so lower it"


def _wrong_variants(config: dict) -> Iterator[str]:
    for key in ("name", "label"):
        given = [variant[key] for variant in config["variants"]]
        if twice := next((item for item in given if given.count(item) > 1), None):
            yield f"variants: two have the {key} {_shown(twice)}; give each its own"
    names = [variant["name"] for variant in config["variants"]]
    for index, name in enumerate(names):
        if same := next((other for other in names[:index] if other != name and other.lower() == name.lower()), None):
            yield f"variants[{index}].name is {_shown(name)}, which some file systems take for {_shown(same)}: rename one of them"
    mentions = [("baseline", config["baseline"])]
    mentions += [(f"contrasts[{index}]", name) for index, contrast in enumerate(config["contrasts"]) for name in contrast]
    if config["search"]["enabled"]:
        mentions += [("search.variants", name) for name in config["search"]["variants"]]
    for where, name in mentions:
        if name not in names:
            yield f"{where} names the variant {_shown(name)}, which variants does not have: {_advice(name, names)}"
    for index, (first, second) in enumerate(config["contrasts"]):
        if first == second:
            yield f"contrasts[{index}] compares {_shown(first)} with itself: name two variants"
    yield from _repeated("contrasts", config["contrasts"])
    declared = {frozenset(contrast) for contrast in config["contrasts"]}
    for index, claim in enumerate(config["claims"]):
        for place, part in enumerate(claim["contrasts"]):
            if frozenset((part["better"], part["than"])) not in declared:
                yield (
                    f"claims[{index}].contrasts[{place}] compares {_shown(part['better'])} with {_shown(part['than'])}, which contrasts "
                    f"does not declare: add [{part['better']}, {part['than']}] there, or change or remove the claim {_shown(claim['name'])}"
                )


def _repeated(where: str, pairs: list[list[str]]) -> Iterator[str]:
    for index, pair in enumerate(pairs):
        if pair in pairs[:index] or pair[::-1] in pairs[:index]:
            yield f"{where}[{index}] is {_shown(pair)}, which is there before: remove one of them"


def _wrong_data(config: dict) -> Iterator[str]:
    data = config["data"]
    chosen = isinstance(config["pairs"], dict)
    if chosen and data["validation"] == 0:
        yield "pairs is auto, but data.validation is 0: pairs are chosen on validation images, so hold some out or name the pairs"
    pairs = [] if chosen else config["pairs"]
    for index, (first, second) in enumerate(pairs):
        if first == second:
            yield f"pairs[{index}] names {_shown(first)} twice: name two classes"
    if data["kind"] in CLASSES:  # a folder's are told by the folder: see plan.pictures
        yield from wrong_pairs(pairs, CLASSES[data["kind"]], data["kind"])
    yield from _repeated("pairs", pairs)
    yield from _ambiguous(pairs)
    kinds = schema()["properties"]["data"]["properties"]["kind"]["enum"]
    for index, each in enumerate(config["references"]):
        if each["data"] not in kinds:
            yield f"references[{index}].data is {_shown(each['data'])}, which is no data.kind: {_advice(each['data'], kinds)}"
        for name in each["pair"]:
            if name not in (known := CLASSES.get(each["data"]) or [name]):
                yield f"references[{index}] names the class {_shown(name)}, which {each['data']} does not have: {_advice(name, known)}"
    if data["kind"] == "synthetic" and data["source"] is not None:
        yield "data.source is set, but data.kind synthetic is generated: remove one of them"
    if data["kind"] == "folder":
        if data["source"] is None:
            yield "data.source is missing: name the folder, zip or tar of your pictures"
    else:
        known = schema()["properties"]["data"]["properties"]
        for key in OF_FOLDERS:
            if data[key] != known[key]["default"]:
                yield f"data.{key} is {_shown(data[key])}, but data.kind is {data['kind']}: only kind folder has that key, so remove it"
    size = {"synthetic": data["synthetic"]["train"], "folder": math.inf}.get(data["kind"], 50000)
    wanted = (data["training"] or 0) + data["validation"]
    if wanted > size or data["validation"] >= size:
        yield f"data.training and data.validation ask for {wanted} images of {size}: lower one of them"
    if data["validation"] == 0 and config["evaluate"]["images"] == "validation":
        yield "evaluate.images is validation, but data.validation is 0: hold images out or evaluate on test"


def wrong_pairs(pairs: list[list[str]], classes: Collection[str], owner: str) -> Iterator[str]:
    """Classes that are not there, as sentences."""
    for index, pair in enumerate(pairs):
        for name in pair:
            if name not in classes:
                yield f"pairs[{index}] names the class {_shown(name)}, which {owner} does not have: {_advice(name, classes)}"


def _ambiguous(pairs: list[list[str]]) -> Iterator[str]:
    """Pairs that tables would call alike."""
    names = ["-".join(pair) for pair in pairs]
    for index, name in enumerate(names):
        if name in names[:index]:
            first = names.index(name)
            yield f"pairs[{first}] and pairs[{index}] would both be called {_shown(name)} in the tables: rename one of their classes"


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
