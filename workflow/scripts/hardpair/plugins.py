"""Losses, samplers and networks of the user's own, each a Python file that the config names. Nothing of it is run before a job needs it."""

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

from hardpair import plugin_files
from hardpair.plugin_files import CLASSES

PARTS = {"loss": "losses", "sampler": "samplers", "network": "networks"}  # keys of a variant that name a kind
PREFIX = f"{__name__}."  # of the names of their modules: this one is no package, so that none of that name can be installed

_used: dict[str, Path] = {}  # by kind
_options: dict[str, dict[str, dict]] = {package: {} for package in CLASSES}  # of each kind, by package


def use(paths: list[str] | list[Path]) -> None:
    """From now on use what these files hold in addition to what comes with the workflow; their kinds are the files' names.

    Raises:
        UserError: as ``plugin_files.read``.
    """
    for kind in _used:
        sys.modules.pop(PREFIX + kind, None)
    _used.clear()
    for options in _options.values():
        options.clear()
    for path in map(Path, paths):
        for package, options in plugin_files.read(path, _used).items():
            _options[package][path.stem] = options
        _used[path.stem] = path


def options(package: str) -> dict[str, dict]:
    """The kinds that plugins add to a package of ``CLASSES``: for each the options of its constructor, as parts of a schema."""
    return _options[package]


def build(package: str, settings: dict, *first: object, **more: object) -> object:
    """An instance of the loss, sampler or network that ``settings`` describe.

    An option of a plugin whose default is a float, or has floats, has them too where it is given as a whole number: the commands of jobs
    have 1.0 as 1, which in a buffer would make integers of all that follows.

    Args:
        package: ``losses``, ``samplers`` or ``networks``.
        settings: ``kind`` and its options.
        first, more: arguments of the constructor before and beside the options.
    """
    kind, options = settings["kind"], {key: value for key, value in settings.items() if key != "kind"}
    made = getattr(_module(package, kind), CLASSES[package])
    if is_own(kind):
        known = inspect.signature(made.__init__).parameters
        options = {key: _with_floats(value, known[key].default if key in known else None) for key, value in options.items()}
    return made(*first, **more, **options)


def _with_floats(value: object, default: object) -> object:
    """A value with floats for whole numbers where its default has floats, also within lists and maps."""
    if isinstance(value, list) and isinstance(default, list | tuple) and default:
        return [_with_floats(item, default[place] if place < len(default) else default[-1]) for place, item in enumerate(value)]
    if isinstance(value, dict) and isinstance(default, dict):
        return {key: _with_floats(item, default.get(key)) for key, item in value.items()}
    return float(value) if isinstance(default, float) and type(value) is int else value


def used_by(*variants: dict) -> list[str]:
    """The plugins that these variants need."""
    kinds = {variant[part]["kind"] for variant in variants for part in PARTS if part in variant}
    return [str(path) for kind, path in _used.items() if kind in kinds]


def is_own(kind: str) -> bool:
    """Whether a loss, sampler or network is a plugin."""
    return kind in _used


def file_of(kind: str) -> Path:
    """The file of a plugin."""
    return _used[kind]


def exists(package: str, kind: str) -> bool:
    """Whether there is a loss, sampler or network of that kind."""
    return kind in _used or (Path(__file__).parent / package / f"{kind}.py").exists()


def origin(module: str) -> str:
    """Where the class of a loss, sampler or network comes from, by the name of its module: a plugin's file, or a kind of the workflow."""
    kind = module.rpartition(".")[2]
    return str(_used[kind]) if module == f"{PREFIX}{kind}" and kind in _used else kind


def code_files(variant: dict) -> list[str]:
    """The files of a variant's loss, sampler and network as ``code_hash`` takes them; without a key ``network``, the latter is cnn."""
    pairs = ((package, variant.get(part, {"kind": "cnn"})["kind"]) for part, package in PARTS.items())
    return [str(_used[kind].resolve()) if kind in _used else f"hardpair/{package}/{kind}.py" for package, kind in pairs]


def _module(package: str, kind: str) -> ModuleType:
    """The module of a loss, sampler or network; a plugin's is run anew each time, so that nothing that it keeps reaches another run."""
    if kind not in _used:
        return importlib.import_module(f"hardpair.{package}.{kind}")
    name = PREFIX + kind
    spec = importlib.util.spec_from_file_location(name, _used[kind])
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded  # where dataclasses and pickle look for it
    try:
        spec.loader.exec_module(loaded)
    except BaseException:
        del sys.modules[name]
        raise
    return loaded
