"""Losses, samplers and networks of the user's own, each a Python file that the config names. Nothing of it is run before a job needs it."""

import ast
import contextlib
import importlib
import importlib.util
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from hardpair.errors import UserError

CLASSES = {"losses": "Loss", "samplers": "Sampler", "networks": "Network"}  # of each package's files
# Parameters of a constructor before its options.
FIRST = {"losses": ["self", "counts"], "samplers": ["self", "labels"], "networks": ["self", "classes", "size"]}
PARTS = {"loss": "losses", "sampler": "samplers", "network": "networks"}  # keys of a variant that name a kind
PREFIX = "hardpair_plugin_"  # of the names of their modules
TYPES = {bool: "boolean", int: "number", float: "number", str: "string"}

_used: dict[str, Path] = {}  # by kind
_options: dict[str, dict[str, dict]] = {package: {} for package in CLASSES}  # of each kind, by package


def use(paths: list[str] | list[Path]) -> None:
    """From now on use what these files hold in addition to what comes with the workflow; their kinds are the files' names.

    Raises:
        UserError: a file is missing, is not Python, holds no such class, or has a name that is taken.
    """
    _used.clear()
    for options in _options.values():
        options.clear()
    for path in map(Path, paths):
        if not path.stem.isidentifier() or path.suffix != ".py":
            raise UserError(f"plugins names {path}: name a Python file like my_loss.py, in letters, digits and _")
        if path.stem in _used or any((Path(__file__).parent / package / path.name).exists() for package in CLASSES):
            raise UserError(f"plugins names {path}, but there is another loss, sampler or network of the kind {path.stem}: rename the file")
        classes = {node.name: node for node in _tree(path).body if isinstance(node, ast.ClassDef)}
        packages = [package for package, name in CLASSES.items() if name in classes]
        if not packages:
            raise UserError(f"plugins names {path}, which has no class Loss, Sampler or Network: add one")
        for package in packages:
            _options[package][path.stem] = _options_of(path, classes[CLASSES[package]], package)
        _used[path.stem] = path


def options(package: str) -> dict[str, dict]:
    """The kinds that plugins add to a package of ``CLASSES``: for each the options of its constructor, as parts of a schema."""
    return _options[package]


def arguments(package: str, settings: dict) -> dict:
    """The options in settings as the constructor takes them: where its default is a float, a whole number is one too.

    The commands of jobs have 1.0 as 1, which in a buffer would make integers of all that follows.
    """
    known = _options[package].get(settings["kind"], {})
    floats = {name for name, about in known.items() if isinstance(about.get("default"), float)}
    return {key: float(value) if key in floats and type(value) is int else value for key, value in settings.items() if key != "kind"}


def used_by(*variants: dict) -> list[str]:
    """The plugins that these variants need."""
    kinds = {variant[part]["kind"] for variant in variants for part in PARTS if part in variant}
    return [str(path) for kind, path in _used.items() if kind in kinds]


def is_own(kind: str) -> bool:
    """Whether a loss, sampler or network is a plugin."""
    return kind in _used


def exists(package: str, kind: str) -> bool:
    """Whether there is a loss, sampler or network of that kind."""
    return kind in _used or (Path(__file__).parent / package / f"{kind}.py").exists()


def origin(module: str) -> str:
    """Where the class of a loss, sampler or network comes from, by the name of its module: a plugin's file, or a kind of the workflow."""
    kind = module.rpartition(".")[2].removeprefix(PREFIX)
    return str(_used[kind]) if module == f"{PREFIX}{kind}" and kind in _used else kind


@contextlib.contextmanager
def errors_of(kind: str) -> Iterator[None]:
    """Turn what the code of a plugin raises into a sentence with its file and line.

    Raises:
        UserError: in place of any other exception.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        path = _used[kind]
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).resolve() == path.resolve()]
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        text = str(error).strip().partition("\n")[0]
        raise UserError(f"{where}: {type(error).__name__}{text and f': {text}'}; correct the plugin") from error


def code_files(variant: dict) -> list[str]:
    """The files of a variant's loss, sampler and network as ``code_hash`` takes them; without a key ``network``, the latter is cnn."""
    pairs = ((package, variant.get(part, {"kind": "cnn"})["kind"]) for part, package in PARTS.items())
    return [str(_used[kind].resolve()) if kind in _used else f"hardpair/{package}/{kind}.py" for package, kind in pairs]


def _options_of(path: Path, definition: ast.ClassDef, package: str) -> dict[str, dict]:
    """The options of a class, which its constructor takes by name."""
    constructor = next((node for node in definition.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"), None)
    if constructor is None:
        bases = [ast.unparse(base) for base in definition.bases]
        if bases in ([], ["nn.Module"], ["torch.nn.Module"], ["Module"]):  # whose constructor takes none of them
            first = ", ".join(FIRST[package])
            raise UserError(
                f"{path}: the class {definition.name} has no constructor: write __init__, whose first arguments must be {first}"
            )
        return {}
    parameters, message = constructor.args, f"{path}: the constructor of {definition.name} takes"
    names = [argument.arg for argument in parameters.posonlyargs + parameters.args]
    first = len(FIRST[package])
    if names[:first] != FIRST[package]:
        raise UserError(f"{message} {', '.join(names)}: its first arguments must be {', '.join(FIRST[package])}")
    for stars, rest in (("*", parameters.vararg), ("**", parameters.kwarg)):
        if rest:
            raise UserError(f"{message} {stars}{rest.arg}: name each option instead")
    for argument in parameters.posonlyargs[first:]:
        raise UserError(f"{message} {argument.arg} by position only: move the / before it")
    names += [argument.arg for argument in parameters.kwonlyargs]
    if "kind" in names:
        raise UserError(f"{message} kind, which is the key that names the plugin: rename it")
    defaults = parameters.defaults + parameters.kw_defaults
    defaults = [None] * (len(names) - len(defaults)) + defaults
    return {name: _schema(path, name, default) for name, default in zip(names[first:], defaults[first:], strict=True)}


def _schema(path: Path, name: str, default: ast.expr | None) -> dict:
    if default is None:
        return {"description": f"Option of {path.name}."}
    try:
        value = ast.literal_eval(default)
    except ValueError:
        raise UserError(f"{path}: the default of {name} is not a plain value: write a number, a text, true or false there") from None
    return {"description": f"Option of {path.name}.", "default": value} | ({"type": TYPES[type(value)]} if type(value) in TYPES else {})


def _tree(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except OSError as error:
        raise UserError(f"plugins names {path}: {error.strerror}; check the path, which starts from the working directory") from None
    except SyntaxError as error:
        raise UserError(f"plugins names {path}, which is not valid Python: line {error.lineno}: {error.msg}") from None
    except ValueError as error:
        raise UserError(f"plugins names {path}, which is not valid Python: {error}") from None


def module(package: str, kind: str) -> ModuleType:
    """The module of a loss, sampler or network."""
    if (path := _used.get(kind)) is None:
        return importlib.import_module(f"hardpair.{package}.{kind}")
    spec = importlib.util.spec_from_file_location(f"{PREFIX}{kind}", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded
