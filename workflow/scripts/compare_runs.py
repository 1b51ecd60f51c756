"""Compare runs that were trained anywhere with a baseline, from one CSV: is a variant better, by how much, could it be luck?

The CSV has a row a run, with a column for each measure, or a row a number, with columns metric and value. Runs of equal seeds are
compared in pairs. Prints differences with intervals, verdicts adjusted over all comparisons, and means; with --output-dir also writes them
as verdicts.csv, means.csv, comparison.md and differences.png and .svg. Examples:

  python workflow/scripts/compare_runs.py runs.csv --better accuracy:higher confusion:lower --by seed --baseline ce
  python workflow/scripts/compare_runs.py results/demo/runs.csv --where model=last --better accuracy:higher --baseline ce --output-dir out
"""

import sys
import unicodedata
from pathlib import Path

from hardpair.cli.command import parser, run
from hardpair.cli.outputs import refuse_overwriting
from hardpair.errors import UserError, say


def text_of_cell(text: str) -> str:
    """A text as the CSV's cells are read."""
    return unicodedata.normalize("NFC", text).strip()


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("csv", type=Path, metavar="CSV", help="file of the runs")
    cli.add_argument("--better", nargs="+", required=True, metavar="MEASURE:END", help="measures, and which end is better: higher or lower")
    cli.add_argument("--baseline", type=text_of_cell, required=True, metavar="VARIANT", help="variant that the others are compared with")
    cli.add_argument("--by", type=text_of_cell, default="seed", metavar="COLUMN", help="column that pairs runs (default %(default)s)")
    cli.add_argument(
        "--variant", type=text_of_cell, default="variant", metavar="COLUMN", help="column of the variant (default %(default)s)"
    )
    cli.add_argument(
        "--metric",
        type=text_of_cell,
        default="metric",
        metavar="COLUMN",
        help="of a CSV with a row a number: its measure (default %(default)s)",
    )
    cli.add_argument("--value", type=text_of_cell, default="value", metavar="COLUMN", help="and its value (default %(default)s)")
    cli.add_argument("--where", nargs="+", default=[], metavar="COLUMN=VALUE", help="keep only rows with these values")
    cli.add_argument("--margin", nargs="+", default=[], metavar="MEASURE:NUMBER", help="differences up to this do not matter")
    cli.add_argument("--output-dir", type=Path, help="folder for tables and figure")
    options = cli.parse_args()

    from hardpair.comparison import measured_csv, measured_runs
    from hardpair.comparison.csv_table import csv_of
    from hardpair.comparison.markdown_text import unescaped
    from hardpair.comparison.measured_csv import Columns
    from hardpair.comparison.measured_runs import DIRECTIONS
    from hardpair.files import paths
    from hardpair.files.atomic import write_text

    better = _pairs("--better", options.better, ":higher or NAME:lower")
    directions = {measure: _one_of("--better", end, DIRECTIONS) for measure, end in better}
    margins = {measure: _positive(number) for measure, number in _pairs("--margin", options.margin, ":NUMBER")}
    if unknown := margins.keys() - directions.keys():
        raise UserError(f"--margin names {min(unknown)}, which --better does not name: add it there")
    written = ("verdicts.csv", "means.csv", paths.COMPARISON, "differences.png", "differences.svg")
    if options.output_dir:
        refuse_overwriting([options.output_dir / name for name in written], [options.csv])
    columns = Columns(options.variant, options.by, options.metric, options.value)
    table = measured_csv.read(options.csv, columns, list(directions), dict(_pairs("--where", options.where, "=VALUE")))
    contrasts = measured_runs.contrasts(table, options.baseline, directions, margins)
    if not contrasts:
        raise UserError(f"{options.csv} has only the variant {options.baseline}: add runs of another")
    summary, verdicts = measured_runs.summary_table(table), measured_runs.verdicts_table(contrasts)
    text = measured_runs.markdown(summary, verdicts, contrasts, directions, options.by)
    say(*map(unescaped, text.removesuffix("\n").split("\n")))
    if options.output_dir:
        from hardpair.figures import measured
        from hardpair.figures.drawing import fonts, style

        for name, result in (("verdicts", verdicts), ("means", summary)):
            write_text(options.output_dir / f"{name}.csv", csv_of(result))
        write_text(options.output_dir / paths.COMPARISON, text)
        with style.applied(), fonts.legible([*table["variant"].unique(), *directions, options.csv.name]) as remark:
            if remark:
                say(remark, file=sys.stderr)
            style.save(measured.figure(contrasts, verdicts, options.csv.name), options.output_dir / "differences.png")


def _pairs(option: str, words: list[str], form: str) -> list[tuple[str, str]]:
    """``accuracy:higher`` as (accuracy, higher); a measure may hold the separator itself, with which ``form`` begins."""
    separator = form[0]
    parts = [(word.rpartition if separator == ":" else word.partition)(separator) for word in words]
    pairs = [tuple(map(text_of_cell, part)) for part in parts]
    for word, (name, found, value) in zip(words, pairs, strict=True):
        if not (name and found and value):
            raise UserError(f"{option} is {word!r}: write it as NAME{form}")
        if sum(name == other for other, _, _ in pairs) > 1:
            raise UserError(f"{option} names {name} twice: name it once")
    return [(name, value) for name, _, value in pairs]


def _one_of(option: str, word: str, choices: dict[str, int]) -> int:
    if word not in choices:
        raise UserError(f"{option} ends in {word!r}: choose {' or '.join(choices)}")
    return choices[word]


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < float("inf"):
        raise UserError(f"--margin is {text!r}: give a number above 0, in the units of the measure")
    return number


if __name__ == "__main__":
    run(main)
