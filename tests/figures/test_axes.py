"""Axes and marks that mean one thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardpair.figures import curves, search, variants
from hardpair.figures.drawing import lines, style

pytestmark = pytest.mark.usefixtures("coarse")


@given(st.floats(-5, 100), st.floats(0, 50))
def test_an_axis_of_shares_stays_within_them_and_is_not_too_short(low, span):
    high = min(low + span, 105)
    page = style.new_page(1, 1)
    ax = page.add_axes((0, 0, 1, 1))
    lines.share_limits(ax, "y", low, high)
    found = ax.get_ylim()
    assert 0 <= found[0] < found[1] <= 100
    assert found[1] - found[0] >= 0.4 - 1e-9
    assert found[0] <= max(low, 0) + 1e-9
    assert found[1] >= min(high, 100) - 1e-9


@pytest.mark.parametrize(("accuracy", "confused"), [(0.99999, 0.0), (1.0, 1e-5), (0.6, 0.6)])
def test_equal_runs_have_axes_of_plain_numbers(drawn_study, accuracy, confused):
    _, settings, runs = drawn_study
    pair = ["cat", "dog"]
    measures = runs.measures(pair).assign(accuracy=accuracy, confusion=confused)
    epochs = runs.epochs(pair).assign(validation_accuracy=accuracy, confusion=confused)
    settings = settings | {"variants": [{key: variant[key] for key in ("name", "label")} for variant in settings["variants"]]}
    with style.applied():
        pages = variants.figure(measures, settings), curves.figure(epochs, settings)
        for page in pages:
            page.draw_without_rendering()
    shares = [(ax, ax.xaxis) for ax in pages[0].axes] + [(ax, ax.yaxis) for ax in pages[1].axes[:2]]
    for _, axis in shares:
        assert axis.get_major_formatter().get_offset() == ""
        low, high = axis.get_view_interval()
        assert 0 <= low < high <= 100
        assert high - low >= 0.4 - 1e-9
        texts = [text.get_text() for text in axis.get_ticklabels() if text.get_text()]
        assert len({*texts}) == len(texts)
        assert max(map(len, texts)) <= 6


def test_a_mark_means_one_thing():
    published = variants.PUBLISHED
    assert published["color"] == style.PUBLISHED
    assert search.RECIPE["marker"] != published["marker"]
    assert style.PUBLISHED not in {*style.COLOURS, search.RECIPE["color"], search.NEAR["color"]}
    assert {colour for colour, _ in style.FRAME}.isdisjoint(style.COLOURS)
