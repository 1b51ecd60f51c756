"""Runs of any origin, read from one CSV. Imports no torch."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hardpair.config.sentences import advice
from hardpair.errors import UserError, one_line

NAMES = ["variant", "seed", "measure", "value"]


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a CSV: ``measure`` and ``value`` are those of a long one, which has a row a number."""

    variant: str = "variant"
    seed: str = "seed"
    measure: str = "metric"
    value: str = "value"


def read(path: Path, columns: Columns, measures: list[str], where: dict[str, str]) -> pd.DataFrame:
    """A CSV of runs as a table with the columns variant, seed, measure (texts) and value (float64), one row a number.

    Args:
        measures: to keep. Where each is a column, a row of the CSV is a run; else the CSV is a long one.
        where: rows to keep, as values by column.

    Raises:
        UserError: the file cannot be read, lacks a column or all rows, or a run has no name, no number or two.
    """
    try:
        with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):  # of rows with more cells than the header
            raw = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False)
    except pd.errors.ParserWarning:
        raise UserError(f"{path} has a row with more cells than its header: name every column, or remove the cell") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check the path") from None
    except ValueError as error:  # pandas' own, and of texts that are no UTF-8
        raise UserError(f"{path} is not a CSV ({one_line(error)}): export it again") from None
    for column, value in where.items():
        _require(path, raw, column)
        raw = raw[raw[column] == value]
    _require(path, raw, columns.variant, columns.seed)
    if raw.empty:
        raise UserError(f"{path} has no run{' that matches --where' if where else ''}: it needs one row per run")
    if all(measure in raw for measure in measures):
        table = pd.concat([_part(raw, columns, measure, raw[measure]) for measure in measures], ignore_index=True)
    else:
        _require(path, raw, *((columns.measure, columns.value) if columns.measure in raw else measures))
        for measure in measures:
            if measure not in set(raw[columns.measure]):
                raise UserError(f"{path} has no {measure}: {choice(measure, raw[columns.measure].unique().tolist())}")
        kept = raw[raw[columns.measure].isin(measures)].reset_index(drop=True)
        table = _part(kept, columns, kept[columns.measure], kept[columns.value])
    _check(path, table)
    return table.assign(value=table["value"].astype(np.float64))


def _part(rows: pd.DataFrame, columns: Columns, measure: str | pd.Series, values: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(dict(zip(NAMES, (rows[columns.variant], rows[columns.seed], measure, values), strict=True)))


def _require(path: Path, table: pd.DataFrame, *columns: str) -> None:
    for column in columns:
        if column not in table:
            raise UserError(f"{path} has no column {column}: {choice(column, table.columns.tolist())}")


def choice(name: str, known: list[str]) -> str:
    """The end of a sentence on a name that is not known."""
    return advice(name, known, f"choose from {', '.join(known[:20])}")


def _check(path: Path, table: pd.DataFrame) -> None:
    for column in ("variant", "seed"):
        if (table[column].str.strip() == "").any():
            raise UserError(f"{path} has a row without a {column}: fill it in, or remove the row")
    numbers = pd.to_numeric(table["value"], errors="coerce")
    for row in table[~np.isfinite(numbers)].itertuples():
        value = repr(row.value) if row.value.strip() else "no value"
        raise UserError(f"{path}: {row.measure} of {row.variant} with seed {row.seed} is {value}: give a number, or remove the run")
    for row in table[table.duplicated(NAMES[:3])].itertuples():
        where = f"{path} has seed {row.seed} of {row.variant} more than once"
        raise UserError(f"{where}: keep one row of each run, or choose rows with --where")
