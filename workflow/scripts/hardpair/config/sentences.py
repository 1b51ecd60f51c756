"""What is wrong with a config, as sentences."""

import contextlib
import difflib
import json
import math
import re
from collections.abc import Iterable

from hardpair.config.schema import definition, renamed, schema

AFFECTS_RESULTS = False
WORDS_OF_YAML_1_1 = dict.fromkeys(("no", "off", "n"), "false") | dict.fromkeys(("yes", "on", "y"), "true")
TYPES = {
    "object": "a map of keys",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}
BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minItems": "a list of {} or more entries",
    "maxItems": "a list of {} entries at most",
    "minLength": "a text of {} or more characters",
    "uniqueItems": "a list without repetition",
}


def sentence(error, root: list) -> str:
    """A jsonschema error as one sentence with the dotted path of the key."""
    path = root + list(error.absolute_path)
    where, value, rule = dotted(path), error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = sorted(error.schema.get("properties", {}))
            key = next(key for key in value if key not in known)
            if now := renamed(re.sub(r"\[\d+\]", "[]", dotted([*path, key]))):
                return f"{dotted([*path, key])} was renamed: write {now}"
            name, _, rest = str(key).partition(":")
            if name in known and rest and value[key] is None:
                return f"{dotted([*path, key])} is not a key: write {name}: {rest.strip()}, with a space after the colon"
            parts = {name: definition(part, None) for name, part in schema()["properties"].items()}
            parts = {name: definition(part["items"], None) if "items" in part else part for name, part in parts.items()}
            homes = [name for name, part in parts.items() if key in part.get("properties", {})]
            kind = f" of kind {value['kind']}" if "const" in error.schema["properties"].get("kind", {}) else ""
            near = advice(key, known, f"known keys are {', '.join(known)}")
            # A map within a section, such as margins, has keys of its own, whatever other section has one of that name.
            within = sum(isinstance(step, str) for step in path) > 1 and path[-1] not in homes
            what_to_do = f"it belongs to {' or '.join(homes)}" if homes and not kind and not within else near
            return f"{dotted([*path, key])} is not a key{kind}: {what_to_do}"
        case "required":
            kinds = [option["properties"]["kind"]["const"] for option in error.schema.get("oneOf", [])]
            key = next(key for key in rule if key not in value)
            return f"{dotted([*path, key])} is missing: add it" + (f", one of {', '.join(kinds)}" if kinds else "")
        case "type":
            forms = {"array": _list_like, "object": _map_like}
            types = [rule] if isinstance(rule, str) else rule
            allowed = [TYPES[name] + (f" such as {flow(forms[name](error.schema, value))}" if name in forms else "") for name in types]
            return f"{where} is {shown(value)}: it must be {' or '.join(allowed)}{_type_hint(value, error.schema)}"
        case "enum":
            return f"{where} is {shown(value)}: choose one of {', '.join(map(str, rule))}"
        case "oneOf":
            kinds = [option["properties"]["kind"]["const"] for option in rule]
            if value["kind"] not in kinds:
                others = f"choose from {', '.join(kinds)}, or list your own file in plugins"
                text = f"{dotted([*path, 'kind'])} is {shown(value['kind'])}: {advice(value['kind'], kinds, others)}"
                if "torchvision" in kinds and text.endswith("?"):
                    return f"{text[:-1]}, or {{kind: torchvision, name: {value['kind']}}} if torchvision has it?"
                return text
            chosen = kinds.index(value["kind"])
            return sentence(next(part for part in error.context if part.schema_path[0] == chosen), root)
        case "pattern" if rule == "^auto$":
            return f"{where} is {shown(value)}: give a list of pairs such as [[cat, dog]], or auto"
        case "pattern" if "http" in rule:
            return f"{where} is {shown(value)}: give an http:// or https:// address"
        case "pattern":
            return f"{where} is {shown(value)}: use 1 to 64 letters from a to z or A to Z, digits, _, . or -, the first a letter or digit"
    exact = error.validator in ("minItems", "maxItems") and error.schema.get("minItems") == error.schema.get("maxItems")
    bound = f"a list of {rule} entries" if exact else BOUNDS[error.validator].format(rule)
    return f"{where} is {shown(value)}: it must be {bound}"


def _list_like(part: dict, value: object) -> list:
    """A list that ``part`` of the schema allows, with as much of a wrong ``value`` as shows what was meant; … stands for the rest."""
    items = definition(part["items"], None)
    if "minItems" not in part and (value is False or str(value).lower() in ("none", *WORDS_OF_YAML_1_1)):
        return []
    match items.get("type"):
        case "object":
            is_entry = not isinstance(value, dict) or value.keys() <= items["properties"].keys()
            return [_map_like(items, value if is_entry else next(iter(value)))]
        case "integer" if type(value) is int:
            return list(range(value)) if items["minimum"] == 0 and 0 < value <= 10 else [value]  # a number of seeds, or one
        case "integer" if isinstance(value, str) and re.fullmatch(r"\d{1,9}(\s*,\s*\d{1,9}){,20}", value, re.ASCII):
            return [int(number) for number in value.split(",")]
        case "string" if isinstance(value, str) and value.strip():
            words = [_kept(word.strip()) for word in value.split(",")][:20]
            return words + ["…"] * (part.get("minItems", 0) - len(words))
    usual = {"integer": [0, 1, 2], "number": [0.1, 0.2], "array": [["a", "b"]]}
    return part.get("default") or part.get("examples", [usual.get(items.get("type"), ["a", "b"])])[0]


def _map_like(part: dict, value: object) -> dict:
    """As ``_list_like``, a map."""
    part = definition(part, {"kind": value})
    known = part.get("properties", {})
    keys = list(dict.fromkeys([*(["kind"] if "kind" in known else []), *part.get("required", list(known)[:1])]))
    kinds = [option["properties"]["kind"]["const"] for option in part.get("oneOf", [])]
    usual = {key: kinds[0] if kinds else known[key].get("default") or "…" for key in keys}
    if isinstance(value, str) and usual[keys[0]] is True:
        value = WORDS_OF_YAML_1_1.get(value.lower(), "true") == "true"
    if isinstance(value, list) and len(value) == len(keys):
        value = dict(zip(keys, value, strict=True))
    elif type(value) is type(usual[keys[0]]):
        value = {keys[0]: value}
    return usual | {key: _kept(item) for key, item in value.items() if key in usual} if isinstance(value, dict) else usual


def _kept(value: object) -> object:
    """A short number or plain text as it is; … in the place of anything else."""
    return value if isinstance(value, str | int | float) and re.fullmatch(r"[\w./+-][\w ./:+-]{,39}", flow(value)) else "…"


def flow(value: object) -> str:
    """A value as YAML on one line, numbers without exponents."""
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, float):
        return f"{value:.12f}".rstrip("0").rstrip(".")
    return value if isinstance(value, str) else json.dumps(value)


def _type_hint(value: object, part: dict) -> str:
    """What was meant by a value of a type that ``part`` of the schema does not allow."""
    expected = part["type"] if isinstance(part["type"], str) else part["type"][0]
    if value is None:
        return f" (an empty key is null: fill it in or remove it{', or put the word in quotes' if expected == 'string' else ''})"
    if expected == "string" and not isinstance(value, dict | list):
        return " (put it in quotes)"
    if not isinstance(value, str):
        return ""
    if expected == "boolean" and value.lower() in WORDS_OF_YAML_1_1:
        return f" (write {WORDS_OF_YAML_1_1[value.lower()]})"
    if expected in ("number", "integer") and value.isascii():
        with contextlib.suppress(ValueError):
            if math.isfinite(number := float(value)) and (expected == "number" or number.is_integer()):
                digits, exponent, power = value.lower().partition("e")
                # Without a point and a sign, YAML 1.1 reads a text, as Snakemake does in the config of another workflow.
                whole, sign = ".0" * ("." not in digits), "+" * (power[:1] not in ("+", "-"))
                return f" (remove the quotes{f', or write {digits}{whole}e{sign}{power}' * bool(exponent and (whole or sign))})"
    return ""


def advice(name: object, known: Iterable[str], otherwise: str = "") -> str:
    """``did you mean dog?`` where a known name is near or begins with this one, else what there is to choose from."""
    by_lower, lower = {item.lower(): item for item in known}, str(name).lower()
    if close := difflib.get_close_matches(lower, by_lower, n=1) or [item for item in by_lower if item.startswith(lower) and lower[2:]]:
        return f"did you mean {by_lower[close[0]]}?"
    return otherwise or f"choose from {', '.join(list(known)[:10])}{', …' if len(by_lower) > 10 else ''}"


def nearest_path(path: str, known: Iterable[str]) -> str | None:
    """The known path whose steps are each the nearest to those of ``path``; None if a step is near to none."""
    steps, found = path.split("/"), []
    rest = [name.split("/") for name in known if name.count("/") == len(steps) - 1]
    for place, step in enumerate(steps):
        names = {name[place] for name in rest}
        near = [step] if step in names else difflib.get_close_matches(step, sorted(names), n=1)
        if not near:
            return None
        found += near
        rest = [name for name in rest if name[place] == near[0]]
    return "/".join(found)


def dotted(path: list) -> str:
    """``['variants', 1, 'loss']`` as ``variants[1].loss``; keys that are no plain words in quotes."""
    words = [f"[{step}]" if isinstance(step, int) else f".{step}" if re.fullmatch(r"[\w-]+", step) else f".{shown(step)}" for step in path]
    return "".join(words).lstrip(".") or "the config"


def shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = text if text.isprintable() else json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
