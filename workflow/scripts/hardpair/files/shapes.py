"""What values and files from outside must hold, told in one sentence where they do not. Imports nothing heavy."""

import json
from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import get_args

from hardpair.config.sentences import dotted, shown
from hardpair.errors import UserError, one_line
from hardpair.files.atomic import read_json

AFFECTS_RESULTS = False
DEEPEST, MOST = 40, 2_000_000  # levels and values of what is read; aliases of YAML may stand for many more than are written
LARGEST = 2**63  # integers beyond it fit no array
# What reading of texts as numbers and dates raises beside the reader's own errors, in YAML above all.
MISREAD = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


def share(value: object) -> bool:
    """A number from 0 to 1."""
    return type(value) in (int, float) and 0 <= value <= 1


def count(value: object) -> bool:
    """A whole number that may count things or point at one."""
    return type(value) is int and 0 <= value < LARGEST


def some(value: object) -> bool:
    """A whole number from 1."""
    return count(value) and value > 0


def rate(value: object) -> bool:
    """A number above 0."""
    return type(value) in (int, float) and 0 < value < LARGEST


def side(value: object) -> bool:
    """Height and width of images that the network takes."""
    return type(value) is int and value in range(8, 257, 8)


def weights(value: object) -> bool:
    """SHA-256 of the last model and, if there is one, of the best."""
    return (
        isinstance(value, dict)
        and "last" in value
        and value.keys() <= {"last", "best"}
        and all(isinstance(each, str) for each in value.values())
    )


def seeds(value: object) -> bool:
    """One or more seeds, each once."""
    return isinstance(value, list) and value != [] and all(map(count, value)) and len(set(value)) == len(value)


def variants(value: object) -> bool:
    """One or more variants, each name once: a list as tables and figures take it, or the settings of each by its name."""
    shape = (
        {str: dict} if isinstance(value, dict) else [{"name": str, "label?": str, "published?": {"accuracy": share, "confusion": share}}]
    )
    if difference(value, shape) is not None or not value:
        return False
    return isinstance(value, dict) or len({variant["name"] for variant in value}) == len(value)


def compared_variants(value: object) -> bool:
    """Variants as the comparison takes them, with what their runs must have been made with."""
    return variants(value) and difference(value, [{"name": str, "label": str, "train": dict, "code": str}]) is None


def pairs(value: object) -> bool:
    """Pairs of two classes, each once."""
    return difference(value, [(str, str)]) is None and len({tuple(pair) for pair in value if pair[0] != pair[1]}) == len(value)


def some_pairs(value: object) -> bool:
    """One or more pairs of classes."""
    return pairs(value) and len(value) > 0


# What files hold as far as jobs rely on it. A type stands for its values, a list for lists of its one shape, a tuple for lists of just so
# many, a set for its members, a map for its keys (with a ``?`` they may be missing; ``str`` stands for all others), a function for what it
# accepts; ``|`` joins types.
PAIRS = {"pairs": [(str, str)]}
DATASET = {"kind": str, "name": str, "classes": [str], "size": side, "mean": (float,) * 3, "std": (float,) * 3, "sha256": str}
SPLIT = {"data_sha256": str, "training": [count], "validation": [count]}
PICTURES = {"source": str, "fingerprint": str, "test_share?": share, "counts": {str: {"train": count, "test": count}}}
PROPOSALS = {"round": count, "trials": [{"trial": count, "recipe": dict}]}
SEARCHED = {key: float for key in ("learning_rate", "weight_decay", "momentum", "dropout")}
TRIAL = {"trial": count, "round": count, "value": float, "diverged": bool, "recipe": SEARCHED, "seconds": float}
NETWORK = {"classes": [str], "size": side, "precision": {"fp32", "bf16"}, "weights": weights}
MODEL = NETWORK | {"mean": (float,) * 3, "std": (float,) * 3}
RUN = NETWORK | {
    "variant": str,
    "seed": count,
    "fingerprint": str,
    "settings": dict,
    "recipe": dict,
    "data": {"name": str, "sha256": str},
    "code": str,
    "parameters": count,
    "epochs": count,
    "best_epoch": int | None,
    "seconds": float,
    "images_per_second": float,
    "peak_memory_mb": float,
    "device": str,
    "device_type": str,
    "threads": count,
    "versions": {"torch": str, str: str},
}
MEASURES = {
    "accuracy": share,
    "nll": float,
    "ece": float,
    "brier": float,
    "per_class": {str: float | None},
    "pairs": {str: {key: float for key in ("rate", "a_to_b", "b_to_a", "a_to_other", "b_to_other", "binary_error")}},
    "confusion": [[count]],
    "reliability": {key: [float] for key in ("count", "confidence", "correct")},
}
METRICS = {
    "variant": str,
    "seed": count,
    "fingerprint": str,
    "evaluated_on": str,
    "images": count,
    "models": {"last": MEASURES, str: MEASURES},
}

# What the keys of ``--settings`` hold.
REFERENCE = {"pair": (str, str), "confusion": share, "label": str, "source": str}
CLAIM = {"name": str, "sentence": str, "contrasts": [{"better": str, "than": str, "measures": [{"accuracy", "confusion"}]}]}
SETTINGS = {
    "study": str,
    "variants": variants,
    "seeds": seeds,
    "pairs": pairs,
    "baseline": str,
    "evaluated_on": {"test", "validation"},
    "references": [REFERENCE],
    "difficulty": {"easy": share, "hard": share},
    "contrasts": [(str, str)],
    "claims": [CLAIM],
    "margin": share,
    "allow_mixed": bool,
    "plane": [(str, float, float)],
    "count": some,
    "enabled": bool,
    "rounds": some,
    "batch": some,
    "space": {key: (float, float) for key in SEARCHED},
    "recipe": dict,
    "figures": [{"name": str, "title": str, "caption": str}],
    "commands": [str],
    "config": {"study": str, "variants": variants, "seeds": seeds, "baseline": str, "data": {"name": str}, "search": {"enabled": bool}},
}


def read(path: str | Path, shape: dict) -> dict:
    """A JSON file of that shape.

    Raises:
        UserError: the file is missing, is not JSON, or holds something else.
    """
    try:
        value = read_json(path)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, lists within lists within lists
        raise UserError(f"{path} is not valid JSON ({one_line(error, 100)}): delete it and run the step that makes it again") from None
    if told := difference(value, shape) or _unwritable(value):
        raise UserError(f"{path} is not what it should be ({told}): delete it and run the step that makes it again")
    return value


def _unwritable(value: object) -> str | None:
    """That a text holds half a character, which no file can show; JSON can."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "it holds half a character"
    return None


def metrics(path: str | Path) -> dict:
    """A metrics.json, whose counts and bins go with its classes.

    Raises:
        UserError: as ``read``.
    """
    value = read(path, METRICS)
    for name, model in value["models"].items():
        classes, bins = len(model["per_class"]), model["reliability"]
        square = {len(model["confusion"]), *map(len, model["confusion"])} == {classes}
        if not square or classes < 2 or len({len(each) for each in bins.values()}) > 1:
            raise UserError(
                f"{path} tells of {classes} classes, but not its counts or bins of {name}: delete it and evaluate the run again"
            )
    return value


def difference(value: object, shape: object, path: tuple = ()) -> str | None:
    """The first place in which a value has not that shape, in words; None if it has."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return _told(value, path)
        known = {key.removesuffix("?"): inner for key, inner in shape.items() if key is not str}
        for key in known:
            if key not in value and f"{key}?" not in shape:
                return f"{dotted([*path, key])} is missing"
        shapes = {key: known.get(key, shape.get(str)) for key in value if key in known or str in shape}
        return next(filter(None, (difference(value[key], inner, (*path, key)) for key, inner in shapes.items())), None)
    if isinstance(shape, list):
        (inner,) = shape
        if not isinstance(value, list):
            return _told(value, path)
        if inner is count and set(map(type, value)) <= {int} and 0 <= min(value, default=0) <= max(value, default=0) < LARGEST:
            return None  # long ones, in no time
        return next(filter(None, (difference(item, inner, (*path, place)) for place, item in enumerate(value))), None)
    if isinstance(shape, tuple):
        if not isinstance(value, list) or len(value) != len(shape):
            return _told(value, path)
        pairs = enumerate(zip(value, shape, strict=True))
        return next(filter(None, (difference(item, inner, (*path, place)) for place, (item, inner) in pairs)), None)
    if isinstance(shape, set):
        return None if isinstance(value, str) and value in shape else _told(value, path)
    return None if _fits(value, shape) else _told(value, path)


def _fits(value: object, shape: type | UnionType | Callable) -> bool:
    if isinstance(shape, UnionType):
        return any(value is None if each is type(None) else _fits(value, each) for each in get_args(shape))
    if not isinstance(shape, type):
        return shape(value)
    if shape in (int, float):  # true and false are no numbers, and every number is finite
        return type(value) in ((int,) if shape is int else (int, float)) and -LARGEST < value < LARGEST
    return isinstance(value, shape)


def _told(value: object, path: tuple) -> str:
    return f"{dotted(list(path)) if path else 'the whole'} is {shown(value)}"


def refuse_monsters(value: object) -> None:
    """Refuse what is too large to go through: a few lines of YAML may stand for more values than there are atoms, or hold themselves.

    Raises:
        ValueError: says so.
    """
    waiting, seen = [(value, 0)], 0
    while waiting:
        item, depth = waiting.pop()
        inner = list(item.values()) if isinstance(item, dict) else item if isinstance(item, list | tuple) else ()
        seen += 1 + len(inner)
        if isinstance(item, int) and abs(item) >= LARGEST:
            raise ValueError("holds a number of more than 18 digits: give a smaller one")
        if depth > DEEPEST or seen > MOST:
            raise ValueError(
                f"holds more than {f'{DEEPEST} levels' if depth > DEEPEST else f'{MOST:,} values'}: write it without aliases (& and *)"
            )
        waiting += [(each, depth + 1) for each in inner]
