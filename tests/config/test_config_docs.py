import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

import describe_config
from hardpair.config.docs import flow, markdown, overlay_summaries, type_in_words
from hardpair.errors import UserError

CONFIG = Path(__file__).parents[2] / "config"
SCHEMA = yaml.safe_load((CONFIG / "schema.yaml").read_text())
README = (CONFIG / "README.md").read_text()
OWN_RECIPE = {key: dict(part) for key, part in SCHEMA["$defs"]["recipe"]["properties"].items() if key != "epochs"}  # of a variant
for part in OWN_RECIPE.values():
    del part["default"]
OF_VARIANT = SCHEMA["$defs"]["variant"]["properties"]
ABOUT = OF_VARIANT["recipe"]["description"]
OF_VARIANT["recipe"] = {"type": "object", "additionalProperties": False, "description": ABOUT, "properties": OWN_RECIPE}


def followed(part: dict) -> dict:
    return part | SCHEMA["$defs"][part["$ref"].split("/")[-1]] if "$ref" in part else part


def keys(part: dict = SCHEMA, prefix: str = "") -> Iterator[tuple[str, str | None, dict]]:
    """Path of each key of the schema, the kind of loss or sampler that has it, and its schema as it stands."""
    for key, sub in part["properties"].items():
        inner, path = followed(sub), f"{prefix}{key}"
        yield path, None, sub
        if "properties" in inner:
            yield from keys(inner, f"{path}.")
        if "properties" in followed(inner.get("items", {})):
            yield from keys(followed(inner["items"]), f"{path}[].")
        for option in inner.get("oneOf", []):
            yield from ((name, option["properties"]["kind"]["const"], entry) for name, _, entry in keys(option, f"{path}."))


def rows(text: str = README) -> list[tuple[str, str | None, list[str]]]:
    """Path, kind and the other cells of each row of the tables."""
    result, kind = [], None
    for line in text.splitlines():
        if line.startswith("#"):
            kind = match[1] if (match := re.search(r"of kind `(\w+)`", line)) else None
        elif line.startswith("| `"):
            path, *cells = re.split(r" (?<!\\)\| ", line.removeprefix("| ").removesuffix(" |"))
            result.append((path.strip("`"), kind, cells))
    return result


def test_the_committed_file_is_what_the_script_prints(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["describe_config.py"])
    describe_config.main()
    assert capsys.readouterr().out == README, "run `make config-docs`"


def test_the_script_writes_the_same_file(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["describe_config.py", "--output", str(tmp_path / "docs" / "README.md")])
    describe_config.main()
    assert (tmp_path / "docs" / "README.md").read_text(encoding="utf-8") == README


def test_every_key_of_the_schema_is_described_once_and_no_other():
    assert Counter((path, kind) for path, kind, _ in rows()) == Counter((path, kind) for path, kind, _ in keys())


def test_every_key_has_a_description_and_the_file_shows_it():
    shown = {(path, kind): cells[-1] for path, kind, cells in rows()}
    for path, kind, part in keys():
        assert part.get("description", "").strip().endswith("."), path
        assert shown[path, kind].replace("\\|", "|").replace("&lt;", "<") == part["description"]


def test_every_default_is_valid_and_the_file_shows_it():
    shown = {(path, kind): cells[1] for path, kind, cells in rows()}
    for path, kind, part in keys():
        cell = shown[path, kind]
        if "default" in part:
            errors = list(Draft202012Validator({"$defs": SCHEMA["$defs"], **part}).iter_errors(part["default"]))
            assert not errors, f"{path}: {errors}"
            assert cell == "" if part["default"] == {} else yaml.safe_load(cell.strip("`")) == part["default"], path
        else:
            assert cell in ("*required*", ""), path


def test_required_keys_are_marked():
    required = {path for path, _, cells in rows() if cells[1] == "*required*"}
    assert {"study", "data", "data.kind", "data.name", "variants", "variants[].name", "variants[].loss.kind", "seeds"} <= required
    assert {"pairs", "recipe", "data.source", "variants[].label", "variants[].published", "variants[].loss"}.isdisjoint(required)


def test_the_schema_is_a_schema_and_uses_no_rule_that_config_has_no_words_for():
    Draft202012Validator.check_schema(SCHEMA)
    described = {"additionalProperties", "required", "type", "enum", "oneOf", "pattern", "minimum", "maximum", "exclusiveMinimum"}
    described |= {"exclusiveMaximum", "multipleOf", "minItems", "maxItems", "minLength", "uniqueItems"}
    silent = {
        "$ref",
        "examples",
        "complete",
        "const",
        "default",
        "description",
        "formerly",
        "implied",
        "items",
        "properties",
    }  # const is the kind that oneOf looks at; complete is required later
    assert rules(SCHEMA["properties"]) | rules(SCHEMA["$defs"]) <= described | silent


def rules(parts: dict) -> set[str]:
    """Keywords that are used by parts of a schema; a comma in an unquoted description would look like one more."""
    keywords = set()
    for part in parts.values():
        keywords |= set(part) | rules(part.get("properties", {})) | rules(dict(enumerate(part.get("oneOf", []))))
        keywords |= rules({"items": part["items"]} if "items" in part else {})
    return keywords


def test_no_map_of_the_schema_takes_other_keys():
    maps = [SCHEMA, *(followed(part) for _, _, part in keys())]
    maps += [option for part in maps for option in part.get("oneOf", [])] + [SCHEMA["$defs"]["variant"]]
    assert all(part.get("additionalProperties") is False for part in maps if "properties" in part)


def test_every_overlay_that_comes_along_is_named_with_its_summary():
    overlays = {path for path in CONFIG.glob("*.yaml") if path.name not in ("config.yaml", "schema.yaml")}
    assert set(overlay_summaries(CONFIG)) == {f"config/{path.name}" for path in overlays}
    for path, summary in overlay_summaries(CONFIG).items():
        assert f"- `{path}`: {summary}\n" in README
        assert summary.endswith(".")
        assert "snakemake" not in summary


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"type": "integer", "minimum": 1}, "whole number, at least 1"),
        ({"type": "number", "maximum": 1, "exclusiveMinimum": 0}, "number, more than 0, at most 1"),
        ({"type": ["number", "null"], "minimum": 0.00001}, "number or null, at least 0.00001"),
        ({"type": "integer", "multipleOf": 8}, "whole number, a multiple of 8"),
        ({"type": "boolean"}, "true or false"),
        ({"enum": ["a", "b", "c"]}, "`a` or `b` or `c`"),
        ({"const": "focal"}, "`focal`"),
        ({"$ref": "#/$defs/name"}, "name"),
        ({"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string"}}, "list of 2; each: text"),
        ({"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/name"}}, "list of 1 or more; each: name"),
        ({"type": "array", "uniqueItems": True, "items": {"type": "number"}}, "list without repetition; each: number"),
        ({"type": "string", "pattern": "^https?://"}, "text, an http:// or https:// address"),
        ({"$ref": "#/$defs/sampler"}, "map with a `kind`: `uniform` or `focal` or `class_balanced`"),
    ],
)  # fmt: skip
def test_types_are_described_in_words(part, words):
    assert type_in_words(part, SCHEMA) == words


def test_values_are_written_so_that_yaml_reads_them_back():
    for value in (0.0005, 1e-5, 2.0, 50, True, None, [0.5, 0.8], [["cat", "dog"]], {"kind": "focal", "gamma": 2}):
        assert yaml.safe_load(flow(value)) == value


def test_a_description_cannot_break_its_table():
    part = {"type": "string", "description": "one | two <b>."}
    schema = {"description": "", "properties": {"x": part}, "$defs": {}}
    assert "| `x` | text |  | one \\| two &lt;b>. |\n" in markdown(schema, {})


def test_the_schema_is_not_overwritten(monkeypatch):
    file = CONFIG / "schema.yaml"
    before = file.read_bytes()
    monkeypatch.setattr(sys, "argv", ["describe_config.py", "--output", str(file)])
    with pytest.raises(UserError, match=r"schema\.yaml is read, and would be overwritten"):
        describe_config.main()
    assert file.read_bytes() == before
