"""The finished runs of a study as a table on the terminal. Imports no torch."""

import re
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hardpair.comparison import tables
from hardpair.config.schema import TRAINED, schema
from hardpair.config.sentences import advice
from hardpair.errors import UserError, harmless, say
from hardpair.files import formats, paths, shapes
from hardpair.measures.metric_names import UNITS, number
from hardpair.study import find
from hardpair.wording import abbreviated, counted

SHOWN = 5  # damaged runs that are named
HIGH = ("accuracy", "images_per_second")  # of these, high values come first


def print_runs(folder: Path, model: str, columns: list[str], sort: str | None = None, reverse: bool = False) -> None:
    """Print the evaluated runs of the study in a folder, which runs are not evaluated yet, and which are damaged.

    Args:
        model: ``last``, ``best`` or ``both``.
        columns: of runs.csv, as for ``matching``, shown beside variant and seed; a setting that none of the runs has is left blank.
        sort: such a column; None sorts by variant and seed.

    Raises:
        UserError: there is no evaluated run, or no such model or column.
    """
    records, unevaluated, damaged = read_records(folder)
    if not records:
        if damaged:
            raise UserError(damaged[0])
        raise UserError(f"{folder} has no evaluated run yet: `{find.command('status', folder.name)}` shows the progress")
    names = dict.fromkeys(record["variant"] for record, _ in records)
    table = tables.runs_table(records, {"variants": [{"name": name, "label": name} for name in names]})
    if model != "both":
        table = table[table["model"] == model]
    if table.empty:
        raise UserError(f"the runs of {folder} have no {model} model: choose --model last")
    table = table.assign(**{name: None for name in (*columns, sort) if name in settings() and name not in table})
    present, lead = list(table.columns), ["variant", "seed", *(["model"] if model == "both" else [])]
    selected = list(dict.fromkeys([*lead, *(name for column in columns for name in matching(column, present))]))
    order, ascending = ["variant", "seed", "model"], not reverse
    if sort:
        order = [matching(sort, present)[0], *order]
        ascending = [(order[0].partition(":")[0] in HIGH) == reverse, True, True, True]
    print_table(table.sort_values(order, ascending=ascending)[selected].to_dict("records"), selected)
    if unevaluated:
        say(f"trained but not evaluated yet: {abbreviated(unevaluated)}")
    for problem in damaged[:SHOWN]:
        say(f"not shown: {problem}")
    if len(damaged) > SHOWN:
        say(f"not shown: {counted(len(damaged) - SHOWN, 'more run')} with damaged files")


def read_records(folder: Path) -> tuple[list[tuple[dict, dict]], list[str], list[str]]:
    """Of every run in a study's folder by variant and seed: run.json and metrics.json; names of the runs without metrics of the same run;
    and what is wrong with files that cannot be used."""
    records, unevaluated, damaged = [], [], []
    for path in paths.every(folder, paths.RUN_RECORD):
        metrics = path.with_name("metrics.json")
        try:
            record = shapes.read(path, formats.RUN)
            measured = formats.read_metrics(metrics) if metrics.exists() else {}
        except UserError as error:
            damaged.append(str(error))
            continue
        if measured.get("fingerprint") == record["fingerprint"]:
            records.append((record, measured))
        else:
            unevaluated.append(f"{record['variant']} seed {record['seed']}")
    return sorted(records, key=lambda pair: (pair[0]["variant"], pair[0]["seed"])), sorted(unevaluated), damaged


def settings() -> set[str]:
    """Columns of settings that a run may have; runs.csv has only those that its runs have."""
    parts = {name: schema()["$defs"][name] for name in TRAINED}
    return {f"{name}.{key}" for name, part in parts.items() for option in part.get("oneOf", [part]) for key in option["properties"]}


def matching(name: str, columns: list[str]) -> list[str]:
    """The column of that name, all columns for a name that ends in ``:*``, or the first that begins with the name and a colon.

    Raises:
        UserError: there is none.
    """
    if name in columns:
        return [name]
    longer = [column for column in columns if column.startswith(f"{name.removesuffix(':*')}:")]
    if not longer:
        known = dict.fromkeys([*(column.partition(":")[0] for column in columns), *columns, *sorted(settings())])
        raise UserError(f"runs have no column {name!r}: {advice(name, known, 'choose from ' + ', '.join(columns))}")
    return longer if name.endswith(":*") else longer[:1]


def print_table(rows: list[dict], columns: list[str]) -> None:
    """Print a table; if the output is not a terminal, nothing is cut off."""
    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False, header_style="bold")
    for name in columns:
        numbers = all(isinstance(row[name], int | float) for row in rows)
        table.add_column(heading(name), justify="right" if numbers else "left", vertical="bottom", overflow="ellipsis", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell(row[name], name)) for name in columns))
    if not console.is_terminal:
        console.width = 10_000
    console.print(table)


def heading(column: str) -> str:
    """The column's name, as --sort and --columns take it, in short lines, and its unit."""
    percent = UNITS.get(column.partition(":")[0], ("",))[0].endswith("(%)")
    return re.sub(r"(?<=:)|(?<=[._])(?=\w{4})", "\n", harmless(column)) + ("\n(%)" if percent else "")


def cell(value: object, column: str) -> str:
    """A value as text: measures in their unit, times and speeds in a few digits."""
    if value is None or value != value:  # missing, also as NaN
        return ""
    if column.partition(":")[0] in UNITS:
        return number(value, column)
    if column in ("images_per_second", "seconds"):
        return f"{value:,.{1 if column == 'seconds' else 0}f}"
    return f"{value:.6g}" if isinstance(value, float) else harmless(str(value))
