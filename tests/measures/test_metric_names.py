"""Numbers of measures as they are read."""

from decimal import ROUND_HALF_EVEN, Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardpair.comparison import markdown
from hardpair.comparison.claims_in_words import PERCENTAGE_POINTS
from hardpair.figures.drawing.places import written
from hardpair.measures.metric_names import decimal, number


@given(st.floats(-100, 100), st.integers(0, 6), st.booleans())
def test_decimals_are_rounded_and_have_a_sign_unless_they_are_shown_as_zero(value, digits, signed):
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    sign = "" if not rounded else "-" if rounded < 0 else "+" * signed
    assert decimal(value, digits, signed) == f"{sign}{abs(rounded):f}"


@pytest.mark.parametrize("value", [0.0, -0.0, 4e-6, -4e-6])
def test_no_table_and_no_figure_gives_zero_a_sign(value):
    assert number(value, "accuracy", signed=True) == number(value, "accuracy") == "0.00"
    assert number(value, "nll", signed=True) == "0.0000"
    assert PERCENTAGE_POINTS.number(value) == written(PERCENTAGE_POINTS, value) == "0.00"
    row = pd.Series({"mean": 0.5, "difference": value})
    assert markdown._with_difference(row) == "50.00 % (0.00)"
    assert markdown._calibrated(row, "nll") == "0.5000 (0.0000)"
    assert markdown._difference(value, value, 0.01) == "0.00 pp [0.00, +1.00]"


def test_minus_is_a_true_one_in_tables_of_the_report():
    assert number(-0.0123, "accuracy", signed=True) == "−1.23"
    assert number(float("nan"), "accuracy") == ""
