"""Whether values and files from outside have the shape that they should, with one sentence where not. Imports nothing heavy.

A type stands for its values (numbers must be finite, and true is no number), a range for its whole numbers, a set for its texts, ``|``
joins types, and a function accepts what it returns True for. A list stands for lists of its one shape, a tuple for lists of exactly its
shapes, a map for maps with its keys: those with a ``?`` may be missing, and ``str`` stands for all others.
"""

import json
import re
from pathlib import Path
from types import UnionType
from typing import get_args

from hardpair.config.sentences import dotted, shown
from hardpair.errors import UserError
from hardpair.files import json_text

AFFECTS_RESULTS = False
LARGEST = 2**63  # integers beyond it fit no array
COUNT = range(LARGEST)


def read(path: str | Path, shape: dict) -> dict:
    """A JSON file of that shape.

    Raises:
        UserError: the file is missing, is not JSON, or holds something else.
    """
    value = json_text.read_json(path)
    problem = difference(value, shape)
    if problem is None and re.search(r"[\ud800-\udfff]", json.dumps(value, ensure_ascii=False)):
        problem = "it holds an unpaired surrogate, which no file can show"
    if problem:
        raise UserError(f"{path} is not what it should be ({problem}): delete it and run the step that makes it again")
    return value


def difference(value: object, shape: object, path: tuple = ()) -> str | None:
    """The first place in which a value has not that shape, in words; None if it has."""
    if not _fits(value, shape):
        return f"{dotted(list(path)) if path else 'the value'} is {shown(value)}"
    inner_shapes = {}
    match shape:
        case dict():
            known = {key.removesuffix("?"): inner for key, inner in shape.items() if key is not str}
            if missing := [key for key in known if key not in value and f"{key}?" not in shape]:
                return f"{dotted([*path, missing[0]])} is missing"
            inner_shapes = {key: known.get(key, shape.get(str)) for key in value if key in known or str in shape}
        case tuple():
            inner_shapes = dict(enumerate(shape))
        case list() if shape != [COUNT] or not _are_counts(value):
            inner_shapes = dict.fromkeys(range(len(value)), shape[0])
    return next(filter(None, (difference(value[key], inner, (*path, key)) for key, inner in inner_shapes.items())), None)


def _are_counts(values: list) -> bool:
    """Whether each value of a list, which may be long, is a COUNT."""
    return set(map(type, values)) <= {int} and min(values, default=0) >= 0 and max(values, default=0) < LARGEST


def _fits(value: object, shape: object) -> bool:
    """Whether a value has that shape, apart from what it contains."""
    match shape:
        case dict() | list():
            return isinstance(value, type(shape))
        case tuple():
            return isinstance(value, list) and len(value) == len(shape)
        case range():
            return type(value) is int and value in shape
        case set():
            return isinstance(value, str) and value in shape
        case UnionType():
            return any(_fits(value, alternative) for alternative in get_args(shape))
        case type():
            number = shape in (int, float)
            return type(value) in (int, shape) and -LARGEST < value < LARGEST if number else isinstance(value, shape)
    return shape(value)
