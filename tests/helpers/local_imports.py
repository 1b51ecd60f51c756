"""What files import, read apart from the code hash, which leaves some modules out."""

import ast
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"


def modules(path: Path) -> set[str]:
    """Full names of the modules that a file imports, within functions too; of an imported name, also as if it were a module."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def local_files(*paths: Path) -> set[Path]:
    """Files and all local modules that they import, directly or not."""
    files, waiting = set(), [*paths]
    while waiting:
        path = waiting.pop()
        if path not in files and path.is_file():
            files.add(path)
            for name in modules(path):
                module = SCRIPTS.joinpath(*name.split("."))
                waiting += [module.with_suffix(".py"), *(folder / "__init__.py" for folder in (module, *module.parents))]
    return files
