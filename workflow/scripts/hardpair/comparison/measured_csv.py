"""Runs of any origin, read from one CSV. Imports no torch."""

import io
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np
import pandas as pd

from hardpair.config.sentences import advice
from hardpair.errors import UserError, one_line

NAMES = ["variant", "seed", "measure", "value"]
LARGEST = 1e305  # absolute value, of which differences and their intervals are numbers too
OTHER_SEPARATOR = (
    "has no comma in its header: separate cells by commas, not by semicolons, tabs or spaces, and write numbers with a decimal point"
)
MISSING = {"", "nan", "na", "n/a", "<na>"}  # as programs write a missing value, in lower case
NO_SEED = MISSING | {"none", "null"}  # which may be names of variants
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a CSV: ``measure`` and ``value`` are those of a long one, which has a row a number."""

    variant: str = "variant"
    seed: str = "seed"
    measure: str = "metric"
    value: str = "value"


def read(path: Path, columns: Columns, measures: list[str], where: dict[str, str]) -> pd.DataFrame:
    """A CSV of runs as a table with the columns variant, seed, measure (texts) and value (float64), one row a number.

    Spaces around names and cells do not count, nor how accents are composed (NFC or NFD). If all seeds are numbers, equal numbers are one
    seed, with the shortest of its texts.

    Args:
        measures: to keep. Where each is a column, a row of the CSV is a run; else the CSV is a long one.
        where: rows to keep, as values by column.

    Raises:
        UserError: the file cannot be read, lacks a column, a value of ``where`` or all rows, has a column twice, or a run has no name, no
            number or two.
    """
    raw = _texts(path)
    for column, value in where.items():
        _require(path, raw, column)
        if len(raw) and value not in (values := raw[column].unique().tolist()):
            raise UserError(f"{path} has no run with {column} {value}: {choice(value, values)}")
        raw = raw[raw[column] == value]
    _require(path, raw, columns.variant, columns.seed)
    if raw.empty:
        raise UserError(f"{path} has no run: it needs one row per run")
    raw = raw.copy()
    raw[columns.seed] = _same_text(raw[columns.seed])
    if all(measure in raw for measure in measures):
        _require(path, raw, *measures)
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


def _texts(path: Path) -> pd.DataFrame:
    """The cells of a CSV in NFC, without spaces around them, below the names of its first row, where pandas would change repeated ones."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        cells = pd.read_csv(io.StringIO(text), header=None, dtype=str, keep_default_na=False, index_col=False)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check the path") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{path} is not UTF-8 in line {line}: save it as UTF-8, in a spreadsheet as “CSV UTF-8”") from None
    except ValueError as error:  # pandas' own
        if re.search("Expected 1 fields in line", str(error)):  # decimal commas, as beside semicolons
            raise UserError(f"{path} {OTHER_SEPARATOR}") from None
        if re.search(r"Expected \d+ fields in line \d+, saw \d+", str(error)):
            raise UserError(f"{path} has a row with more cells than its header: name every column, or remove the cell") from None
        raise UserError(f"{path} is not a CSV ({one_line(error)}): export it again") from None
    if cells.shape[1] == 1 and re.search(r"[;\s]", cells.iloc[0, 0]):
        raise UserError(f"{path} {OTHER_SEPARATOR}")
    cells = cells.apply(lambda column: column.str.normalize("NFC").str.strip())
    return cells[1:].set_axis(cells.iloc[0].tolist(), axis=1).reset_index(drop=True)


def _same_text(seeds: pd.Series) -> pd.Series:
    """Seeds with one text for each number, such as 0 for 0 and 0.0; as they are where one is no number."""
    try:
        numbers = {text: Decimal(text) if NUMBER.fullmatch(text) else None for text in seeds.unique()}
    except InvalidOperation:  # an exponent of too many digits
        return seeds
    if None in numbers.values():
        return seeds
    shortest = {numbers[text]: text for text in sorted(numbers, key=lambda text: (len(text), text), reverse=True)}
    return seeds.map({text: shortest[number] for text, number in numbers.items()})


def _part(rows: pd.DataFrame, columns: Columns, measure: str | pd.Series, values: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(dict(zip(NAMES, (rows[columns.variant], rows[columns.seed], measure, values), strict=True)))


def _require(path: Path, table: pd.DataFrame, *columns: str) -> None:
    for column in columns:
        if column not in table:
            raise UserError(f"{path} has no column {column}: {choice(column, table.columns.tolist())}")
        if table.columns.tolist().count(column) > 1:
            raise UserError(f"{path} has two columns {column}: rename or remove one")


def choice(name: str, known: list[str]) -> str:
    """The end of a sentence on a name that is not known."""
    return advice(name, known, f"choose from {', '.join(known[:20])}")


def _check(path: Path, table: pd.DataFrame) -> None:
    for column, words in (("variant", MISSING), ("seed", NO_SEED)):
        if table[column].str.lower().isin(words).any():
            raise UserError(f"{path} has a row without a {column}: fill it in, or remove the row")
    numbers = pd.to_numeric(table["value"], errors="coerce")
    for row in table[~np.isfinite(numbers)].itertuples():
        value = repr(row.value) if row.value else "no value"
        raise UserError(f"{path}: {row.measure} of {row.variant} with seed {row.seed} is {value}: give a number, or remove the run")
    for row in table[numbers.abs() > LARGEST].itertuples():
        raise UserError(f"{path}: {row.measure} of {row.variant} with seed {row.seed} is {row.value}, above {LARGEST:g}: remove the run")
    for row in table[table.duplicated(NAMES[:3])].itertuples():
        where = f"{path} has seed {row.seed} of {row.variant} more than once"
        raise UserError(f"{where}: keep one row of each run, or choose rows with --where")
