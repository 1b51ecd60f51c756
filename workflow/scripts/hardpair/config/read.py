"""Maps in YAML and JSON as users write them. Imports nothing heavy."""

import json
from pathlib import Path

from hardpair.errors import UserError, one_line
from hardpair.files.shapes import LARGEST

AFFECTS_RESULTS = False
MAX_LEVELS, MAX_VALUES = 40, 2_000_000
# What reading of texts as numbers and dates raises beside the reader's own errors, in YAML above all.
MISREAD = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


def read_map(source: str | Path) -> dict:
    """A map given as JSON text or as the path of a JSON or YAML file.

    Raises:
        UserError: it cannot be read, is too large, or is something else.
    """
    import yaml

    text = str(source)
    as_json = text.lstrip().startswith(("{", "["))
    try:
        value = json.loads(text) if as_json else yaml.safe_load(Path(text).read_text(encoding="utf-8"))
        refuse_oversized(value)
    except (yaml.YAMLError, OSError, *MISREAD) as error:
        problem = "not valid JSON" if as_json else f"{text[:60]!a} is neither JSON nor a readable file"
        raise UserError(f"{problem}: {one_line(error)}") from None
    if not isinstance(value, dict):
        raise UserError(f"{text[:60]!a} is not a map of keys and values")
    return value


def refuse_oversized(value: object) -> None:
    """Refuse a value that is too large to process: aliases of YAML may stand for any number of values, or for the value that holds them.

    Raises:
        ValueError: says so.
    """
    remaining, count = [(value, 1)], 1
    while remaining:
        item, level = remaining.pop()
        inner = list(item.values()) if isinstance(item, dict) else item if isinstance(item, list | tuple) else ()
        count += len(inner)
        if isinstance(item, int) and abs(item) >= LARGEST:
            raise ValueError("holds a number of more than 18 digits: give a smaller one")
        if inner and level > MAX_LEVELS:
            raise ValueError(f"holds more than {MAX_LEVELS} levels: write it without aliases (& and *)")
        if count > MAX_VALUES:
            raise ValueError(f"holds more than {MAX_VALUES:,} values: write it without aliases (& and *)")
        remaining += [(entry, level + 1) for entry in inner]
