"""The Python side of a captured step: what its replays do not read again."""

import inspect
import pickle
import random
import warnings
from collections import deque
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import torch
from torch import nn

from hardpair import plugins

CODE = (FunctionType, BuiltinFunctionType, MethodType, ModuleType, property, classmethod, staticmethod)
PLAIN = (bool, int, float, str, type(None))
REGISTERED = ("_buffers", "_parameters")  # maps of a module


class PythonSide:
    """The attributes of a module and of its parts at one moment; two of them are equal if a captured step replays the same at both.

    Of a plugin the globals of its file and the attributes of the classes there count too.

    Containers and objects are looked into. Of a tensor its place counts, because a replay reads what is there by then. If it is on the CPU
    and not registered, its values count too: kernels may have got them as arguments.
    """

    def __init__(self, module: nn.Module) -> None:
        self._containers: list[tuple[dict | list | deque | set, dict | list | deque | set]] = []
        self._seen: dict[int, object] = {}  # kept, so that no other object gets their identity or place
        self._values = list(self._look_at(module))
        if type(module).__module__.startswith(plugins.PREFIX):
            for attributes in (file_globals(module), *map(vars, file_classes(module))):
                own = {name: value for name, value in attributes.items() if not name.startswith("__")}  # the others are Python's
                self._values += [each for name, value in own.items() for each in (name, *self._look_at(value))]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PythonSide) and self._values == other._values

    def restore(self) -> None:
        """Let containers, such as the maps of attributes and buffers, have what they had at that moment."""
        for container, before in self._containers:
            container.clear()
            if isinstance(container, dict | set):
                container.update(before)
            else:
                container.extend(before)

    def _look_at(self, value: object, registered: bool = False) -> Iterator[object]:
        if isinstance(value, PLAIN):
            yield type(value), value
            return
        seen = id(value) in self._seen
        self._seen[id(value)] = value
        if isinstance(value, torch.Tensor):
            yield value.data_ptr(), value.device, value.device.type == "cpu" and not registered and content(value)
        elif seen or isinstance(value, (*CODE, type)):
            yield id(value)
        elif isinstance(value, dict):
            self._containers.append((value, value.copy()))
            for key, item in value.items():
                yield key
                yield from self._look_at(item, registered or key in REGISTERED)
        elif isinstance(value, list | tuple | deque):
            if not isinstance(value, tuple):
                self._containers.append((value, value.copy()))
            yield len(value)
            for item in value:
                yield from self._look_at(item)
        elif has_content(value):
            if isinstance(value, set):
                self._containers.append((value, value.copy()))
            yield content(value)
        elif hasattr(value, "__dict__"):
            yield from self._look_at(vars(value))
        else:
            yield id(value)


def file_globals(module: nn.Module) -> dict[str, object]:
    """The globals of the file that defines a module's class; none of a file whose classes, of this one's bases, have no functions."""
    of_file = [vars(each) for each in type(module).__mro__ if each.__module__ == type(module).__module__]
    functions = (inspect.unwrap(value) for attributes in of_file for value in attributes.values() if isinstance(value, FunctionType))
    return next((function.__globals__ for function in functions if function.__module__ == type(module).__module__), {})  # no decorator's


def file_classes(module: nn.Module) -> list[type]:
    """The classes that the file of a module's class defines, also within others."""
    found, places = [], [file_globals(module), {"": type(module)}]
    for attributes in places:
        for value in attributes.values():
            if isinstance(value, type) and value.__module__ == type(module).__module__ and value not in found:
                found.append(value)
                places.append(vars(value))
    return found


def has_content(value: object) -> bool:
    """Whether a value can be compared by its content alone."""
    if isinstance(value, torch.Tensor | torch.Generator | random.Random):
        return True
    try:
        return not hasattr(value, "__dict__") and content(value) is not None
    except Exception:  # whatever an object raises that cannot be pickled
        return False


def content(value: object) -> object:
    """What two equal values have in common."""
    if isinstance(value, torch.Tensor):
        return value.dtype, tuple(value.shape), value.detach().cpu().flatten().view(torch.uint8).numpy().tobytes()
    if isinstance(value, torch.Generator):
        return value.get_state().numpy().tobytes()
    if isinstance(value, random.Random):
        return value.getstate()
    if isinstance(value, set | frozenset):
        return frozenset(value)
    with warnings.catch_warnings(action="ignore"):  # iterators, which newer versions of Python do not pickle
        return pickle.dumps(value)
