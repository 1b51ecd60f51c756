"""The figure of accuracy by class."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import fake_study
from figure_assertions import drawn, overlaps, texts_drawn
from hardpair.figures import classes
from hardpair.figures.drawing import style

pytestmark = pytest.mark.usefixtures("coarse")


LONG = "DynamicFocalLoss + ClassBalancedSampler (unbiased, capped at 10)"


def shares_by_class(counts, variants=("ce", "dfl"), seeds=2):
    """Accuracies by class as ``Runs.per_class`` gives them, and training images of each class."""
    rng = np.random.default_rng(5)
    names = [f"class_{label}" for label in range(len(counts))]
    rows = [(variant, seed, name, rng.uniform(0.2, 1)) for variant in variants for seed in range(seeds) for name in names]
    settings = fake_study.settings([{"name": name} for name in variants], seeds)
    return pd.DataFrame(rows, columns=["variant", "seed", "class", "accuracy"]), pd.Series(counts, names), settings


def classes_drawn(table, images, settings):
    with style.applied():
        page = classes.figure(table, images, settings)
        page.draw_without_rendering()
    return page, page.axes[0]


def mean_of(table, variant, names):
    """Mean accuracy in per cent over seeds and classes, by a plain loop."""
    return 100 * np.mean([row.accuracy for row in table.itertuples() if row.variant == variant and row._3 in names])


def test_balanced_classes_stand_in_label_order(drawn_study):
    folder, settings, runs = drawn_study
    _, ax = classes_drawn(runs.per_class(), pd.Series(500, fake_study.CLASSES), settings)
    assert [text.get_text() for text in ax.get_xticklabels()] == fake_study.CLASSES
    x, y = drawn(ax.lines, "DynamicFocalLoss")
    np.testing.assert_array_equal(np.rint(x), range(1, 11))
    assert "None" in {line.get_linestyle() for line in ax.lines if line.get_label() == "DynamicFocalLoss"}, "no line joins classes"
    paths = [folder / "results" / "runs" / "dfl" / f"seed{seed}" / "metrics.json" for seed in range(3)]
    counts = [np.array(json.loads(path.read_text())["models"]["last"]["confusion"]) for path in paths]
    np.testing.assert_allclose(y, 100 * np.mean([np.diag(matrix) / matrix.sum(1) for matrix in counts], axis=0))


def test_classes_of_a_long_tail_stand_at_their_numbers_of_images_from_many_to_few():
    counts = [1077, 5000, 50, 387]
    table, images, settings = shares_by_class(counts)
    _, ax = classes_drawn(table, images, settings)
    assert ax.get_xscale() == "log"
    assert ax.xaxis_inverted()
    x, y = drawn(ax.lines, "dfl")
    order = [2, 3, 0, 1]
    for one, place in zip(x, order, strict=True):
        nearest = min(counts, key=lambda count: abs(np.log(count / one)))
        assert nearest == counts[place]
    np.testing.assert_allclose(y, [mean_of(table, "dfl", {f"class_{label}"}) for label in order])
    ticks = {round(at): text.get_text() for at, text in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)}
    assert ticks == {1077: "class 0  1,077", 5000: "class 1  5,000", 50: "class 2  50", 387: "class 3  387"}


def test_classes_of_equal_or_no_images_keep_a_place_each():
    table, images, settings = shares_by_class([0, 80, 10, 80])
    _, ax = classes_drawn(table, images, settings)
    x, y = drawn(ax.lines, "ce")
    np.testing.assert_array_equal(np.rint(x), [1, 2, 3, 4])
    np.testing.assert_allclose(y, [mean_of(table, "ce", {f"class_{label}"}) for label in (1, 3, 2, 0)])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["class 1  80", "class 3  80", "class 2  10", "class 0  0"]


def test_a_class_without_test_images_is_left_out():
    table, images, settings = shares_by_class([10, 10, 10])
    table.loc[table["class"] == "class_1", "accuracy"] = np.nan
    _, ax = classes_drawn(table, images, settings)
    np.testing.assert_array_equal(np.rint(drawn(ax.lines, "ce")[0]), [1, 3])


@pytest.mark.parametrize("tail", [True, False])
def test_of_many_classes_groups_of_neighbours_are_drawn(tail):
    counts = np.floor(500 * 0.01 ** (np.arange(100) / 99)).astype(int) if tail else np.full(100, 500)
    table, images, settings = shares_by_class(counts.tolist())
    page, ax = classes_drawn(table, images, settings)
    means = {name: np.mean([row.accuracy for row in table.itertuples() if row._3 == name]) for name in images.index}
    order = sorted(images.index, key=lambda name: -images[name] if tail else -means[name])
    groups = [order[first : first + 10] for first in range(0, 100, 10)]
    x, y = drawn(ax.lines, "dfl")
    np.testing.assert_allclose(y, [mean_of(table, "dfl", set(group)) for group in groups])
    np.testing.assert_allclose(x, [stats.gmean([images[name] for name in group]) for group in groups] if tail else range(1, 11))
    assert not any("class" in text.get_text() for text in ax.get_xticklabels())
    assert "mean of 10 classes" in page._supxlabel.get_text().replace("\n", " ")


@pytest.mark.parametrize(
    ("classes", "text"), [(4, "dot: mean of n = 2 seeds, bar: lowest"), (100, "line: mean of n = 2 seeds, band: lowest")]
)
def test_the_footer_calls_bars_bars(classes, text):
    table, images, settings = shares_by_class([50] * classes, ["a", "b"])
    page, _ = classes_drawn(table, images, settings)
    assert text in page._supxlabel.get_text().replace("\n", " ")


@pytest.mark.parametrize("count", [1, 4, 12])
@pytest.mark.parametrize("kind", ["balanced", "tail", "ties", "many", "many in a tail"])
def test_no_name_of_a_class_touches_another(count, kind):
    many = np.floor(500 * 0.01 ** (np.arange(100) / 99)).astype(int).tolist()
    tail = np.floor(5000 * 0.01 ** (np.arange(20) / 19)).astype(int).tolist()
    counts = {"balanced": [50] * 20, "tail": tail, "ties": [90] * 9 + [8] * 11, "many": [50] * 100, "many in a tail": many}[kind]
    table, images, settings = shares_by_class(counts, [f"v{place}" for place in range(count)])
    settings["variants"] = [variant | {"label": f"{LONG} {place}"} for place, variant in enumerate(settings["variants"])]
    images.index = [f"{name}_of_many_long_words" for name in images.index]
    page, ax = classes_drawn(table.assign(**{"class": table["class"] + "_of_many_long_words"}), images, settings)
    renderer = page.canvas.get_renderer()
    turned = [text for text in ax.get_xticklabels() if text.get_rotation()]
    boxes = [text.get_window_extent(renderer) for text in texts_drawn(page)]
    assert overlaps([text.get_window_extent(renderer) for text in texts_drawn(page) if text not in turned]) == []
    assert min(box.x0 for box in boxes) >= -1
    assert min(box.y0 for box in boxes) >= -1
    assert max(box.x1 for box in boxes) <= page.bbox.x1 + 1
    assert max(box.y1 for box in boxes) <= page.bbox.y1 + 1
    assert bool(turned) == ("many" not in kind)
    if turned:  # parallel lines of text: as far from each other as they are high
        x = np.sort([ax.transData.transform((text.get_position()[0], 0))[0] for text in turned])
        assert np.diff(x).min() * np.sin(np.radians(40)) >= turned[0].get_fontsize() / 72 * page.dpi
        below = min(text.get_window_extent(renderer).y0 for text in turned)
        assert ax.xaxis.label.get_window_extent(renderer).y1 <= below or not ax.xaxis.label.get_text()
