import importlib
import itertools
import json
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from scipy import stats

import fake_study
from hardpair.figures import classes, confusion, curves, difficulty, final, hardest, plane, reliability, search, style, variants, weights
from hardpair.figures.legend import spread
from hardpair.readers import read_table
from hardpair.runs import Runs

SCRIPTS = Path(fake_study.__file__).parents[1] / "workflow" / "scripts"
LONG = "DynamicFocalLoss + ClassBalancedSampler (unbiased, capped at 10)"
FIGURES = [
    "plot_curves",
    "plot_plane",
    "plot_classes",
    "plot_confusion",
    "plot_reliability",
    "plot_variants",
    "plot_weights",
    "plot_difficulty",
    "plot_search",
    "plot_hardest",
    "assemble_figure",
]


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    monkeypatch.setitem(style.STYLE, "savefig.dpi", 40)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder, told = tmp_path_factory.mktemp("study"), fake_study.settings(seeds=3)
    fake_study.write_study(folder, told, epochs=6)
    return folder, told, Runs.declared(folder / "results" / "runs", told)


def command(script, folder, told, output):
    inputs = ["--runs", str(folder / "results" / "runs")]
    if script == "plot_search":
        inputs = ["--trials", str(folder / "results" / "search" / "trials.csv")]
    if script == "plot_hardest":
        inputs += ["--images", str(folder / "data" / "test" / "images.npy"), "--classes", str(folder / "data" / "dataset.json")]
    if script == "plot_classes":
        inputs += ["--data", str(folder / "data"), "--split", str(folder / "results" / "split.json")]
    return [f"{script}.py", *inputs, "--settings", json.dumps(told), "--output", str(output)]


def drawn(lines, label):
    """x and y of the line with this label."""
    [line] = [line for line in lines if line.get_label() == label]
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


# ---------------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("script", FIGURES)
def test_script_writes_the_same_png_and_svg_again(script, study, tmp_path, monkeypatch):
    folder, told, _ = study
    told = told | {"variants": told["variants"][::2], "plane": told["plane"][::2], "seeds": [0, 2]}
    written = []
    for name in ("first", "second"):
        monkeypatch.setattr(sys, "argv", command(script, folder, told, tmp_path / f"{name}.png"))
        importlib.import_module(script).main()
        written.append([(tmp_path / f"{name}{suffix}").read_bytes() for suffix in (".png", ".svg")])
    assert written[0] == written[1]
    png, svg = written[0]
    assert png.startswith(b"\x89PNG")
    assert b"<svg" in svg
    assert b"<dc:date>" not in svg
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.png", "first.svg", "second.png", "second.svg"]


def test_missing_run_ends_in_one_sentence_and_no_file(study, tmp_path):
    folder, told, _ = study
    line = command("plot_weights", folder, told | {"seeds": [0, 77]}, tmp_path / "weights.png")
    ended = subprocess.run([sys.executable, *line], cwd=SCRIPTS, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert ended.stderr.count("\n") == 1
    assert "seed77/refreshes.csv is missing" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_style_does_not_depend_on_the_users(study):
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "lines.linewidth": 9}):
        with style.applied():
            assert matplotlib.rcParams["font.size"] == 8
            assert not matplotlib.rcParams["axes.grid"]
        assert matplotlib.rcParams["font.size"] == 30


# -------------------------------------------------------------------------------------------------------------- numbers


def test_curves_show_mean_and_range_over_seeds(study):
    folder, told, runs = study
    table = runs.epochs(["cat", "dog"])
    with style.applied():
        page = curves.figure(table, told)
    accuracy, pair, loss = page.axes[:3]
    raw = np.array([read_table(folder / "results" / "runs" / "dfl" / f"seed{s}" / "epochs.csv")["validation_accuracy"] for s in range(3)])
    x, y = drawn(accuracy.lines, "DynamicFocalLoss")
    np.testing.assert_array_equal(x, range(1, 7))
    np.testing.assert_allclose(y, 100 * raw.mean(0))
    band = accuracy.collections[1].get_paths()[0].vertices
    for place, epoch in enumerate(range(1, 7)):
        at = band[band[:, 0] == epoch, 1]
        assert at.min() == pytest.approx(100 * raw[:, place].min())
        assert at.max() == pytest.approx(100 * raw[:, place].max())
    assert "confusion" in pair.get_title("left")
    assert "own" in loss.get_title("left")


def test_long_runs_are_shown_again_from_the_middle(tmp_path):
    told = fake_study.settings(fake_study.STUDY[:2], seeds=2)
    fake_study.write_study(tmp_path, told, epochs=20, images=100)
    with style.applied():
        page = curves.figure(Runs.declared(tmp_path / "results" / "runs", told).epochs(["cat", "dog"]), told)
    assert len(page.axes) == 6
    x, _ = drawn(page.axes[3].lines, "CrossEntropy")
    np.testing.assert_array_equal(x, range(11, 21))


def test_learning_rate_drops_are_marked(study):
    table = study[2].epochs(["cat", "dog"])
    assert curves.learning_rate_drops(table) == [3, 5]  # after 0.5 and 0.8 of 6 epochs
    assert curves.learning_rate_drops(table[table["epoch"] == 1]) == []


def test_a_loss_that_nearly_diverged_is_drawn_on_a_logarithmic_axis(study):
    _, told, runs = study
    table = runs.epochs(["cat", "dog"])
    for highest, scale in ((3.0, "linear"), (1e17, "log")):
        table.loc[0, "train_loss"] = highest
        with style.applied():
            assert curves.figure(table, told).axes[2].get_yscale() == scale


def test_variants_show_every_seed_mean_interval_published_and_baseline(study):
    folder, told, runs = study
    with style.applied():
        page = variants.figure(runs.measures(["cat", "dog"]), told)
    for ax, measure in zip(page.axes, ("accuracy", "confusion"), strict=True):
        for row, variant in enumerate(told["variants"]):
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
            assert drawn(ax.lines, f"_published:{name}")[0] == pytest.approx(100 * variant["published"][measure])
            if name == "ce":
                assert drawn(ax.lines, "_baseline")[0][0] == pytest.approx(values.mean())
        left, right = ax.get_xlim()
        points = np.concatenate([line.get_xdata() for line in ax.lines if line.get_label().startswith(("_seeds", "_mean", "_published"))])
        assert left < points.min()
        assert points.max() < right
    words = " ".join(text.get_text() for legend in page.legends for text in legend.get_texts())
    assert "95 % t interval, n = 3 seeds" in words


def test_one_seed_has_no_interval(tmp_path):
    told = fake_study.settings(seeds=1)
    fake_study.write_study(tmp_path, told, epochs=1, images=100)
    with style.applied():
        page = variants.figure(Runs.declared(tmp_path / "results" / "runs", told).measures(["cat", "dog"]), told)
    labels = [line.get_label() for ax in page.axes for line in ax.lines]
    assert not [label for label in labels if label.startswith("_interval")]
    words = " ".join(text.get_text() for legend in page.legends for text in legend.get_texts())
    assert "no interval" in words
    assert "95" not in words


@pytest.mark.parametrize("count", [2, 3, 12])
@pytest.mark.parametrize("variants_", [1, 4])
def test_few_classes_and_long_names_leave_a_matrix_legible(count, variants_):
    classes = [f"{label} $(x)_{'long ' * 9}" for label in range(count)]
    told = fake_study.settings(fake_study.STUDY[:variants_], seeds=2) | {"pairs": [classes[:2]]}
    counts = np.random.default_rng(0).integers(1, 9, (2, count, count))
    with style.applied():
        page = confusion.figure(classes, {variant["name"]: counts for variant in told["variants"]}, told)
        page.canvas.draw()
    shown = [ax for ax in page.axes[:-1] if ax.get_visible()]
    for ax in shown:
        assert ax.get_window_extent().width / page.dpi / count > 0.15, "inches of a cell"
        for axis in (ax.xaxis, ax.yaxis):
            boxes = [label.get_window_extent() for label in axis.get_ticklabels() if label.get_text()]
            assert not any(a.overlaps(b) for place, a in enumerate(boxes) for b in boxes[:place])
    bar = page.axes[-1].yaxis.label.get_window_extent()
    assert page.bbox.y0 <= bar.y0 < bar.y1 <= page.bbox.y1


def shares_by_class(counts, variants=("ce", "dfl"), seeds=2):
    """Accuracies by class as ``Runs.per_class`` gives them, and training images of each class."""
    rng = np.random.default_rng(5)
    names = [f"class_{label}" for label in range(len(counts))]
    rows = [(variant, seed, name, rng.uniform(0.2, 1)) for variant in variants for seed in range(seeds) for name in names]
    told = fake_study.settings([{"name": name} for name in variants], seeds)
    return pd.DataFrame(rows, columns=["variant", "seed", "class", "accuracy"]), pd.Series(counts, names), told


def classes_drawn(table, images, told):
    with style.applied():
        page = classes.figure(table, images, told)
        page.draw_without_rendering()
    return page, page.axes[0]


def mean_of(table, variant, names):
    """Mean accuracy in per cent over seeds and classes, by a plain loop."""
    return 100 * np.mean([row.accuracy for row in table.itertuples() if row.variant == variant and row._3 in names])


def test_balanced_classes_stand_in_label_order(study):
    folder, told, runs = study
    _, ax = classes_drawn(runs.per_class(), pd.Series(500, fake_study.CLASSES), told)
    assert [text.get_text() for text in ax.get_xticklabels()] == fake_study.CLASSES
    x, y = drawn(ax.lines, "DynamicFocalLoss")
    np.testing.assert_array_equal(x, range(1, 11))
    paths = [folder / "results" / "runs" / "dfl" / f"seed{seed}" / "metrics.json" for seed in range(3)]
    counts = [np.array(json.loads(path.read_text())["models"]["last"]["confusion"]) for path in paths]
    np.testing.assert_allclose(y, 100 * np.mean([np.diag(each) / each.sum(1) for each in counts], axis=0))


def test_classes_of_a_long_tail_stand_at_their_numbers_of_images_from_many_to_few():
    counts = [1077, 5000, 50, 387]
    table, images, told = shares_by_class(counts)
    _, ax = classes_drawn(table, images, told)
    assert ax.get_xscale() == "log"
    assert ax.xaxis_inverted()
    x, y = drawn(ax.lines, "dfl")
    order = [1, 0, 3, 2]
    np.testing.assert_allclose(x, [counts[label] for label in order])
    np.testing.assert_allclose(y, [mean_of(table, "dfl", {f"class_{label}"}) for label in order])
    ticks = {round(at): text.get_text() for at, text in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)}
    assert ticks == {1077: "class 0  1,077", 5000: "class 1  5,000", 50: "class 2  50", 387: "class 3  387"}


def test_classes_of_equal_or_no_images_keep_a_place_each():
    table, images, told = shares_by_class([0, 80, 10, 80])
    _, ax = classes_drawn(table, images, told)
    x, y = drawn(ax.lines, "ce")
    np.testing.assert_array_equal(x, [1, 2, 3, 4])
    np.testing.assert_allclose(y, [mean_of(table, "ce", {f"class_{label}"}) for label in (1, 3, 2, 0)])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["class 1  80", "class 3  80", "class 2  10", "class 0  0"]


def test_a_class_without_test_images_is_left_out():
    table, images, told = shares_by_class([10, 10, 10])
    table.loc[table["class"] == "class_1", "accuracy"] = np.nan
    _, ax = classes_drawn(table, images, told)
    np.testing.assert_array_equal(drawn(ax.lines, "ce")[0], [1, 3])


@pytest.mark.parametrize("tail", [True, False])
def test_of_many_classes_groups_of_neighbours_are_drawn(tail):
    counts = np.floor(500 * 0.01 ** (np.arange(100) / 99)).astype(int) if tail else np.full(100, 500)
    table, images, told = shares_by_class(counts.tolist())
    page, ax = classes_drawn(table, images, told)
    means = {name: np.mean([row.accuracy for row in table.itertuples() if row._3 == name]) for name in images.index}
    order = sorted(images.index, key=lambda name: -images[name] if tail else -means[name])
    groups = [order[first : first + 10] for first in range(0, 100, 10)]
    x, y = drawn(ax.lines, "dfl")
    np.testing.assert_allclose(y, [mean_of(table, "dfl", set(group)) for group in groups])
    np.testing.assert_allclose(x, [stats.gmean([images[name] for name in group]) for group in groups] if tail else range(1, 11))
    assert not any("class" in text.get_text() for text in ax.get_xticklabels())
    assert "mean of about 10 classes" in page._supxlabel.get_text().replace("\n", " ")


def test_confusion_matrices_are_mean_row_shares(study):
    _, told, runs = study
    classes, matrices = runs.confusions()
    with style.applied():
        page = confusion.figure(classes, matrices, told)
    counts = matrices["dfl"].astype(float)
    expected = np.mean([100 * matrix / matrix.sum(1, keepdims=True) for matrix in counts], axis=0)
    shown = page.axes[1].collections[0].get_array()
    np.testing.assert_allclose(shown.compressed(), expected[~np.eye(10, dtype=bool)])
    assert np.array_equal(np.ma.getmaskarray(shown), np.eye(10, dtype=bool))
    for ax in page.axes[:4]:
        top, bottom = ax.transData.transform([(0, 0.5), (0, 9.5)])[:, 1]
        assert top > bottom  # the first class is the first row


def test_reliability_shows_accuracy_by_confidence_and_leaves_out_small_bins(tmp_path):
    told = fake_study.settings(seeds=3)
    fake_study.write_study(tmp_path, told, epochs=1, images=600)
    table = Runs.declared(tmp_path / "results" / "runs", told).reliability()
    with style.applied():
        page = reliability.figure(table, told)
    files = [np.load(tmp_path / "results" / "runs" / "dfl" / f"seed{seed}" / "predictions.npz") for seed in range(3)]
    p = np.array([np.exp(file["last"].astype(float)) / np.exp(file["last"].astype(float)).sum(1, keepdims=True) for file in files])
    confidence, correct = p.max(2), p.argmax(2) == files[0]["labels"]
    inside = [(confidence > m / 15) & (confidence <= (m + 1) / 15) for m in range(15)]
    kept = [each for each in inside if each.sum() >= 3 * reliability.FEWEST]
    assert 3 < len(kept) < 15
    x, y = drawn(page.axes[1].lines, "DynamicFocalLoss")
    np.testing.assert_allclose(x, [100 * np.mean([confidence[s][each[s]].mean() for s in range(3)]) for each in kept])
    np.testing.assert_allclose(y, [100 * np.mean([correct[s][each[s]].mean() for s in range(3)]) for each in kept])
    errors = np.array([sum(abs((correct[s] - confidence[s])[each[s]].sum()) / 600 for each in inside) for s in range(3)])
    half = stats.t.ppf(0.975, 2) * stats.sem(100 * errors)
    assert page.axes[1].get_title("left") == f"DynamicFocalLoss\nECE {100 * errors.mean():.1f} ± {half:.1f} %"
    np.testing.assert_allclose(drawn(page.axes[1].lines, "_baseline")[1][-1], drawn(page.axes[0].lines, "CrossEntropy")[1][-1])


@pytest.mark.parametrize(("share", "where"), [(0.0, "left"), (0.14, "line"), (0.9, "right")])
def test_a_reference_is_a_line_or_an_arrow_where_it_is_far_away(study, share, where):
    _, told, runs = study
    told = told | {"references": [{"pair": ["cat", "dog"], "confusion": share, "label": "humans", "source": "s"}]}
    with style.applied():
        page = variants.figure(runs.measures(["cat", "dog"]), told)
        courses = curves.figure(runs.epochs(["cat", "dog"]), told)
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


def test_the_plane_has_a_cell_for_each_pair_of_exponents(study):
    _, told, runs = study
    table = runs.measures(["cat", "dog"])
    places = [["ce", 0, 0], ["dfl", 2, 0], ["ce_sampler", 0, 2], ["dfl_sampler", 2, 2]]
    with style.applied():
        page = plane.figure(table, told | {"plane": places})
    for ax, column in zip(page.axes, ("accuracy", "confusion"), strict=True):
        texts = {tuple(text.get_position()): text.get_text() for text in ax.texts}
        assert len(texts) == 4
        for name, of_loss, of_sampler in places:
            values = 100 * table.loc[table["variant"] == name, column]
            low, high = stats.t.interval(0.95, 2, values.mean(), values.sem())
            assert texts[of_sampler // 2 + 0.5, of_loss // 2 + 0.5] == f"{values.mean():.1f}\n± {(high - low) / 2:.1f}"


def test_weights_show_every_refresh_of_variants_that_have_them(study):
    folder, told, runs = study
    with style.applied():
        page = weights.figure(runs.refreshes(["cat", "dog"]), told)
    assert [ax.get_title("left") for ax in page.axes] == [title.format("cat and dog") for title, _ in weights.PANELS.values()]
    raw = [read_table(folder / "results" / "runs" / "dfl" / f"seed{s}" / "refreshes.csv").dropna(subset=["loss_scale"]) for s in range(3)]
    x, y = drawn(page.axes[1].lines, "DynamicFocalLoss")
    np.testing.assert_array_equal(x, [0, 5, 6])
    np.testing.assert_allclose(y, np.mean([table["loss_scale"] for table in raw], axis=0))
    assert {line.get_label() for line in page.axes[1].lines} == {"DynamicFocalLoss", "DFL + Sampler"}


def test_published_courses_are_stars_where_runs_are_as_long(study):
    _, told, runs = study
    for epochs, stars in (([5, 6], 1), ([5, 50], 0)):
        published = {"scale": [[epoch, 3.0 + epoch] for epoch in epochs], "hard": [[epoch, 0.5] for epoch in epochs]}
        settings = told | {
            "variants": [variant | {"published": published} if variant["name"] == "dfl" else variant for variant in told["variants"]]
        }
        with style.applied():
            pages = weights.figure(runs.refreshes(["cat", "dog"]), settings), difficulty.figure(runs.difficulty(0.8, 0.5), settings)
        found = [line for page in pages for ax in page.axes for line in ax.lines if line.get_label() == "_published:dfl"]
        assert len(found) == 2 * stars
        if stars:
            np.testing.assert_array_equal(found[0].get_xydata(), [[5, 8], [6, 9]])
            np.testing.assert_array_equal(found[1].get_ydata(), [50, 50])


def test_difficulty_shows_shares_in_per_cent(study):
    folder, told, runs = study
    with style.applied():
        page = difficulty.figure(runs.difficulty(0.8, 0.5), told)
    counts = np.array([np.load(folder / "results" / "runs" / "ce" / f"seed{seed}" / "history.npz")["p_histogram"] for seed in range(3)])
    x, y = drawn(page.axes[0].lines, "CrossEntropy")
    np.testing.assert_array_equal(x, [0, 4, 5, 6])
    np.testing.assert_allclose(y, 100 * (counts[:, :, 80:].sum(2) / counts.sum(2)).mean(0))
    np.testing.assert_allclose(drawn(page.axes[1].lines, "CrossEntropy")[1], 100 * (counts[:, :, :50].sum(2) / counts.sum(2)).mean(0))


def test_search_keeps_the_best_so_far_and_leaves_diverged_trials_out_of_it(study):
    trials = read_table(study[0] / "results" / "search" / "trials.csv")
    with style.applied():
        page = search.figure(trials, {"study": "fake"})
    x, y = drawn(page.axes[0].lines, "_best")
    best, expected = -np.inf, []
    for trial in trials.itertuples():
        best = best if trial.diverged else max(best, 100 * trial.value)
        expected.append(best)
    np.testing.assert_array_equal(x, trials["trial"])
    np.testing.assert_allclose(y, expected)
    for ax in page.axes:
        assert sum(line.get_label() == "_diverged" for line in ax.lines) == trials["diverged"].sum() > 0
    assert [ax.get_xscale() for ax in page.axes] == ["linear", "log", "log", "linear", "linear"]


@pytest.mark.parametrize("high", [0.006, 0.011, 0.02, 0.05, 0.5])
def test_numbers_of_a_learning_rate_do_not_touch_however_narrow_the_search(study, high):
    trials = read_table(study[0] / "results" / "search" / "trials.csv")
    trials["learning_rate"] = np.linspace(0.004, high, len(trials))
    with style.applied():
        page = search.figure(trials, {"study": "fake"})
        page.draw_without_rendering()
        ax = page.axes[1]
        low, high = ax.get_xlim()
        shown = [tick.label1 for tick in ax.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
        boxes = sorted(((box := text.get_window_extent()).x0, box.x1) for text in shown)
    assert len(boxes) >= 2
    assert all(end + 2 < begin for (_, end), (begin, _) in itertools.pairwise(boxes)), [text.get_text() for text in shown]


def test_hardest_are_ranked_by_runs_then_by_probability(study):
    folder, told, runs = study
    calls = runs.pair_calls(3, 5)
    top = hardest.ranked(calls, 3)
    rest = calls[(calls["label"] == 3) & ~calls["index"].isin(top["index"])]
    keys = list(zip(-top["called"], -top["p_other"], strict=True))
    assert keys == sorted(keys)
    assert rest["called"].max() <= top["called"].min()
    images = np.load(folder / "data" / "test" / "images.npy")
    with style.applied():
        page = hardest.figure(images, fake_study.CLASSES, calls, told)
    shown = page.subfigs[0].axes[0].images[0].get_array()
    np.testing.assert_array_equal(shown, images[top["index"].iloc[0]].transpose(1, 2, 0))


def test_hardest_without_an_error_says_so(study):
    folder, told, runs = study
    calls = runs.pair_calls(3, 5).assign(called=0.0)
    with style.applied():
        page = hardest.figure(np.load(folder / "data" / "test" / "images.npy"), fake_study.CLASSES, calls, told)
    assert [text.get_text() for part in page.subfigs for text in part.axes[0].texts] == ["No run makes this error."] * 2


# --------------------------------------------------------------------------------------------------------------- layout


def test_looks_are_distinct_and_fixed_by_place():
    many = [{"name": f"v{place}"} for place in range(24)]
    looks = style.looks(many)
    assert len({(look.colour, look.dashes) for look in looks.values()}) == 24
    assert len({(look.dashes, look.marker) for look in looks.values()}) == 24  # grey print
    assert style.looks(many[:3])["v2"] == looks["v2"]


@pytest.mark.parametrize("label", ["cost $5", "$\\frac{1", "_hidden", "a $x$ b", "two\nlines"])
def test_labels_are_drawn_as_written(label, study):
    _, told, runs = study
    told = told | {"variants": [{"name": "ce", "label": label}, {"name": "dfl", "label": "other"}]}
    table = runs.difficulty(0.8, 0.5)
    with style.applied():
        page = difficulty.figure(table, told)
        page.draw_without_rendering()
        texts = [text.get_text() for legend in page.legends for text in legend.get_texts()]
        texts += [text.get_text() for ax in page.axes for text in ax.texts if isinstance(text, Annotation)]
    assert " ".join(label.split()) in {text.strip() for text in texts}


def overlaps(boxes):
    """Pairs of boxes (in pixels) that share more than a pixel."""
    return [
        (first, second)
        for place, first in enumerate(boxes)
        for second in boxes[place + 1 :]
        if min(first.x1, second.x1) - max(first.x0, second.x0) > 1 and min(first.y1, second.y1) - max(first.y0, second.y0) > 1
    ]


@pytest.mark.parametrize(("count", "label", "epochs", "validation"), [(12, LONG, 12, True), (2, "CE", 4, True), (1, LONG, 1, False)])
def test_no_text_overlaps_or_leaves_the_page(tmp_path, count, label, epochs, validation):
    told = fake_study.settings([{"name": f"v{i}_dfl_sampler", "label": f"{label} {i}"} for i in range(count)], seeds=2)
    told["references"] = [{"pair": ["cat", "dog"], "confusion": 0.0383, "label": "humans", "source": "s"}]
    fake_study.write_study(tmp_path, told, epochs=epochs, images=100, validation=validation)
    runs = Runs.declared(tmp_path / "results" / "runs", told)
    pair = ["cat", "dog"]
    tables = runs.measures(pair), runs.epochs(pair), runs.refreshes(pair), runs.difficulty(0.8, 0.5)
    with style.applied():
        pages = [
            final.figure(*tables, told),
            variants.figure(tables[0], told),
            curves.figure(tables[1], told),
            weights.figure(tables[2], told),
        ]
        pages += [difficulty.figure(tables[3], told), reliability.figure(runs.reliability(), told)]
        for page in pages:
            page.draw_without_rendering()
            renderer = page.canvas.get_renderer()
            boxes = [text.get_window_extent(renderer) for text in texts_drawn(page)]
            assert len(boxes) > 5
            assert overlaps(boxes) == []
            for box in boxes:
                assert box.x0 >= -1
                assert box.y0 >= -1
                assert box.x1 <= page.bbox.x1 + 1
                assert box.y1 <= page.bbox.y1 + 1


@pytest.mark.parametrize("count", [1, 4, 12])
@pytest.mark.parametrize("kind", ["balanced", "tail", "ties", "many", "many in a tail"])
def test_no_name_of_a_class_touches_another(count, kind):
    many = np.floor(500 * 0.01 ** (np.arange(100) / 99)).astype(int).tolist()
    tail = np.floor(5000 * 0.01 ** (np.arange(20) / 19)).astype(int).tolist()
    counts = {"balanced": [50] * 20, "tail": tail, "ties": [90] * 9 + [8] * 11, "many": [50] * 100, "many in a tail": many}[kind]
    table, images, told = shares_by_class(counts, [f"v{place}" for place in range(count)])
    told["variants"] = [variant | {"label": f"{LONG} {place}"} for place, variant in enumerate(told["variants"])]
    images.index = [f"{name}_of_many_long_words" for name in images.index]
    page, ax = classes_drawn(table.assign(**{"class": table["class"] + "_of_many_long_words"}), images, told)
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


def texts_drawn(page):
    """All texts of a page but the labels of ticks that an axis keeps without drawing them."""
    idle = set()
    for ax in page.findobj(Axes):
        for axis in (ax.xaxis, ax.yaxis):
            drawn = axis._update_ticks() if ax.get_visible() else []
            idle |= {text for tick in [*axis.majorTicks, *axis.minorTicks] if tick not in drawn for text in (tick.label1, tick.label2)}
    return [text for text in page.findobj(Text) if text.get_text().strip() and text.get_visible() and text not in idle]


@settings(deadline=None)
@given(st.lists(st.floats(0, 10), min_size=1, max_size=8), st.floats(0.1, 3))
def test_direct_labels_keep_their_order_and_distance(wanted, gap):
    wanted = np.sort(wanted)
    places = spread(wanted, gap, 10.0)
    if (len(wanted) - 1) * gap > 10:
        assert places is None
        return
    assert places.min() >= -1e-9
    assert places.max() <= 10 + 1e-9
    assert np.diff(places).min(initial=gap) >= gap - 1e-9
    if np.diff(wanted).min(initial=gap) >= gap:
        np.testing.assert_allclose(places, wanted)
