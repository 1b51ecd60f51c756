"""Modules that move: to other folders of a copy of the scripts, with the imports of all files changed as a developer would."""

import ast
import subprocess
import sys
from pathlib import Path


def move(scripts: Path, places: dict[str, str]) -> None:
    """Move modules from old to new dotted names, and sort the imports of all files anew."""
    for old, new in places.items():
        file = scripts.joinpath(*new.split(".")).with_suffix(".py")
        scripts.joinpath(*old.split(".")).with_suffix(".py").rename(_in_packages(file, scripts))
    for file in scripts.rglob("*.py"):
        file.write_text(_rewritten(file.read_text(), places))
    sort = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "I", "--fix", "--quiet", "."]
    subprocess.run(sort, cwd=scripts, check=True)


def _in_packages(file: Path, scripts: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    for folder in file.parents:
        if folder == scripts:
            return file
        if not (folder / "__init__.py").exists():
            (folder / "__init__.py").write_text('"""A package of modules that moved."""\n')
    raise ValueError(f"{file} does not lie in {scripts}")


def _rewritten(text: str, places: dict[str, str]) -> str:
    lines = text.splitlines(keepends=True)
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    for node in sorted(imports, key=lambda node: -node.lineno):
        if any(name in places for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))):
            statements = [_import(node.module, alias.name, alias.asname or alias.name, places) for alias in node.names]
            lines[node.lineno - 1 : node.end_lineno] = [f"{' ' * node.col_offset}{statement}\n" for statement in statements]
    return "".join(lines)


def _import(module: str, name: str, bound: str, places: dict[str, str]) -> str:
    module, _, name = places.get(f"{module}.{name}", f"{places.get(module, module)}.{name}").rpartition(".")
    return f"from {module} import {name}" + (f" as {bound}" if bound != name else "")
