"""JSON (RFC 8259), of which nothing is dropped or turned into another value. Imports nothing heavy."""

import json
import math
import re
import stat
from pathlib import Path

from hardpair.errors import UserError, one_line
from hardpair.files import own_digest

AFFECTS_RESULTS = False
MAX_LEVELS = 40  # of maps and lists within each other
MAX_BYTES = 2**28  # of a file; the split of ten million images has half as many


class Repeated(ValueError):
    """A map has a key twice."""


def read_json(path: str | Path) -> object:
    """The value of a JSON file that the workflow has written.

    Raises:
        UserError: the file is missing, no file, too large, not JSON, or does not match the digest that it holds of itself.
    """
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            raise UserError(
                f"{path} is not a text file of at most {MAX_BYTES // 2**20} MiB: delete it and run the step that makes it again"
            )
        value = load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run the step that makes it first") from None
    except ValueError as error:  # also where it is no UTF-8, or a number has thousands of digits
        raise UserError(f"{path} is not valid JSON ({one_line(error, 100)}): delete it and run the step that makes it again") from None
    if not own_digest.agrees(value):
        raise UserError(f"{path} was damaged or edited, its SHA-256 is not the one in it: delete it and run the step that makes it again")
    return value


def load(text: str) -> object:
    """The value of a JSON text.

    Raises:
        ValueError: names what is wrong: it is no JSON, has a key twice, or a number with a fraction or exponent that
            64 bits cannot hold.
    """
    try:
        return json.loads(text, object_pairs_hook=_map, parse_constant=_no_number, parse_float=read_float)
    except Repeated as error:
        raise _with_lines(error, text) from None
    except RecursionError:
        raise ValueError("it holds too many levels: write it flatter") from None


def _with_lines(error: Repeated, text: str) -> Repeated:
    """The error of the reader of YAML, which nearly all JSON is: it gives the line."""
    from hardpair.files import yaml_text

    try:
        yaml_text.load(text)
    except Repeated as located:
        return located
    except ValueError:  # not so here
        pass
    return error


def _map(pairs: list[tuple[str, object]]) -> dict:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in names if names.count(name) > 1)
        raise Repeated(f"the key {json.dumps(name[:40])} is there twice: remove one of them")
    return value


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not a number in JSON: give a finite one")


def read_float(text: str) -> float:
    """A number with a fraction or an exponent.

    Raises:
        ValueError: 64 bits cannot hold it.
    """
    value = float(text)
    if math.isinf(value) or (value == 0 and re.search("[1-9]", re.split("[eE]", text)[0])):
        raise ValueError(f"{text[:40]} is too {'large' if value else 'close to 0'} for a number of 64 bits: write another")
    return value
