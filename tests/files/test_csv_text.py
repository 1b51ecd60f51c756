"""Cells of text against the rule of spreadsheets: `=`, `+`, `-`, `@` or a control begins a formula. All else reads back as it was."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardpair.comparison.csv_table import csv_of
from hardpair.files import csv_text

TEXTS = st.text(st.sampled_from("=+-@'\t\r\n,\"a1 ä"), max_size=5)


@pytest.mark.parametrize("text", ["=1+1", '=HYPERLINK("http://a")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "-cat.png"])
def test_a_formula_becomes_text(text):
    assert csv_text.inert(text) == f"'{text}"


@pytest.mark.parametrize("value", ["cat", "a=b", "", "-1.5", "+3e-4", "-inf", -1.5, 3, None, True, float("inf")])
def test_numbers_and_other_texts_stay(value):
    assert csv_text.inert(value) is value


def test_controls_are_escaped():
    assert csv_text.inert("a\nb\r\x1b\x85ä") == "a\\nb\\r\\x1b\\x85ä"
    assert csv_text.of_rows([{"a": "\n=1"}], ("a",)) == "a\n\\n=1\n"


def is_computed(cell):
    """Whether a spreadsheet would compute a cell, written apart from the code: a first letter of a formula, and no number."""
    try:
        float(cell)
    except ValueError:
        return cell[:1] in {"=", "+", "-", "@"}
    return False


@given(st.lists(st.tuples(TEXTS, TEXTS, st.floats(allow_nan=False)), min_size=1, max_size=4))
def test_no_cell_is_computed_and_nothing_is_lost(rows):
    records = [dict(zip(("a", "b", "c"), row, strict=True)) for row in rows]
    for text in (csv_text.of_rows(records, ("a", "b", "c")), csv_of(pd.DataFrame(records))):
        header, *cells = csv.reader(io.StringIO(text, newline=""))
        assert not any(is_computed(cell) for row in cells for cell in row)
        assert header == ["a", "b", "c"]
        assert text.count("\n") == 1 + len(rows)
        for row, (first, second, number) in zip(cells, rows, strict=True):
            for cell, value in zip(row, (first, second), strict=False):
                assert cell.removeprefix("'").replace("\\t", "\t").replace("\\r", "\r").replace("\\n", "\n") == value.removeprefix("'")
            assert float(row[2]) == number


def test_a_column_may_have_the_name_of_a_formula():
    assert csv_of(pd.DataFrame({"=1+1": [2]})) == "'=1+1\n2\n"


def test_a_table_without_formulas_is_as_pandas_writes_it():
    table = pd.DataFrame(
        {"n": [1, 2], "x": [0.1, float("nan")], "name": ["a", None], "flag": [True, False], "seeds": pd.array([1, None], "Int64")}
    )
    assert csv_of(table) == table.to_csv(index=False, lineterminator="\n")
