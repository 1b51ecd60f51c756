"""Names of pairs of classes in files and tables: another one for every pair, whatever the classes are called."""

import json


def pair_name(a: str, b: str) -> str:
    """``cat-dog``; a class with a hyphen is in double quotes, so that ``"1-2"-3`` is not ``1-"2-3"``."""
    return f"{_quoted(a)}-{_quoted(b)}"


def pair_of(name: str) -> tuple[str, str]:
    """Both classes of a ``pair_name``."""
    if name.startswith('"'):
        first, end = json.JSONDecoder().raw_decode(name)
    else:
        first = name.partition("-")[0]
        end = len(first)
    second = name[end + 1 :]
    return first, json.loads(second) if second.startswith('"') else second


def shown_pair(a: str, b: str) -> str:
    """``cat–dog`` for readers, ``1-2 and 3`` where a class has a dash; underscores are spaces."""
    between = " and " if any(dash in a + b for dash in "-–") else "–"
    return f"{a}{between}{b}".replace("_", " ")


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False) if "-" in name or name.startswith('"') else name
