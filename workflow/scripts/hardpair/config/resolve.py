"""The study's config: checked against config/schema.yaml, defaults filled in, every problem reported in one sentence."""

import errno
import functools
import json
import math
import os
import re
from collections.abc import Iterator

from hardpair import plugins
from hardpair.config.consistency import inconsistencies
from hardpair.config.read import composed, located, refuse_oversized
from hardpair.config.schema import CNN, definition, schema
from hardpair.config.sentences import dotted, sentence, shown
from hardpair.errors import UserError
from hardpair.files.shapes import LARGEST

AFFECTS_RESULTS = False
# Controls of terminals, line breaks and tabs aside, and halves of characters.
UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


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
    """Check a complete config and fill in its defaults; each variant gets its network, unless that is the study's cnn.

    Raises:
        UserError: names the first key that is wrong, what is wrong and what to do.
    """
    plugins.use([])
    config, written = _bounded(config), config
    files = config.get("plugins", []) if isinstance(config, dict) else []
    check(files, schema()["properties"]["plugins"], "plugins")
    files = [str(located(file)) for file in files]
    for file in files:
        if not os.path.exists(file):  # nor is what is too long to be a path
            raise UserError(f"config: plugins names {file}, which does not exist: check the path, which starts from the working directory")
    try:
        plugins.use(files)
    except UserError as error:
        raise UserError(f"config: {error}" if str(error).startswith("plugins ") else str(error)) from None
    check(config, schema())
    _refuse_other_keys(written, [])
    config = fill_defaults(config, schema())
    source = config["data"]["source"]
    try:
        _ = source and os.stat(located(source))
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # else the error comes from the kind of data
            raise UserError(f"config: data.source {source} cannot be read ({error.strerror}): name another") from None
    config = composed(config) | {"plugins": files}
    config["data"]["source"] = source and str(located(source))
    if config["pairs"] == "auto":
        config["pairs"] = {"auto": 1}
    shared = config.pop("network", CNN)
    for variant in config["variants"]:
        variant.setdefault("label", variant["name"])
        if (network := variant.pop("network", shared)) != CNN:
            variant["network"] = network
    for problem in inconsistencies(config):
        raise UserError(f"config: {problem}")
    return config


def resolve_part(name: str, value: dict) -> dict:
    """Check one part of a config (``recipe``, ``variant``, ``train``, …) on its own and fill in its defaults."""
    part = schema()["$defs"].get(name) or schema()["properties"][name]
    value = _bounded(value, name)
    check(value, part, name)
    return fill_defaults(value, part)


def _bounded(value: object, name: str = "") -> object:
    """``_plain`` of a value that is small enough to be processed."""
    try:
        refuse_oversized(value)
    except ValueError as error:
        raise UserError(f"config: {name}{' ' * bool(name)}{error}") from None
    plain = _plain(value)
    for path, number in _leaves(plain, [name] if name else []):
        if isinstance(number, int) and abs(number) >= LARGEST:
            raise UserError(f"config: {dotted(path)} is {float(number):g}, a number of more than 18 digits: give a smaller one")
    return plain


def _refuse_other_keys(value: object, path: list) -> None:
    """Refuse keys that are not texts, which ``_plain`` makes texts: an option that is a map would have others than were written."""
    for step, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(value, dict) and not isinstance(step, str):
            raise UserError(f"config: {dotted([*path, str(step)])} is a key that is no text: write it in quotes")
        _refuse_other_keys(item, [*path, step])


def _leaves(value: object, path: list) -> Iterator[tuple[list, object]]:
    """Paths and values of all that is neither a map nor a list."""
    if isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, [*path, step])
    else:
        yield path, value


def merged_recipe(shared: dict, own: dict) -> dict:
    """A recipe with a variant's own keys in place of the shared ones, without the implied ones that have their default."""
    return _without_implied(shared | own, schema()["$defs"]["recipe"]["properties"])


def _without_implied(value: dict, known: dict) -> dict:
    """A map without the keys that are implied by the schema's properties ``known``: what was made before such keys were there had none."""
    implied = {key: part["default"] for key, part in known.items() if part.get("implied") and "default" in part}
    return {key: item for key, item in value.items() if key not in implied or item != implied[key]}


def fill_defaults(value: object, part: dict) -> object:
    """A copy of ``value`` in which every key that ``part`` of the schema gives a default is present, but for those that are implied."""
    part = definition(part, value)
    if isinstance(value, dict):
        known = part.get("properties", {})
        complete = value | {key: sub["default"] for key, sub in known.items() if key not in value and "default" in sub}
        return {key: fill_defaults(item, known.get(key, {})) for key, item in _without_implied(complete, known).items()}
    if isinstance(value, list) and "items" in part:
        return [fill_defaults(item, part["items"]) for item in value]
    return value


def check(value: object, part: dict, name: str = "") -> None:
    """Check ``value`` against ``part`` of the schema.

    Raises:
        UserError: one problem, the first by its key's path.
    """
    validator = _validator()({"$defs": schema()["$defs"], **part})
    root = [name] if name else []
    errors = validator.iter_errors(value)
    if error := min(errors, key=lambda error: ([str(step) for step in error.absolute_path], error.validator != "type"), default=None):
        raise UserError(f"config: {sentence(error, root)}")
    for path, leaf in _leaves(value, root):
        if isinstance(leaf, float) and not math.isfinite(leaf):
            raise UserError(f"config: {dotted(path)} is {leaf}: give a finite number")
        if isinstance(leaf, str) and (match := UNWRITABLE.search(leaf)):
            raise UserError(f"config: {dotted(path)} is {shown(leaf)}: remove the character {match[0]!a}, which cannot be displayed")


@functools.cache
def _validator() -> type:
    """jsonschema's validator, but with a ``multipleOf`` that finds 0.57 to be a multiple of 0.01."""
    from jsonschema import Draft202012Validator, ValidationError, validators

    def multiple_of(validator, step, value, part):
        if validator.is_type(value, "number") and math.isfinite(value) and abs(value / step - round(value / step)) > 1e-6:
            yield ValidationError("not a multiple")

    return validators.extend(Draft202012Validator, {"multipleOf": multiple_of})
