"""Hashes of code, so that a job runs again exactly when what it computes may have changed."""

import ast
import functools
import hashlib
from pathlib import Path

SCRIPTS = Path(__file__).parents[2]

# They check, report, name files and choose a device: what decides a result is in the settings. A better message retrains nothing.
CHECKS = (
    "errors",
    "cli/command",
    "cli/inputs",
    "config/consistency",
    "config/resolve",
    "config/schema",
    "config/sentences",
    "files/paths",
    "files/shapes",
)
CHECKS += ("jobs/gpu", "jobs/progress", "jobs/stopping", "staleness/code_hash")
UNCOUNTED = {SCRIPTS / "hardpair" / f"{name}.py" for name in CHECKS}


@functools.cache
def code_hash(script: str, *also: str) -> str:
    """Hash of a script and of all local modules that it imports, directly or not.

    Comments, docstrings, layout and times of files do not count: the hash is over syntax trees. Imports inside functions count.

    Args:
        script: path relative to workflow/scripts, such as ``train.py``.
        also: modules imported by name at run time (``hardpair/losses/focal.py``, or a whole path), or files of another type, which count
            byte by byte.
    """
    digest = hashlib.sha256()
    for path in sorted(_reachable([SCRIPTS / script, *(SCRIPTS / name for name in also)])):
        name = path.relative_to(SCRIPTS) if path.is_relative_to(SCRIPTS) else path.name  # a plugin is the same wherever it lies
        digest.update(f"{name}\n".encode())
        digest.update(_essence(path))
    return digest.hexdigest()[:16]


def _reachable(paths: list[Path]) -> set[Path]:
    """The files themselves and every local module that they import."""
    found: set[Path] = set()
    while paths:
        path = paths.pop()
        if path not in found and path not in UNCOUNTED:
            found.add(path)
            paths += _local_imports(path)
    return found


@functools.cache
def _local_imports(path: Path) -> tuple[Path, ...]:
    if path.suffix != ".py":
        return ()
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return tuple(path for name in names for path in _module_files(name))


def _module_files(name: str) -> list[Path]:
    """The file of a local module and the ``__init__.py`` of each package on its way; nothing for other modules."""
    steps = name.split(".")
    files = [SCRIPTS.joinpath(*steps[:depth], "__init__.py") for depth in range(1, len(steps) + 1)]
    files.append(SCRIPTS.joinpath(*steps).with_suffix(".py"))
    return [file for file in files if file.is_file()]


@functools.cache
def _essence(path: Path) -> bytes:
    """What a file does: its syntax tree without docstrings, or its bytes if it is not Python."""
    if path.suffix != ".py":
        return path.read_bytes()
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or ([] if isinstance(node, ast.Module) else [ast.Pass()])
    return ast.unparse(ast.fix_missing_locations(tree)).encode()
