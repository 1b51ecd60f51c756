"""The classes of a plugin's file and their options, read without running it, and the errors of its code in words."""

import ast
import contextlib
import math
import re
import sys
import traceback
from collections.abc import Container, Iterator
from pathlib import Path

from hardpair.errors import UserError
from hardpair.files.regular import check_regular

AFFECTS_RESULTS = False
CLASSES = {"losses": "Loss", "samplers": "Sampler", "networks": "Network"}  # of each package's files
# Parameters of a constructor before its options.
FIRST = {"losses": ["self", "counts"], "samplers": ["self", "labels"], "networks": ["self", "classes", "size"]}
# Messages of PyTorch for a module whose constructor does not call that of its base class, and of Python for wrong arguments.
NOT_BUILT = re.compile(r"before Module\.__init__\(\) call|has no attribute '_(parameters|buffers|modules)'")
METHOD = re.compile(r"^\w+\.(\w+)\(\) (takes|missing|got)")
TYPES = {bool: "boolean", int: "number", float: "number", str: "string"}


def read(path: Path, others: Container[str]) -> dict[str, dict[str, dict]]:
    """The options of the constructors of a plugin's classes, as parts of a schema, by package and name.

    Args:
        others: kinds of other plugins.

    Raises:
        UserError: the file is missing, is not Python, holds no such class, or has a name that is taken.
    """
    if not path.stem.isidentifier() or path.suffix != ".py":
        raise UserError(f"plugins names {path}: name a Python file like my_loss.py, in letters, digits and _")
    if path.stem in others or any((Path(__file__).parent / package / path.name).exists() for package in CLASSES):
        raise UserError(f"plugins names {path}, but there is another loss, sampler or network of the kind {path.stem}: rename the file")
    classes = {node.name: node for node in _tree(path).body if isinstance(node, ast.ClassDef)}
    found = {package: classes[name] for package, name in CLASSES.items() if name in classes}
    if not found:
        raise UserError(f"plugins names {path}, which has no class Loss, Sampler or Network: add one")
    return {package: _options_of(path, definition, package) for package, definition in found.items()}


@contextlib.contextmanager
def errors_of(path: Path, name: str) -> Iterator[None]:
    """Turn what the code of a plugin's class ``name`` raises into a sentence with its file and line.

    Errors in how its methods are called are raised outside them: these have the line of the method.

    Raises:
        UserError: in place of any other exception.
    """
    try:
        yield
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).resolve() == path.resolve()]
        text, advice = str(error).strip().partition("\n")[0], "correct the plugin"
        if isinstance(error, AttributeError) and NOT_BUILT.search(text):
            lines, advice = _lines_of(path, name, "__init__"), "call super().__init__(...) first in its constructor"
        elif isinstance(error, TypeError) and (called := METHOD.search(text)) and (defined := _lines_of(path, name, called[1])):
            lines, advice = defined, "correct its arguments"
        elif isinstance(error, SystemExit):
            text, advice = "it ends the program", "remove the call, such as sys.exit() or parse_args()"
        elif isinstance(error, ModuleNotFoundError) and error.name and any(map(Path.exists, _beside(path, error.name))):
            advice = f"move the code of {error.name} into the plugin, since files beside it are not found"
        elif isinstance(error, ModuleNotFoundError) and error.name and "." not in error.name:
            advice = f"install the package that has it, as by `{sys.executable} -m pip install {error.name}`, or correct the plugin"
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        raise UserError(f"{where}: {type(error).__name__}{text and f': {text}'}; {advice}") from error


def _beside(path: Path, module: str) -> Iterator[Path]:
    """Where a module of that name would lie in the folder of a file."""
    name = module.partition(".")[0]
    return (path.parent / place for place in (name, f"{name}.py"))


def _lines_of(path: Path, name: str, method: str) -> list[int]:
    """The lines in which a method of a class is defined."""
    classes = [node for node in _tree(path).body if isinstance(node, ast.ClassDef) and node.name == name]
    return [node.lineno for part in classes for node in part.body if isinstance(node, ast.FunctionDef) and node.name == method]


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
        value = ...
    if not _is_plain(value):
        raise UserError(
            f"{path}: the default of {name} is not a plain value: write a number, a text, True, False or None there, or a list or map of "
            "them with texts as keys"
        )
    return {"description": f"Option of {path.name}.", "default": value} | ({"type": TYPES[type(value)]} if type(value) in TYPES else {})


def _is_plain(value: object) -> bool:
    """Whether a value is the same after it has been written as JSON, up to tuples."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))


def _tree(path: Path) -> ast.Module:
    try:
        check_regular(path)
        return ast.parse(path.read_bytes())
    except OSError as error:
        raise UserError(f"plugins names {path}: {error.strerror}; check the path, which starts from the working directory") from None
    except SyntaxError as error:
        raise UserError(
            f"plugins names {path}, which is not valid Python: {f'line {error.lineno}: ' * bool(error.lineno)}{error.msg}"
        ) from None
    except ValueError as error:
        raise UserError(f"plugins names {path}, which is not valid Python: {error}") from None
