"""Numbers of measures as they are read."""

from decimal import ROUND_HALF_UP, Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from hardpair.comparison import markdown
from hardpair.comparison.claims_in_words import PERCENTAGE_POINTS
from hardpair.figures import confusion
from hardpair.figures.drawing.places import written
from hardpair.measures.metric_names import decimal, number, percent


@given(st.floats(-100, 100), st.integers(0, 6), st.booleans())
def test_decimals_are_rounded_and_have_a_sign_unless_they_are_shown_as_zero(value, digits, signed):
    text = decimal(value, digits, signed)
    shown, unit = Decimal(text), Decimal(1).scaleb(-digits)
    assert shown.as_tuple().exponent == -digits
    assert abs(shown - Decimal(value)) <= unit / 2 + Decimal("1e-9")
    assert text.lstrip("+-") == f"{abs(shown):f}"
    assert text[:1].strip("0123456789") == ("-" if shown < 0 else "+" if shown and signed else "")


@pytest.mark.parametrize("digits", [0, 1])
def test_halves_are_rounded_away_from_zero_whatever_binary_number_is_nearest(digits):
    for count in range(10_001):
        exact = Decimal(count).scaleb(-2).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        assert percent(count / 10_000, digits) == f"{exact:f}"
        assert decimal(-count / 100, digits).lstrip("-") == f"{exact:f}"


def test_one_mean_is_rounded_alike_wherever_it_is_shown():
    shares = (0.2825, 0.1525, 0.2775, 0.9685)  # once shown as 28.2, 15.3, 27.7 and 96.8
    assert [percent(share, 1) for share in shares] == ["28.3", "15.3", "27.8", "96.9"]
    assert [percent(share) for share in shares] == ["28.25", "15.25", "27.75", "96.85"]
    ax = Figure().subplots()
    for value in (98.5, 99.5, 9.95, 9.85, float("nan")):
        confusion._write(ax, 0, 0, value, "black")
    assert [text.get_text() for text in ax.texts] == ["99", "100", "10", "9.9", "–"]


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
