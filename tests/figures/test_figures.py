"""Figures of results show the numbers of their tables."""

import json

import numpy as np
import pytest
from matplotlib.text import Text
from scipy import stats

import fake_study
from figure_assertions import drawn
from hardpair.comparison.runs import Runs
from hardpair.figures import confusion, curves, hardest, plane, reliability, variants
from hardpair.figures.drawing import style

pytestmark = pytest.mark.usefixtures("coarse")


def test_variants_show_every_seed_mean_interval_published_and_baseline(drawn_study):
    folder, settings, runs = drawn_study
    with style.applied():
        page = variants.figure(runs.measures(["cat", "dog"]), settings)
    for ax, measure in zip(page.axes, ("accuracy", "confusion"), strict=True):
        for row, variant in enumerate(settings["variants"]):
            name = variant["name"]
            paths = [folder / "results" / "runs" / name / f"seed{seed}" / "metrics.json" for seed in range(3)]
            last = [json.loads(path.read_text())["models"]["last"] for path in paths]
            values = 100 * np.array([m["accuracy"] if measure == "accuracy" else m["pairs"]["cat-dog"]["rate"] for m in last])
            x, y = drawn(ax.lines, f"_seeds:{name}")
            np.testing.assert_allclose(x, values)
            assert np.abs(y - row).max() < 0.5
            assert drawn(ax.lines, f"_mean:{name}")[0] == pytest.approx(values.mean())
            low, high = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
            np.testing.assert_allclose(drawn(ax.lines, f"_interval:{name}")[0], [low, high])
            assert any(text.get_text().endswith((f"\n{low:.1f}–{high:.1f}", f"\n{low:.2f}–{high:.2f}")) for text in ax.texts)
            stars, value = (
                [line.get_xdata()[0] for line in ax.lines if line.get_label() == f"_published:{name}"],
                100 * variant["published"][measure],
            )
            in_text = f"publ. {value:.1f}" in [text.get_text() for text in ax.texts]
            assert stars == [pytest.approx(value)] or (in_text and not ax.get_xlim()[0] < value < ax.get_xlim()[1])
            if name == "ce":
                assert drawn(ax.lines, "_baseline")[0][0] == pytest.approx(values.mean())
        left, right = ax.get_xlim()
        points = np.concatenate([line.get_xdata() for line in ax.lines if line.get_label().startswith(("_seeds", "_mean"))])
        assert left < points.min()
        assert points.max() < right
    words = " ".join(text.get_text() for legend in page.legends for text in legend.get_texts())
    assert "95 % t interval, n = 3 seeds" in words


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_have_no_interval(tmp_path, seeds):
    settings = fake_study.settings(seeds=seeds)
    fake_study.write_study(tmp_path, settings, epochs=1, images=100)
    with style.applied():
        page = variants.figure(Runs.declared(tmp_path / "results" / "runs", settings).measures(["cat", "dog"]), settings)
    labels = [line.get_label() for ax in page.axes for line in ax.lines]
    assert not [label for label in labels if label.startswith("_interval")]
    words = " ".join(text.get_text() for legend in page.legends for text in legend.get_texts())
    assert "no interval" in words
    assert "95" not in words


@pytest.mark.parametrize("count", [2, 3, 12])
@pytest.mark.parametrize("variants_", [1, 4])
def test_few_classes_and_long_names_leave_a_matrix_legible(count, variants_):
    classes = [f"{label} $(x)_{'long ' * 9}" for label in range(count)]
    settings = fake_study.settings(fake_study.STUDY[:variants_], seeds=2) | {"pairs": [classes[:2]]}
    counts = np.random.default_rng(0).integers(1, 9, (2, count, count))
    with style.applied():
        page = confusion.figure(classes, {variant["name"]: counts for variant in settings["variants"]}, settings)
        page.canvas.draw()
    shown = [ax for ax in page.axes[:-1] if ax.get_visible()]
    for ax in shown:
        assert ax.get_window_extent().width / page.dpi / count > 0.15, "inches of a cell"
        for axis in (ax.xaxis, ax.yaxis):
            boxes = [label.get_window_extent() for label in axis.get_ticklabels() if label.get_text()]
            assert not any(a.overlaps(b) for place, a in enumerate(boxes) for b in boxes[:place])
    bar = page.axes[-1].yaxis.label.get_window_extent()
    assert page.bbox.y0 <= bar.y0 < bar.y1 <= page.bbox.y1


def test_confusion_matrices_are_mean_row_shares(drawn_study):
    _, settings, runs = drawn_study
    classes, matrices = runs.confusions()
    with style.applied():
        page = confusion.figure(classes, matrices, settings)
    counts = matrices["dfl"].astype(float)
    expected = np.mean([100 * matrix / matrix.sum(1, keepdims=True) for matrix in counts], axis=0)
    shown = page.axes[1].collections[0].get_array()
    np.testing.assert_allclose(shown.compressed(), expected[~np.eye(10, dtype=bool)])
    assert np.array_equal(np.ma.getmaskarray(shown), np.eye(10, dtype=bool))
    for ax in page.axes[:4]:
        top, bottom = ax.transData.transform([(0, 0.5), (0, 9.5)])[:, 1]
        assert top > bottom  # the first class is the first row


def test_reliability_shows_accuracy_by_confidence_and_leaves_out_small_bins(tmp_path):
    settings = fake_study.settings(seeds=3)
    fake_study.write_study(tmp_path, settings, epochs=1, images=600)
    table = Runs.declared(tmp_path / "results" / "runs", settings).reliability()
    with style.applied():
        page = reliability.figure(table, settings)
    files = [np.load(tmp_path / "results" / "runs" / "dfl" / f"seed{seed}" / "predictions.npz") for seed in range(3)]
    p = np.array([np.exp(file["last"].astype(float)) / np.exp(file["last"].astype(float)).sum(1, keepdims=True) for file in files])
    confidence, correct = p.max(2), p.argmax(2) == files[0]["labels"]
    inside = [(confidence > m / 15) & (confidence <= (m + 1) / 15) for m in range(15)]
    kept = [mask for mask in inside if mask.sum() >= 3 * reliability.FEWEST]
    assert 3 < len(kept) < 15
    x, y = drawn(page.axes[1].lines, "DynamicFocalLoss")
    np.testing.assert_allclose(x, [100 * np.mean([confidence[s][mask[s]].mean() for s in range(3)]) for mask in kept])
    np.testing.assert_allclose(y, [100 * np.mean([correct[s][mask[s]].mean() for s in range(3)]) for mask in kept])
    errors = np.array([sum(abs((correct[s] - confidence[s])[mask[s]].sum()) / 600 for mask in inside) for s in range(3)])
    low, high = stats.t.interval(0.95, 2, 100 * errors.mean(), stats.sem(100 * errors))
    assert page.axes[1].get_title("left") == f"DynamicFocalLoss\nECE {100 * errors.mean():.1f} % ({low:.1f}–{high:.1f})"
    np.testing.assert_allclose(drawn(page.axes[1].lines, "_baseline")[1][-1], drawn(page.axes[0].lines, "CrossEntropy")[1][-1])


@pytest.mark.parametrize(("share", "text"), [(0.1, "publ. 10.0"), (0.84, None), (0.999, "publ. 99.9")])
def test_a_published_value_is_a_star_at_its_place_or_a_number_beside_the_panel(drawn_study, share, text):
    _, settings, runs = drawn_study
    others = [{key: value for key, value in variant.items() if key != "published"} for variant in settings["variants"][1:]]
    settings = settings | {"variants": [settings["variants"][0] | {"published": {"accuracy": share, "confusion": 0.12}}, *others]}
    table = runs.measures(["cat", "dog"])
    with style.applied():
        ax = variants.figure(table, settings).axes[0]
    stars = [line for line in ax.lines if line.get_label().startswith("_published")]
    left, right = ax.get_xlim()
    if text is None:
        [star] = stars
        assert star.get_xdata()[0] == pytest.approx(100 * share)
        assert left < 100 * share < right
    else:
        assert stars == []
        assert text in [item.get_text() for item in ax.texts]
        points = 100 * table["accuracy"]
        assert right - left < 3.2 * (points.max() - points.min()), "the variants can still be distinguished"


@pytest.mark.parametrize(("share", "where"), [(0.0, "left"), (0.14, "line"), (0.9, "right")])
def test_a_reference_is_a_line_or_an_arrow_where_it_is_far_away(drawn_study, share, where):
    _, settings, runs = drawn_study
    settings = settings | {"references": [{"pair": ["cat", "dog"], "confusion": share, "label": "humans", "source": "s"}]}
    with style.applied():
        page = variants.figure(runs.measures(["cat", "dog"]), settings)
        courses = curves.figure(runs.epochs(["cat", "dog"]), settings)
    accuracy, confused = page.axes
    assert not [line for line in accuracy.lines if line.get_label() == "_reference"]
    x, _ = drawn(confused.lines, "_reference")
    assert x[0] == {"left": 0, "line": pytest.approx(100 * share), "right": 1}[where]
    if where == "line":
        assert confused.get_xlim()[0] < 100 * share < confused.get_xlim()[1]
    assert f"humans {100 * share:.2f} %" in [text.get_text() for legend in page.legends for text in legend.get_texts()]
    assert drawn(courses.axes[1].lines, "_reference")[1][0] == pytest.approx(100 * share)
    assert f"humans {100 * share:.2f} %" in [text.get_text() for text in courses.axes[1].texts]


def test_of_many_classes_the_most_confused_are_shown_and_the_pair_is_among_them():
    counts = np.full((1, 30, 30), 0)
    counts[0][np.diag_indices(30)] = 100
    for rank, (a, b) in enumerate([(7, 9), (20, 3), (11, 12), (13, 14), (25, 26), (27, 28)]):
        counts[0, a, b] = 50 - rank
    assert confusion.chosen_classes({"ce": counts}, (0, 1)) == [0, 1, 3, 7, 9, 11, 12, 13, 14, 20, 25, 26]


def test_the_plane_has_a_cell_for_each_pair_of_exponents(drawn_study):
    _, settings, runs = drawn_study
    table = runs.measures(["cat", "dog"])
    places = [["ce", 0, 0], ["dfl", 2, 0], ["ce_sampler", 0, 2], ["dfl_sampler", 2, 2]]
    with style.applied():
        page = plane.figure(table, settings | {"plane": places})
    for ax, column in zip(page.axes, ("accuracy", "confusion"), strict=True):
        texts = {tuple(text.get_position()): text.get_text() for text in ax.texts}
        assert len(texts) == 4
        for name, of_loss, of_sampler in places:
            values = 100 * table.loc[table["variant"] == name, column]
            low, high = stats.t.interval(0.95, 2, values.mean(), values.sem())
            assert texts[of_sampler // 2 + 0.5, of_loss // 2 + 0.5] == f"{values.mean():.1f}\n{low:.1f}–{high:.1f}"
    assert "darker is better" in " ".join(page.get_supxlabel().split())


def test_the_plane_frames_all_that_runs_do_not_distinguish_from_the_best(drawn_study):
    _, _, runs = drawn_study
    table = runs.measures(["cat", "dog"])
    places = {(0, 0): "ce", (2, 0): "dfl", (0, 2): "ce_sampler", (2, 2): "dfl_sampler"}
    near = [0.500, 0.501, 0.502], [0.501, 0.500, 0.5025], [0.40, 0.41, 0.42], [0.4999, 0.4009, 0.5018]
    for name, values in zip(places.values(), near, strict=True):
        table.loc[table["variant"] == name, "accuracy"] = values
    for column in ("accuracy", "confusion"):
        means = {place: table.loc[table["variant"] == name, column].mean() for place, name in places.items()}
        best = (max if column == "accuracy" else min)(means, key=means.get)
        first = table.loc[table["variant"] == places[best], column].to_numpy()
        expected = {best}
        for place, name in places.items():
            difference = table.loc[table["variant"] == name, column].to_numpy() - first
            low, high = stats.t.interval(0.95, 2, difference.mean(), stats.sem(difference)) if place != best else (0, 0)
            expected |= {place} if low <= 0 <= high else set()
        assert plane.best_cells(table, column, places) == expected
    assert plane.best_cells(table, "accuracy", places) == {(0, 0), (2, 0), (2, 2)}


def test_hardest_are_ranked_by_runs_then_by_probability(drawn_study):
    folder, settings, runs = drawn_study
    calls = runs.pair_calls(3, 5)
    top = hardest.ranked(calls, 3)
    rest = calls[(calls["label"] == 3) & ~calls["index"].isin(top["index"])]
    keys = list(zip(-top["called"], -top["p_other"], strict=True))
    assert keys == sorted(keys)
    assert rest["called"].max() <= top["called"].min()
    images = np.load(folder / "data" / "test" / "images.npy")
    with style.applied():
        page = hardest.figure(images, fake_study.CLASSES, calls, settings)
    shown = page.subfigs[0].axes[0].images[0].get_array()
    np.testing.assert_array_equal(shown, images[top["index"].iloc[0]].transpose(1, 2, 0))
    captions = [text.get_text() for text in page.subfigs[0].findobj(Text)]
    called = top["called"].iloc[0] * len(settings["variants"]) * len(settings["seeds"])
    assert f"p = {top['p_other'].iloc[0]:.2f}\n{called:.0f} of 12 runs" in captions, "the numbers that order them"
    with style.applied():
        page = hardest.figure(images, fake_study.CLASSES, calls.assign(called=1.0), settings)
    captions = [text.get_text() for text in page.findobj(Text)]
    assert "cat, called dog by 12 of 12 runs each" in captions
    assert not [caption for caption in captions if caption.startswith("p =") and "runs" in caption], "what all share is written once"


def test_hardest_without_an_error_has_a_note(drawn_study):
    folder, settings, runs = drawn_study
    calls = runs.pair_calls(3, 5).assign(called=0.0)
    with style.applied():
        page = hardest.figure(np.load(folder / "data" / "test" / "images.npy"), fake_study.CLASSES, calls, settings)
    assert [text.get_text() for part in page.subfigs for text in part.axes[0].texts] == ["No run makes this error."] * 2
