"""Tables and arrays of runs, read with damage reported in one sentence."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hardpair.errors import UserError, one_line
from hardpair.files.regular import check_regular
from hardpair.search.keys import LOGARITHMIC

if TYPE_CHECKING:
    import pandas as pd

AXES = {"validation_confusion": 3, "p_histogram": 2, **dict.fromkeys(("refresh_epoch", "labels", "index", "pair"), 1)}
RECORDED = ("class", "p_true", "p_other")  # of each model, in predictions.npz of a run that was imported from its record
AXES |= {f"{model}_{part}": 1 for model in ("last", "best") for part in RECORDED}  # of arrays; all others have two
TEXTS = tuple("variant label a b name sentence verdict why declared pair metric model fingerprint device torch adopted claims".split())
SOMETIMES = ("claims", "adopted")  # texts of some rows only
COUNTS = ("seed", "trial", "round", "n", "epochs", "diverged", "control")  # whole numbers, none of which is ever missing
SMALLEST = float(np.nextafter(0, 1))
LIMITS = dict.fromkeys(("accuracy", "confusion", "binary_error", "value", "diverged", "control"), (0, 1))
LIMITS |= {"n": (1, np.inf), "epochs": (1, np.inf), **dict.fromkeys(("seed", "trial", "round"), (0, np.inf))}
LIMITS |= dict.fromkeys(LOGARITHMIC, (SMALLEST, np.inf))


def read_table(path: str | Path, *columns: str, gaps: bool = False, key: Sequence[str] = ()) -> "pd.DataFrame":
    """A CSV file as a table that has these columns; only empty cells are missing, and names stay text.

    Columns that are not of ``TEXTS`` hold numbers, within ``LIMITS``. With ``gaps`` there may be fewer of them than rows, and no row at
    all. No two rows agree in all columns of ``key``.
    """
    table = read_with(Path(path), _parsed)
    with contents_of(path):
        _check_columns(table, columns, gaps)
        if key and (repeated := table[table.duplicated([*key])]).size:
            raise ValueError(f"{', '.join(map(str, repeated.iloc[0][[*key]]))} is there twice")
    return table


def read_tables(paths: Sequence[Path], *columns: str) -> "pd.DataFrame":
    """CSV files of runs as one table, each as ``read_table`` reads it; the index is the place of a row's file in ``paths``.

    Files of equal columns are parsed at once, in a tenth of the time.
    """
    import pandas as pd

    alike: dict[str, dict[int, str]] = {}
    for place, path in enumerate(paths):
        header, _, rows = read_with(path, lambda path: path.read_text(encoding="utf-8")).partition("\n")
        alike.setdefault(header, {})[place] = rows if rows.endswith("\n") or not rows else f"{rows}\n"
    parts = []
    for header, texts in alike.items():
        try:
            if not all(texts.values()):
                raise ValueError("no rows")
            table = _parsed(io.StringIO(f"{header}\n{''.join(texts.values())}"))
            table.index = np.repeat(list(texts), [rows.count("\n") for rows in texts.values()])
            _check_columns(table, columns)
        except Exception:  # read one at a time, the broken one is named
            tables = {place: read_table(paths[place], *columns) for place in texts}
            table = pd.concat([part.set_index(np.full(len(part), place)) for place, part in tables.items()])
        parts.append(table)
    return pd.concat(parts).sort_index(kind="stable")


def _parsed(source: Path | io.StringIO) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_csv(source, dtype=dict.fromkeys(TEXTS, str), keep_default_na=False, na_values=[""])


def _check_columns(table: "pd.DataFrame", columns: tuple[str, ...], gaps: bool = False) -> None:
    if columns and not gaps and not len(table):
        raise ValueError("no rows")
    for column in columns:
        cells = table[column]
        if column in TEXTS:
            if column not in SOMETIMES and cells.isna().any():
                raise ValueError(f"{column} has an empty cell")
            continue
        values = cells.to_numpy(np.float64)
        if np.isinf(values).any() or (np.isnan(values).any() and (not gaps or column in COUNTS)):
            raise ValueError(f"{column} is not finite")
        low, high = LIMITS.get(column.partition(":")[0], (-np.inf, np.inf))
        if ((values < low) | (values > high)).any():
            raise ValueError(f"{column} is {values[(values < low) | (values > high)][0]:g}")
        if column in COUNTS and (values % 1).any():
            raise ValueError(f"{column} is {values[values % 1 > 0][0]:g}")


def arrays(path: Path, *names: str, needed: bool = True) -> dict[str, np.ndarray]:
    """Arrays of numbers of an .npz file, by name, each with as many axes as it should have; those not ``needed`` may be missing."""

    def load(path: Path) -> dict[str, np.ndarray]:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in names if needed or name in archive}

    loaded = read_with(path, load)
    with contents_of(path):
        for name, array in loaded.items():
            if array.dtype.kind not in "iuf" or array.ndim != AXES.get(name, 2) or (name in AXES and not array.size):
                raise ValueError(f"{name} is an array of {array.dtype} with {array.ndim} axes")
    return loaded


def array_names(path: Path) -> list[str]:
    """Names of the arrays in an .npz file."""

    def names(path: Path) -> list[str]:
        with np.load(path, allow_pickle=False) as archive:
            return archive.files

    return read_with(path, names)


@contextmanager
def contents_of(path: str | Path) -> Iterator[None]:
    """Errors within the block, which come from wrong contents of a file, as one sentence."""
    try:
        yield
    except (ValueError, LookupError, TypeError, ArithmeticError) as error:
        raise UserError(
            f"{path} does not hold what it should ({one_line(error)}): delete it and run the step that makes it again"
        ) from None


def read_with(path: Path, reader: Callable[[Path], object]) -> object:
    """The result of ``reader`` on a file, its failures, of any type since the file may be broken, as one sentence."""
    try:
        check_regular(path)
        return reader(path)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run the step that makes it first") from None
    except Exception as error:
        raise UserError(f"{path} cannot be read ({one_line(error)}): delete it and run the step that makes it again") from None
