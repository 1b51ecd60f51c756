"""Hashes of code, so that a job runs again exactly when what it computes may have changed.

They are the same wherever a module lies and under every supported Python. A module that only checks, reports or chooses a device says
``AFFECTS_RESULTS = False`` and is left out, its own imports with it: whatever decides a result reaches the job through its settings.
"""

import ast
import functools
import hashlib
from collections.abc import Iterator
from itertools import filterfalse, groupby
from pathlib import Path

from hardpair.errors import UserError
from hardpair.files.visible import visible_files

AFFECTS_RESULTS = False
SCRIPTS = Path(__file__).parents[2]

# Names that identify what is imported, and the local files that it comes from.
Import = tuple[tuple[str, ...], tuple[Path, ...]]


@functools.cache
def code_hash(script: str, *also: str) -> str:
    """Hash of a script and of all local modules that it imports, directly or not, within functions too.

    Comments, docstrings, layout, the order of consecutive imports, and times and places of files do not count.

    Args:
        script: path relative to workflow/scripts, such as ``train.py``.
        also: modules imported by name at run time (``hardpair/losses/focal.py``, or an absolute path), or files of another type, which
            count byte by byte.
    """
    return _sha256(sorted((Path(file).name, _digest(SCRIPTS / file)) for file in {script, *also}))[:16]


def planned(*files: str) -> str:
    """``code_hash`` of these files, and a hash of the bytes that it depends on, which takes no time: ``of_now`` compares them."""
    return f"{code_hash(*files)}-{_bytes(*files)}"


def of_now(*files: str, planned: str | None) -> str:
    """``code_hash`` of these files as a job finds them, computed anew only if one of them has other bytes than when the job was planned.

    Args:
        planned: by the function of this name, perhaps hours before; None where nothing was planned.

    Raises:
        UserError: it is another by now: the job would be recorded as one of code that it was not run by.
    """
    code, _, stamp = (planned or "").partition("-")
    if planned and stamp == _bytes(*files):
        return code
    if planned and code != code_hash(*files):
        raise UserError("the code of this job has changed since it was planned: end the study's command and start it again")
    return code_hash(*files)


def _bytes(*files: str) -> str:
    """Hash of the bytes of these files and of all modules, whatever their order."""
    others = {path: _file_bytes(path) for file in files if (path := SCRIPTS / file) not in _modules()}
    return _sha256(sorted([*_modules().values(), *others.values()]))[:16]


@functools.cache
def _modules() -> dict[Path, str]:
    """Hash of the bytes of each script and module."""
    return {path: _file_bytes(path) for path in visible_files(SCRIPTS.rglob("*.py"))}


def _file_bytes(path: Path) -> str:
    return hashlib.sha256(_content(path)).hexdigest()


@functools.cache
def _content(path: Path) -> bytes:
    """The bytes of a file, read once, so that the hash of code and that of its bytes are of the same."""
    return path.read_bytes()


@functools.cache
def _digest(path: Path, depth: int = 64) -> str:
    """Hash of a file in which a local import stands for the digests of its files; empty if nothing in the file counts.

    Imports are followed ``depth`` files deep, so that circular ones end.
    """
    code, runs = _parsed(path)
    digests = [
        sorted((names, [digest for file in files if depth and (digest := _digest(file, depth - 1))]) for names, files in run)
        for run in runs
    ]
    return code and _sha256([code, digests])


@functools.cache
def _parsed(path: Path) -> tuple[str, list[list[Import]]]:
    """The code of a file as text, empty if it has none that counts, and what is imported at each place that the text calls imports."""
    if path.suffix != ".py":
        return _sha256(_content(path)), []
    tree = ast.parse(_content(path))
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="AFFECTS_RESULTS")], value=ast.Constant(value=False)):
                return "", []
    runs: list[list[Import]] = []
    code = _text(tree, runs)
    return "" if code == "Module()" else code, runs


def _text(node: object, runs: list[list[Import]]) -> str:
    """A syntax tree as text, its imports added to ``runs``. ``ast.dump`` and ``ast.unparse`` depend on the version of Python."""
    if isinstance(node, ast.JoinedStr):  # some versions add empty texts
        node = ast.JoinedStr([value for value in node.values if getattr(value, "value", None) != ""])
    if isinstance(node, ast.AST):
        texts = [
            f"{name}={text}"
            for name in _fields(type(node))
            if (value := getattr(node, name, None)) is not None and value != [] and (text := _text(value, runs)) != "[]"
        ]
        return f"{type(node).__name__}({','.join(texts)})"
    if isinstance(node, list):
        if not (node and isinstance(node[0], ast.stmt)):  # expressions, most of all lists, which hold no imports
            return f"[{','.join([_text(item, runs) for item in node])}]"
        items = []
        for imports, group in groupby(filterfalse(_idle, node), lambda item: isinstance(item, ast.Import | ast.ImportFrom)):
            if imports:  # their order depends on where modules lie
                runs.append([imported for statement in group for imported in _imports(statement)])
                items.append("imports")
            else:
                items += [_text(item, runs) for item in group]
        return f"[{','.join(items)}]"
    return hex(node) if type(node) is int else ascii(node)  # str() refuses long integers; repr() escapes what its Unicode lacks


@functools.cache
def _fields(kind: type[ast.AST]) -> list[str]:
    return [name for name in sorted(kind._fields) if name != "kind"]  # "u" of u""


def _idle(node: object) -> bool:
    """Whether a statement does nothing: ``pass``, ``...``, a docstring, imports for type checkers."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" and not node.orelse
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _imports(statement: ast.Import | ast.ImportFrom) -> Iterator[Import]:
    for alias in statement.names:
        bound = alias.asname or alias.name
        module, name = alias.name, ""
        if isinstance(statement, ast.ImportFrom):
            module, name = "." * statement.level + (statement.module or ""), alias.name
        if files := _module_files(f"{module}.{name}" if name else module):
            yield (bound,), files
        elif files := _module_files(module):
            yield (name, bound), files
        else:
            yield (module, name, bound), ()


@functools.cache
def _module_files(name: str) -> tuple[Path, ...]:
    """The ``__init__.py`` of each package on the way to a local module, and its own file; nothing for other modules."""
    steps = name.split(".")
    *packages, module = (SCRIPTS.joinpath(*steps[:depth]) for depth in range(1, len(steps) + 1))
    own = [file for file in (module / "__init__.py", module.with_suffix(".py")) if file.is_file()]
    return (*filter(Path.is_file, (package / "__init__.py" for package in packages)), *own[:1]) if own else ()


def _sha256(value: object) -> str:
    return hashlib.sha256(ascii(value).encode()).hexdigest()
