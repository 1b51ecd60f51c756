"""The tables of runs that figures are made of."""

from collections.abc import Callable
from pathlib import Path

from hardpair.comparison.runs import Runs

TABLES = {
    "measures": lambda runs, settings: runs.measures(settings["pairs"][0]),
    "epochs": lambda runs, settings: runs.epochs(settings["pairs"][0]),
    "refreshes": lambda runs, settings: runs.refreshes(settings["pairs"][0]),
    "difficulty": lambda runs, settings: runs.difficulty(settings["difficulty"]["easy"], settings["difficulty"]["hard"]),
    "reliability": lambda runs, settings: runs.reliability(),
}


def of_runs(*names: str) -> Callable[[dict[str, Path], dict], list]:
    """The function ``read`` of a figure that is made of these ``TABLES`` of the runs in the folder ``runs``."""

    def read(files: dict[str, Path], settings: dict) -> list:
        runs = Runs.declared(files["runs"], settings)
        return [TABLES[name](runs, settings) for name in names]

    return read
