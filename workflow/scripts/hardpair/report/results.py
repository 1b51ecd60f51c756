"""The tables of a study as its report takes them: about what the study declares, complete, each row once."""

import math
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from hardpair.comparison import claims, most_confused
from hardpair.comparison.tables import COLUMNS, CONTRAST_COLUMNS
from hardpair.comparison.verdicts import WORDS
from hardpair.errors import UserError
from hardpair.files.readers import contents_of, read_table
from hardpair.measures.metric_names import classes_of, compared_of, details_of, metrics_of
from hardpair.measures.pair_name import pair_of

if TYPE_CHECKING:
    import pandas as pd

RUNS = ["variant", "seed", "model", "epochs", "best_epoch", "seconds", "fingerprint"]
TABLES = {  # their columns, and those that name a row
    "runs": (RUNS, ("variant", "seed", "model")),
    "comparison": (COLUMNS, ("variant", "model", "metric")),
    "contrasts": (CONTRAST_COLUMNS, ("a", "b", "model", "metric")),
    "most_confused": (most_confused.COLUMNS, ("model", "pair", "variant")),
    "claims": ([*claims.COLUMNS, "declared"], ("name",)),
}


def read(folder: Path, settings: dict) -> dict[str, "pd.DataFrame"]:
    """runs.csv, comparison.csv, contrasts.csv, most_confused.csv and claims.csv of a study, by name.

    Args:
        settings: those of the report.

    Raises:
        UserError: a table is missing or damaged, or has other rows than those of the study.
    """
    more = {"runs": metrics_of(settings)}
    tables = {
        name: read_table(folder / f"{name}.csv", *columns, *more.get(name, ()), gaps=True, key=key)
        for name, (columns, key) in TABLES.items()
    }
    for name, expected in _rows(tables, settings).items():
        _refuse_others(folder / f"{name}.csv", list(tables[name][[*TABLES[name][1]]].itertuples(index=False, name=None)), expected)
    classes = set(classes_of(tables["runs"].columns))
    with contents_of(folder / "claims.csv"):
        if unknown := set(tables["claims"]["verdict"]) - set(WORDS):
            raise ValueError(f"verdict is {min(unknown)}")
    with contents_of(folder / "most_confused.csv"):
        ranked = tables["most_confused"].groupby("model")["pair"].nunique()
        pairs = min(most_confused.COUNT, math.comb(len(classes), 2))
        if wrong := next((model for model in tables["runs"]["model"].unique() if ranked.get(model, 0) != pairs), None):
            raise ValueError(f"it has {ranked.get(wrong, 0)} pairs of the model {wrong}, not {pairs}")
        tables["most_confused"]["pair"] = [_pair(text, classes) for text in tables["most_confused"]["pair"]]
    return tables


def _pair(text: str, classes: set[str]) -> str:
    """The name of a pair of these classes in a cell, which may have an apostrophe before it (``csv_text.inert``)."""
    for name in (text, text.removeprefix("'")):
        if classes.issuperset(pair_of(name)):
            return name
    raise ValueError(f"pair is {text}")


def _rows(tables: dict[str, "pd.DataFrame"], settings: dict) -> dict[str, list[tuple]]:
    """The names of the rows of each table."""
    config, answer = settings["config"], settings["answer"]
    variants, contrasts = [variant["name"] for variant in config["variants"]], [tuple(pair) for pair in answer["contrasts"]]
    models = list(dict.fromkeys(["last", *tables["runs"]["model"]]))
    metrics, ranked = metrics_of(settings), tables["most_confused"]
    details = details_of(settings["pairs"], classes_of(tables["runs"].columns))
    return {
        "runs": list(product(variants, config["seeds"], models)),
        "comparison": list(product(variants, models, metrics + details)),
        "contrasts": [(*pair, model, metric) for pair in contrasts for model in models for metric in compared_of(settings)],
        "most_confused": [(*row, name) for row in set(zip(ranked["model"], ranked["pair"], strict=True)) for name in variants],
        "claims": [(claim["name"],) for claim in answer["claims"]],
    }


def _refuse_others(path: Path, found: Iterable[tuple], expected: Iterable[tuple]) -> None:
    known = set(expected)
    for row, problem in ((known.difference(found), "lacks the row"), (set(found) - known, "has a row that the study does not declare,")):
        if row:
            shown = ", ".join(map(str, min(row, key=str)))
            raise UserError(f"{path} {problem} {shown}: delete it and run the step that makes it again")
