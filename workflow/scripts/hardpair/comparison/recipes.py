"""What the searches of a study chose, for its tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.files.readers import read_table
from hardpair.measures.metric_names import percent
from hardpair.search.optimum import Optimum, optimum

if TYPE_CHECKING:
    import pandas as pd


def read_optima(searches: list[dict], files: Sequence[Path]) -> list[Optimum]:
    """The outcome of each search from its trials.csv.

    Args:
        searches: of the settings; each has label, space and images.

    Raises:
        UserError: there is not one file for each search, or one cannot be read.
    """
    return [
        optimum(search["label"], table.to_dict("records"), search["space"], search["images"])
        for search, table in zip(searches, read_trials(searches, files), strict=True)
    ]


def read_trials(searches: list[dict], files: Sequence[Path]) -> list["pd.DataFrame"]:
    """The trials.csv of each search; arguments and errors as those of ``read_optima``."""
    if len(files) != len(searches):
        raise UserError(f"--trials names {len(files)} files, but the settings have {len(searches)} searches: name the trials.csv of each")
    columns = "trial", "round", "value", "diverged"
    return [read_table(file, *columns, *search["space"], key=["trial"]) for search, file in zip(searches, files, strict=True)]


def by_variant(recipes: list[dict], settings: dict) -> dict[str, dict]:
    """The recipe of each variant: the one that all share, or one for each in their order.

    Raises:
        UserError: there are neither one nor as many as variants.
    """
    names = [variant["name"] for variant in settings["variants"]]
    if len(recipes) not in (1, len(names)):
        raise UserError(f"--recipe names {len(recipes)} recipes for {len(names)} variants: name one for all, or one for each")
    return dict(zip(names, recipes if len(recipes) == len(names) else recipes * len(names), strict=True))


def files_of(searches: list[dict], folder: Path) -> list[Path]:
    """The trials.csv of each search in a study's folder."""
    return [folder / paths.TRIALS.format(own=search["own"]) for search in searches]


def recipes_table(optima: list[Optimum]) -> dict:
    """What each search chose, as texts: titles, and a row a search.

    A searched value is followed by the range of the trials near the best; a key that a variant sets itself has none, and only keys of every
    recipe have their value then.
    """
    keys = list(dict.fromkeys(key for outcome in optima for key in outcome.ranges))
    rows = []
    for outcome in optima:
        cells = [_value(outcome, key) for key in keys]
        value = f"{percent(outcome.best['value'])} ± {percent(outcome.tolerance)} %"
        rows.append([outcome.label, *cells, value, f"{outcome.best['trial']:.0f}", f"{outcome.trials}"])
    return {"titles": ["recipe of", *keys, "validation accuracy", "best trial", "trials"], "rows": rows}


def explanation(searches: list[dict]) -> str:
    """What the texts of ``recipes_table`` mean, as sentences."""
    own = "Each variant has its own recipe, from the same space and number of trials, except for keys that a variant sets itself."
    scope = own if searches[0]["own"] else "All variants share a recipe."
    ranges = "In brackets: the range of the values whose trials came within one standard error of the best, or that there is no other."
    return f"{scope} Recipes are chosen by validation accuracy (± one standard error over images). Trials are numbered from 0. {ranges}"


def _value(outcome: Optimum, key: str) -> str:
    if key not in outcome.ranges:
        return f"{outcome.best[key]:.4g} (set)" if key in outcome.best else "set"
    low, high = outcome.ranges[key]
    return f"{outcome.best[key]:.4g} ({low:.4g} to {high:.4g})" if low < high else f"{outcome.best[key]:.4g} (no other)"
