"""Maps in YAML and JSON as users write them. Imports nothing heavy."""

import codecs
import os
import unicodedata
from pathlib import Path

from hardpair.config.sentences import advice
from hardpair.errors import UserError, one_line
from hardpair.files import json_text
from hardpair.files.json_text import MAX_LEVELS
from hardpair.files.shapes import LARGEST
from hardpair.files.visible import visible_files

AFFECTS_RESULTS = False
MAX_VALUES, MAX_BYTES = 2_000_000, 2**24


def read_map(source: str | Path) -> dict:
    """A map given as JSON text or as the path of a JSON or YAML file.

    Raises:
        UserError: it cannot be read, is too large, or is something else.
    """
    text = str(source)
    as_json, parsed = text.lstrip().startswith(("{", "[")), False
    try:
        value = json_text.load(text) if as_json else _of_file(text)
        parsed = True
        refuse_oversized(value)
    except ValueError as error:
        if as_json:
            place = "the JSON text" if parsed else "not valid JSON:"
        else:
            place = f"{text[:200]}{',' if str(error).startswith('line ') else ':'}"
        raise UserError(f"{place} {one_line(error)}") from None
    if not isinstance(value, dict):
        raise UserError(f"{text[:60]!a} is {'empty' if value is None else 'not a map of keys and values'}: write at least one `key: value`")
    return value


def _of_file(name: str) -> object:
    """The value of a JSON or YAML file.

    Raises:
        ValueError: says what is wrong with it.
    """
    from hardpair.files import yaml_text

    path, text = Path(name), _text(name)
    if path.suffix.lower() == ".json" or text.lstrip().startswith("{"):
        try:
            return json_text.load(text)
        except json_text.Repeated:
            raise
        except ValueError:
            if path.suffix.lower() == ".json":
                raise
    return yaml_text.load(text)


def _text(name: str) -> str:
    """The text of a file.

    Raises:
        UserError: it is missing, is no file or too large.
        ValueError: it is not UTF-8.
    """
    try:
        path = located(name)
        if not path.exists():
            others = [str(other) for other in visible_files(path.parent.glob("*")) if other.suffix in (".yaml", ".yml", ".json")]
            raise UserError(f"{name[:200]} does not exist: {advice(path, others, 'check the path')}")
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            raise UserError(f"{name[:200] or path} is not a text file of at most {MAX_BYTES // 2**20} MiB: name a YAML or JSON file")
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except (OSError, ValueError) as error:  # a name that is too long or has a null character
        raise UserError(f"{name[:200]} cannot be read: {getattr(error, 'strerror', None) or one_line(error)}") from None
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line}: the byte 0x{content[error.start]:02x} is not UTF-8: save the file as UTF-8") from None


def located(name: str) -> Path:
    """The path of that name, ``~`` expanded, in the normal form of Unicode that the file system has for it, if it has one."""
    try:
        path = Path(name).expanduser()
    except RuntimeError:  # of a user who is not there
        path = Path(name)
    forms = (path, *(Path(unicodedata.normalize(form, str(path))) for form in ("NFC", "NFD")))
    return next(filter(os.path.exists, forms), path)


def composed(value: object) -> object:
    """A copy with all texts in the composed normal form of Unicode (NFC), so that equal words are equal texts; keys stay as they are."""
    if isinstance(value, dict):
        return {key: composed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [composed(item) for item in value]
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


def refuse_oversized(value: object) -> None:
    """Refuse a value that is too large to process: aliases of YAML may stand for any number of values.

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
