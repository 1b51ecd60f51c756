"""The figure of searches: a row for each, what lies near the best shaded, nothing overlapping."""

import math
import re

import numpy as np
import pytest

import fake_study
from figure_assertions import overlaps, texts_drawn
from hardpair.errors import UserError
from hardpair.figures import search
from hardpair.figures.drawing import style
from hardpair.files.readers import read_table

pytestmark = pytest.mark.usefixtures("coarse")

RATE = {"learning_rate": fake_study.SPACE["learning_rate"]}


@pytest.fixture
def trials(drawn_study):
    return read_table(drawn_study[0] / "results" / "search" / "trials.csv")


def page_of(tables, spaces, label="variant {}", images=5000):
    searches = [{"own": f"/v{place}", "label": label.format(place), "space": space, "images": images} for place, space in enumerate(spaces)]
    with style.applied():
        page = search.figure(tables, {"study": "fake", "searches": searches})
        page.draw_without_rendering()
    return page


@pytest.mark.parametrize("column", ["diverged", "round", "momentum"])
def test_a_table_of_trials_without_a_column_is_named(trials, tmp_path, column):
    path = tmp_path / "search" / "trials.csv"
    path.parent.mkdir()
    trials.drop(columns=column).to_csv(path, index=False)
    with pytest.raises(UserError) as caught:
        search.read({"study": tmp_path}, {"searches": [{"own": "", "space": fake_study.SPACE}]})
    problem = f"does not hold what it should ('{column}'): delete it and run the step that makes it again"
    assert str(caught.value) == f"{path} {problem}"


def test_each_search_has_a_row_with_its_own_trials(trials):
    other = trials.assign(value=trials["value"] / 2)
    page = page_of([trials, other], [RATE, RATE])
    assert [ax.get_title() or ax.get_title("left") for ax in page.axes] == ["variant 0", "", "variant 1", ""]
    for row, table in enumerate((trials, other)):
        drawn = [line for line in page.axes[2 * row + 1].lines if line.get_label().startswith("_round")]
        points = np.concatenate([line.get_xydata() for line in drawn])
        ended = table[table["diverged"] == 0]
        np.testing.assert_allclose(points, np.transpose([ended["learning_rate"], 100 * ended["value"]]))


def test_trials_are_counted_by_variant_and_rounds_have_the_numbers_of_their_files(trials):
    rounds = sorted(trials["round"].unique())
    assert (len(trials), rounds) == (24, [0, 1, 2])
    for count, text in ((1, "24 trials in 3 rounds"), (2, "24 trials in 3 rounds for each of 2 variants")):
        page = page_of([trials] * count, [RATE] * count)
        assert text in re.split(r"\s*·\s*", page._supxlabel.get_text())
        shown = [text.get_text() for legend in page.legends for text in legend.get_texts()]
        assert [text for text in shown if text.startswith("round ")] == [f"round {number}" for number in rounds]


def test_the_range_near_the_best_is_shaded(trials):
    page = page_of([trials], [fake_study.SPACE], images=400)
    ended = trials[trials["diverged"] == 0]
    best = ended["value"].max()
    near = ended[ended["value"] >= best - math.sqrt(best * (1 - best) / 400)]
    assert 1 < len(near) < len(ended)
    [course] = [patch for patch in page.axes[0].patches if patch.get_label() == "_near"]
    assert course.get_y() == pytest.approx(100 * (best - math.sqrt(best * (1 - best) / 400)))
    for key, ax in zip(fake_study.SPACE, page.axes[1:], strict=True):
        [band] = [patch for patch in ax.patches if patch.get_label() == "_near"]
        assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((near[key].min(), near[key].max()))


def test_the_ends_of_the_space_are_drawn_and_on_the_axis(trials):
    few = trials[trials["trial"] < 2]
    page = page_of([few, few], [fake_study.SPACE] * 2)
    for key, ax in zip(fake_study.SPACE, page.axes[1 : 1 + len(fake_study.SPACE)], strict=True):
        ends = [line.get_xdata()[0] for line in ax.lines if line.get_label() == "_edge"]
        assert ends == list(fake_study.SPACE[key])
        low, high = ax.get_xlim()
        assert low < min(ends) < max(ends) < high


def test_keys_that_no_search_searches_have_no_panel(trials):
    page = page_of([trials], [RATE])
    assert [ax.get_xlabel() for ax in page.axes] == ["Trial", "Learning rate"]


def test_a_key_that_a_variant_sets_itself_has_no_range(trials):
    page = page_of([trials, trials], [fake_study.SPACE, RATE])
    bands = [sum(patch.get_label() == "_near" for patch in ax.patches) for ax in page.axes]
    assert bands == [1, 1, 1, 1, 1, 1, 1, 0, 0, 0]


def test_the_lowest_panel_of_each_column_has_its_title_and_numbers(trials):
    both = trials.assign(clip_gradient=np.geomspace(0.1, 10, len(trials)))
    more = RATE | {"clip_gradient": [0.1, 10]}
    page = page_of([both, both, trials], [more, more, RATE])
    rows = np.array(page.axes).reshape(3, 3)
    assert [[ax.get_xlabel() for ax in row] for row in rows] == [["", "", ""], ["", "", "Norm of gradient"], ["Trial", "Learning rate", ""]]
    numbered = [[any(tick.label1.get_visible() for tick in ax.xaxis.get_major_ticks()) for ax in row if ax.axison] for row in rows]
    assert numbered == [[False] * 3, [False, False, True], [True, True]]
    assert overlaps([text.get_window_extent(page.canvas.get_renderer()) for text in texts_drawn(page)]) == []
    low, high = rows[1, 2].get_xlim()
    assert rows[1, 2].get_xscale() == rows[0, 2].get_xscale() == "log"
    assert low < 0.1
    assert high > 10


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("space", [RATE, fake_study.SPACE], ids=["one key", "four keys"])
def test_no_text_overlaps_or_leaves_the_page(trials, count, space):
    page = page_of([trials] * count, [space] * count, label="DynamicFocalLoss + ClassBalancedSampler (unbiased) {}")
    boxes = [text.get_window_extent(page.canvas.get_renderer()) for text in texts_drawn(page)]
    assert overlaps(boxes) == []
    assert all(box.x0 >= -1 and box.y0 >= -1 and box.x1 <= page.bbox.x1 + 1 and box.y1 <= page.bbox.y1 + 1 for box in boxes)


def test_a_key_that_is_in_no_trial_of_a_variant_has_no_panel_in_its_row(trials):
    both = trials.assign(clip_gradient=np.geomspace(0.1, 10, len(trials)))
    page = page_of([both, trials], [RATE | {"clip_gradient": [0.1, 10]}, RATE])
    assert [ax.axison for ax in page.axes] == [True] * 5 + [False]
