"""The scripts of benchmarks/ as modules of their own, whatever other modules have their names."""

import importlib.util
import sys
from types import ModuleType

from workspace import PROJECT

BENCHMARKS = PROJECT / "benchmarks"


def load(name: str) -> ModuleType:
    """A new module of the script; what it imports of the other scripts is found last."""
    if str(BENCHMARKS) not in sys.path:
        sys.path.append(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look
    spec.loader.exec_module(module)
    return module
