"""State of a plugin that no checkpoint holds: what differs between a used module and one that was built anew and has its buffers."""

from collections import deque

from torch import nn

from hardpair.training.python_side import CODE, content, file_globals, has_content

AFFECTS_RESULTS = False


def difference(first: nn.Module, second: nn.Module) -> str | None:
    """The first attribute, or global of the module's file, in which two modules of one plugin differ, such as ``n`` or ``layer.n``.

    Objects that can neither be looked into nor be pickled count as equal, such as locks.
    """
    seen: dict = {}
    return _of_map(vars(first), vars(second), "", seen) or _of_map(*map(file_globals, (first, second)), "", seen)


def _of_map(first: dict, second: dict, where: str, seen: dict) -> str | None:
    """The first key in which two maps differ; names with two underscores are Python's own."""
    keys = [key for key in {**first, **second} if not str(key).startswith("__")]
    # A module keeps its parts in maps of their own, which nobody names.
    paths = {key: where if key in ("_modules", "_parameters", "_buffers") else f"{where}.{key}".lstrip(".") for key in keys}
    missing = next((paths[key] for key in keys if key not in first or key not in second), None)
    return missing or next(filter(None, (_of_value(first[key], second[key], paths[key], seen) for key in keys)), None)


def _of_value(first: object, second: object, where: str, seen: dict) -> str | None:
    """Where two values differ; None if they do not."""
    if first is second or (id(first), id(second)) in seen or isinstance(first, CODE):
        return None
    seen[id(first), id(second)] = first, second  # kept, so that no other object gets their identity
    if type(first).__qualname__ != type(second).__qualname__:
        return where
    if isinstance(first, dict):
        return _of_map(first, second, where, seen)
    if isinstance(first, list | tuple | deque):
        if len(first) != len(second):
            return where
        return next(filter(None, (_of_value(*pair, where, seen) for pair in zip(first, second, strict=True))), None)
    if isinstance(first, type) or not has_content(first):
        return _of_map(dict(vars(first)), dict(vars(second)), where, seen) if hasattr(first, "__dict__") else None
    return None if content(first) == content(second) else where
