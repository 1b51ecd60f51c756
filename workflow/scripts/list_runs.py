"""List the finished runs of a study: settings, measures, device, time. Of a study that is still at work, those that are evaluated.

Any column of runs.csv may be shown and sorted by; of several that begin alike (`confusion:cat-dog`) the first is meant by its first word.
What should be high comes highest first, all else lowest first. Example:

  python workflow/scripts/list_runs.py --study demo --sort accuracy --columns loss.gamma sampler.gamma accuracy confusion
"""

import argparse
import re

from hardpair.cli.command import parser, run
from hardpair.study.find import study_arguments

SHOWN = ("accuracy", "confusion:*", "best_epoch", "device", "seconds", "images_per_second")
HIGH = ("accuracy", "images_per_second")  # of these, high values come first


def arguments() -> argparse.Namespace:
    cli = parser(__doc__)
    study_arguments(cli)
    cli.add_argument("--sort", metavar="COLUMN", help="default: by variant and seed")
    cli.add_argument("--reverse", action="store_true", help="the other way round")
    cli.add_argument("--model", choices=("last", "best", "both"), default="last", help="model of each run (default %(default)s)")
    cli.add_argument("--columns", nargs="+", metavar="COLUMN", help=f"beside variant and seed; default: {', '.join(SHOWN)}")
    return cli.parse_args()


def main() -> None:
    options = arguments()
    from hardpair.errors import UserError
    from hardpair.study.find import chosen_folder

    folder = chosen_folder(options.study, options.configfile)
    records, waiting = read_records(folder)
    if not records:
        raise UserError(f"{folder} holds no evaluated run yet: `make status` tells how far it is")
    from hardpair.comparison import tables

    names = dict.fromkeys(record["variant"] for record, _ in records)
    table = tables.runs_table(records, {"variants": [{"name": name, "label": name} for name in names]})
    if options.model != "both":
        table = table[table["model"] == options.model]
    if table.empty:
        raise UserError(f"the runs of {folder} have no {options.model} model: choose --model last")
    lead = ["variant", "seed", *(["model"] if options.model == "both" else [])]
    given = list(table.columns)
    more = [name for wanted in options.columns or SHOWN for name in matching(wanted, given, needed=options.columns is not None)]
    columns = [*lead, *(name for name in more if name not in lead)]
    by, descending = ["variant", "seed", "model"], options.reverse
    if options.sort:
        by = [matching(options.sort, given)[0], *by]
        descending = (by[0].partition(":")[0] in HIGH) != options.reverse
    table = table.sort_values(by, ascending=[not descending] + [True] * (len(by) - 1) if options.sort else not descending)
    show(table[columns].to_dict("records"), columns)
    if waiting:
        more = f" and {len(waiting) - 3} more" if len(waiting) > 3 else ""
        print(f"trained and not evaluated yet: {', '.join(waiting[:3])}{more}")


def read_records(folder) -> tuple[list[tuple[dict, dict]], list[str]]:
    """run.json and metrics.json of every run in a study's folder by variant and seed; names of the runs that have no metrics of theirs."""
    from hardpair.errors import UserError
    from hardpair.files import shapes

    records, waiting = [], []
    for path in folder.glob("runs/*/seed*/run.json"):
        try:
            record = shapes.read(path, shapes.RUN)
        except UserError:
            continue  # not a run of ours; the comparison will say so
        try:
            measured = shapes.metrics(path.with_name("metrics.json"))
        except UserError:
            measured = None
        if measured and measured["fingerprint"] == record["fingerprint"]:
            records.append((record, measured))
        else:
            waiting.append(f"{record['variant']} seed {record['seed']}")
    return sorted(records, key=lambda pair: (pair[0]["variant"], pair[0]["seed"])), sorted(waiting)


def matching(wanted: str, columns: list[str], needed: bool = True) -> list[str]:
    """The column of that name, all of a name that ends in ``*``, or the first that begins with this word and a colon.

    Raises:
        UserError: there is none, though it is needed.
    """
    from hardpair.errors import UserError

    begin = [name for name in columns if name.startswith(f"{wanted.removesuffix(':*')}:")]
    found = [wanted] if wanted in columns else begin if wanted.endswith(":*") else begin[:1]
    if needed and not found:
        raise UserError(f"runs have no column {wanted!r}: choose from {', '.join(columns)}")
    return found


def show(rows: list[dict], columns: list[str]) -> None:
    """Print a table; where there is no terminal, nothing is cut off."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False, header_style="bold")
    for name in columns:
        numbers = all(isinstance(row[name], int | float) for row in rows)
        table.add_column(heading(name), justify="right" if numbers else "left", vertical="bottom", overflow="ellipsis", no_wrap=True)
    for row in rows:
        table.add_row(*(text(row[name], name) for name in columns))
    if not console.is_terminal:
        console.width = 10_000
    console.print(table)


def heading(column: str) -> str:
    """The column's own name, as --sort and --columns take it, in narrow lines, and its unit."""
    from hardpair.measures.names import UNITS

    percent = UNITS.get(column.partition(":")[0], ("",))[0].endswith("(%)")
    return re.sub(r"(?<=:)|(?<=[._])(?=\w{4})", "\n", column) + ("\n(%)" if percent else "")


def text(value: object, column: str):
    """A cell: measures in their unit, times without digits that nobody needs."""
    from rich.text import Text

    from hardpair.measures.names import UNITS, number

    if value is None or value != value:  # missing, also as NaN
        return Text("")
    if column.partition(":")[0] in UNITS:
        return Text(number(value, column))
    if column == "images_per_second":
        return Text(f"{value:,.0f}")
    if column == "seconds":
        return Text(f"{value:,.1f}")
    return Text(f"{value:.6g}" if isinstance(value, float) else str(value))


if __name__ == "__main__":
    run(main)
