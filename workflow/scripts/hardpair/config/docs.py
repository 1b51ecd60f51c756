"""The keys of a config in words: config/README.md, generated from config/schema.yaml."""

import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from hardpair.config.sentences import BOUNDS, TYPES, flow
from hardpair.files.visible import visible_files


def markdown(schema: dict, overlays: dict[str, str]) -> str:
    """The text of config/README.md.

    Args:
        schema: config/schema.yaml.
        overlays: path and summary of each overlay that comes with the workflow.
    """
    shipped = [f"- `{path}`: {summary}\n" for path, summary in overlays.items()]
    tables = [_table("## The study", "", schema, schema, deep=False)]
    for key, part in schema["properties"].items():
        part = _resolved(part, schema)
        path, inner = (f"{key}[].", _resolved(part["items"], schema)) if part.get("type") == "array" else (f"{key}.", part)
        if "oneOf" in inner:
            tables += _alternatives("", {"properties": {key: part}}, schema)
        if "properties" in inner:
            tables.append(_table(f"## `{key}`", path, inner, schema, part["description"]))
            tables += _alternatives(path, inner, schema)
    return "".join([schema["description"], "\n## Overlays that come with the workflow\n\n", *shipped, *tables])


def overlay_summaries(folder: Path) -> dict[str, str]:
    """The first comment of each overlay in the config folder, up to its command."""
    summaries = {}
    for path in visible_files(folder.glob("*.yaml")):
        text = re.sub("^# yaml-language-server: .*\n", "", path.read_text(encoding="utf-8"))
        if text.startswith("# Overlay: "):
            comment = takewhile(lambda line: re.match("# (?!  )", line), text.splitlines())
            summaries[f"{folder.name}/{path.name}"] = " ".join(line[2:] for line in comment).removeprefix("Overlay: ")
    return summaries


def _table(heading: str, prefix: str, part: dict, schema: dict, description: str = "", deep: bool = True) -> str:
    """A heading, its description and a row for each key of ``part``; ``deep`` adds the keys within these."""
    lines = ["", heading, "", *([description, ""] if description else []), "| Key | Type | Default | Meaning |", "|---|---|---|---|"]
    lines += [_row(path, sub, required, schema) for path, sub, required in _keys(prefix, part, schema, deep)]
    return "\n".join(lines) + "\n"


def _alternatives(prefix: str, part: dict, schema: dict) -> Iterator[str]:
    """A table for each kind of the keys of ``part`` that have kinds."""
    for key, sub in part["properties"].items():
        for option in _resolved(sub, schema).get("oneOf", []):
            kind = option["properties"]["kind"]
            yield _table(f"### `{prefix}{key}` of kind `{kind['const']}`", f"{prefix}{key}.", option | {"required": ["kind"]}, schema)


def _keys(prefix: str, part: dict, schema: dict, deep: bool) -> Iterator[tuple[str, dict, bool]]:
    """Path, schema and whether it is required of each key."""
    for key, sub in part["properties"].items():
        sub = _resolved(sub, schema)
        yield prefix + key, sub, key in part.get("required", [])
        if deep and "properties" in sub:
            yield from _keys(f"{prefix}{key}.", sub, schema, deep)
        if deep and "properties" in (entry := _resolved(sub.get("items", {}), schema)):
            yield from _keys(f"{prefix}{key}[].", entry, schema, deep)


def _row(path: str, part: dict, required: bool, schema: dict) -> str:
    default = "*required*" if required else "" if part.get("default", {}) == {} else f"`{flow(part['default'])}`"
    cells = [f"`{path}`", type_in_words(part, schema), default, part["description"]]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|').replace('<', '&lt;') for cell in cells)} |"


def _resolved(part: dict, schema: dict) -> dict:
    """``part`` with its reference followed; what stands beside the reference goes first."""
    if "$ref" not in part:
        return part
    name = part["$ref"].rpartition("/")[2]
    return schema["$defs"][name] | {key: value for key, value in part.items() if key != "$ref"} | {"definition": name}


def type_in_words(part: dict, schema: dict) -> str:
    """``whole number, at least 1``: the type of a key with its bounds or choices."""
    part = _resolved(part, schema)
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return " or ".join(f"`{choice}`" for choice in part["enum"])
    if part.get("definition") == "name":
        return "name"
    if "oneOf" in part:
        return "map with a `kind`: " + " or ".join(f"`{option['properties']['kind']['const']}`" for option in part["oneOf"])
    if part["type"] in ("array", ["array", "null"]):
        least, most = part.get("minItems", 0), part.get("maxItems")
        count = f" of {least}" if least == most else f" of {least} or more" if least else ""
        unique = " without repetition" if part.get("uniqueItems") else ""
        empty = " or null" if "null" in part["type"] else ""
        return f"list{count}{unique}{empty}; each: {type_in_words(part['items'], schema)}"
    types = [part["type"]] if isinstance(part["type"], str) else part["type"]
    words = " or ".join("map" if name == "object" else TYPES[name].removeprefix("a ") for name in types)
    bounds = [BOUNDS[key].format(flow(part[key])) for key in BOUNDS if key in part and key != "minLength"]
    return ", ".join([words, *bounds, *(["an http:// or https:// address"] if "http" in part.get("pattern", "") else [])])
