"""How flat a search's optimum is and whether it lies at the edge, against plain loops over its trials."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardpair.errors import UserError
from hardpair.search.optimum import optimum

SPACE = {"learning_rate": (0.001, 0.1), "momentum": (0.5, 0.9)}


def trials(*rows):
    """Rows of trials.csv from (value, learning rate, momentum), diverged where the value is None."""
    return [
        {"trial": place, "value": value or 0.1, "diverged": int(value is None), "learning_rate": rate, "momentum": momentum}
        for place, (value, rate, momentum) in enumerate(rows)
    ]


ROWS = st.tuples(st.none() | st.floats(0.01, 1), st.floats(0.001, 0.1), st.floats(0.5, 0.9))


@given(st.lists(ROWS, min_size=1, max_size=12).filter(lambda rows: any(row[0] for row in rows)), st.integers(1, 10_000))
def test_near_the_best_are_the_trials_within_a_standard_error_of_it(rows, images):
    outcome = optimum("all", trials(*rows), SPACE, images)
    best = max(value for value, _, _ in rows if value is not None)
    error = (best * (1 - best) / images) ** 0.5
    near = [row for row in rows if row[0] is not None and best - row[0] <= error + 1e-12]
    surely = [row for row in near if best - row[0] <= error - 1e-12 or row[0] == best]
    assert outcome.best["value"] == best
    assert outcome.tolerance == pytest.approx(error)
    for place, key in enumerate(SPACE, start=1):
        low, high = outcome.ranges[key]
        assert min(row[place] for row in near) <= low <= min(row[place] for row in surely)
        assert max(row[place] for row in surely) <= high <= max(row[place] for row in near)
        assert low <= outcome.best[key] <= high


@given(st.floats(0.001, 0.1), st.floats(0.5, 0.9))
def test_the_edge_is_a_twentieth_of_the_range_on_the_scale_that_is_drawn_on(rate, momentum):
    edges = {key: bound for key, _, bound in optimum("all", trials((0.8, rate, momentum)), SPACE, 100).edges}
    decades, share = math.log10(rate / 0.001) / 2, (momentum - 0.5) / 0.4
    for key, place, (low, high) in (("learning_rate", decades, SPACE["learning_rate"]), ("momentum", share, SPACE["momentum"])):
        if 0.051 < place < 0.949:
            assert key not in edges
        elif place < 0.049:
            assert edges[key] == low
        elif place > 0.951:
            assert edges[key] == high


def test_a_key_that_hardly_matters_has_no_edge():
    """At 100 images an accuracy of 0.8 has a standard error of 0.04, within which 0.77 lies and 0.75 does not."""
    space = {"momentum": (0.5, 0.9)}
    assert optimum("all", trials((0.8, 0.01, 0.9), (0.77, 0.01, 0.6)), space, 100).edges == []
    assert optimum("all", trials((0.8, 0.01, 0.9), (0.75, 0.01, 0.6)), space, 100).edges == [("momentum", 0.9, 0.9)]
    assert optimum("all", trials((0.8, 0.01, 0.9), (0.77, 0.01, 0.75)), space, 100).edges == [("momentum", 0.9, 0.9)]


def test_a_warning_names_key_value_and_bound():
    [warning] = optimum("DFL", trials((0.8, 0.0983, 0.7)), SPACE, 100).warnings()
    assert warning == (
        "The best learning_rate for DFL is 0.0983, at the edge of search.space.learning_rate (0.1): widen the space there and search again."
    )


def test_keys_that_were_not_searched_have_neither_range_nor_edge():
    outcome = optimum("all", trials((0.8, 0.01, 0.9)), {"learning_rate": (0.001, 0.1)}, 100)
    assert outcome.ranges == {"learning_rate": (0.01, 0.01)}
    assert outcome.edges == []


def test_a_trial_that_diverged_is_never_near_the_best():
    outcome = optimum("all", trials((0.11, 0.01, 0.7), (None, 0.1, 0.9)), SPACE, 10)
    assert outcome.ranges == {"learning_rate": (0.01, 0.01), "momentum": (0.7, 0.7)}
    with pytest.raises(UserError, match="every trial of the search diverged"):
        optimum("all", trials((None, 0.01, 0.7)), SPACE, 10)


@pytest.mark.parametrize(("key", "low", "high", "best", "warned"), [("dropout", 0, 0.7, 0.01, False), ("dropout", 0.1, 0.7, 0.11, True)])
def test_a_bound_beyond_which_there_are_no_values_is_no_edge(key, low, high, best, warned):
    outcome = optimum("all", [{"trial": 0, "value": 0.8, "diverged": 0, key: best}], {key: (low, high)}, 100)
    assert bool(outcome.edges) == warned
