"""Figures of training and of the search show the numbers of their tables."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

import fake_study
from figure_assertions import drawn
from hardpair.comparison.runs import Runs
from hardpair.figures import curves, difficulty, search, weights
from hardpair.figures.drawing import bands, style
from hardpair.files.readers import read_table

pytestmark = pytest.mark.usefixtures("coarse")


def test_curves_show_mean_and_range_over_seeds(drawn_study):
    folder, settings, runs = drawn_study
    table = runs.epochs(["cat", "dog"])
    with style.applied():
        page = curves.figure(table, settings)
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


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_a_band_is_the_interval_of_the_mean_or_of_few_seeds_their_range(seeds, seed):
    values = np.random.default_rng(seed).normal(size=(3, seeds))
    table = pd.DataFrame([(epoch, value) for epoch, row in enumerate(values) for value in row], columns=["epoch", "value"])
    band = bands.over_seeds(table.groupby("epoch")["value"], seeds)
    np.testing.assert_allclose(band["mean"], values.mean(1))
    if seeds < bands.FEW:
        low, high = values.min(1), values.max(1)
    else:
        low, high = scipy.stats.t.interval(0.95, seeds - 1, values.mean(1), scipy.stats.sem(values, axis=1))
    np.testing.assert_allclose(band[["low", "high"]], np.transpose([low, high]))


def test_long_runs_are_shown_again_from_the_middle(tmp_path):
    settings = fake_study.settings(fake_study.STUDY[:2], seeds=2)
    fake_study.write_study(tmp_path, settings, epochs=20, images=100)
    with style.applied():
        page = curves.figure(Runs.declared(tmp_path / "results" / "runs", settings).epochs(["cat", "dog"]), settings)
    assert len(page.axes) == 6
    x, _ = drawn(page.axes[3].lines, "CrossEntropy")
    np.testing.assert_array_equal(x, range(11, 21))


def test_learning_rate_drops_are_marked(drawn_study):
    table = drawn_study[2].epochs(["cat", "dog"])
    assert curves.learning_rate_drops(table) == [3, 5]  # after 0.5 and 0.8 of 6 epochs
    assert curves.learning_rate_drops(table[table["epoch"] == 1]) == []


@pytest.mark.parametrize(
    ("schedule", "rates", "drops"),
    [
        ("steps", [0.1, 0.1, 0.01, 0.01, 0.001], [2, 4]),
        ("steps", [0.03, 0.07, 0.1, 0.1, 0.01], [4]),
        ("steps", [0.1, 0.05], [1]),
        ("cosine", [0.05, 0.1, 0.08, 0.05, 0.01], []),
        ("cosine", [0.0058, 0.00006], []),
    ],
    ids=["drops", "warm-up", "two epochs", "cosine after warm-up", "cosine of two epochs"],
)
def test_drops_are_falls_of_the_rate_that_all_variants_have_by_their_schedule(schedule, rates, drops):
    table = pd.DataFrame(
        [(name, place + 1, rate) for name in "ab" for place, rate in enumerate(rates)], columns=["variant", "epoch", "learning_rate"]
    )
    table = table.assign(schedule=schedule)
    assert curves.learning_rate_drops(table) == drops
    of_one = table.assign(learning_rate=table["learning_rate"].where(table["variant"] == "a", 0.1))
    assert curves.learning_rate_drops(of_one) == []


def test_the_schedule_of_epochs_is_that_of_the_runs_recipe(tmp_path):
    settings = fake_study.settings(fake_study.STUDY[:2], seeds=2)
    fake_study.write_study(tmp_path, settings, epochs=2, images=100)
    runs = Runs.declared(tmp_path / "results" / "runs", settings)
    assert set(runs.epochs(["cat", "dog"])["schedule"]) == {"steps"}
    for path in (tmp_path / "results" / "runs" / runs.variants[1]).glob("*/run.json"):
        record = json.loads(path.read_text())
        path.write_text(json.dumps(record | {"recipe": record["recipe"] | {"schedule": "cosine"}}))
    assert runs.epochs(["cat", "dog"]).groupby("variant")["schedule"].agg(set).to_dict() == {
        runs.variants[0]: {"steps"},
        runs.variants[1]: {"cosine"},
    }


def test_a_loss_that_nearly_diverged_is_drawn_on_a_logarithmic_axis(drawn_study):
    _, settings, runs = drawn_study
    table = runs.epochs(["cat", "dog"])
    for highest, scale in ((3.0, "linear"), (1e17, "log")):
        table.loc[0, "train_loss"] = highest
        with style.applied():
            assert curves.figure(table, settings).axes[2].get_yscale() == scale


def test_weights_show_every_refresh_of_variants_that_have_them(drawn_study):
    folder, settings, runs = drawn_study
    with style.applied():
        page = weights.figure(runs.refreshes(["cat", "dog"]), settings)
    assert [ax.get_title("left") for ax in page.axes] == [title.format("cat and dog") for title, _ in weights.PANELS.values()]
    raw = [read_table(folder / "results" / "runs" / "dfl" / f"seed{s}" / "refreshes.csv").dropna(subset=["loss_scale"]) for s in range(3)]
    x, y = drawn(page.axes[1].lines, "DynamicFocalLoss")
    np.testing.assert_array_equal(x, [0, 5, 6])
    np.testing.assert_allclose(y, np.mean([table["loss_scale"] for table in raw], axis=0))
    assert {line.get_label() for line in page.axes[1].lines} == {"DynamicFocalLoss", "DFL + Sampler"}


def test_published_courses_are_stars_where_runs_are_as_long(drawn_study):
    _, settings, runs = drawn_study
    for epochs, stars in (([5, 6], 1), ([5, 50], 0), ([2, 5], 0)):
        published = {"scale": [[epoch, 3.0 + epoch] for epoch in epochs], "hard": [[epoch, 0.5] for epoch in epochs]}
        with_published = settings | {
            "variants": [variant | {"published": published} if variant["name"] == "dfl" else variant for variant in settings["variants"]]
        }
        with style.applied():
            pages = (
                weights.figure(runs.refreshes(["cat", "dog"]), with_published),
                difficulty.figure(runs.difficulty(0.8, 0.5), with_published),
            )
        stars_drawn = [line for page in pages for ax in page.axes for line in ax.lines if line.get_label() == "_published:dfl"]
        assert len(stars_drawn) == 2 * stars
        if stars:
            np.testing.assert_array_equal(stars_drawn[0].get_xydata(), [[5, 8], [6, 9]])
            np.testing.assert_array_equal(stars_drawn[1].get_ydata(), [50, 50])


def test_difficulty_shows_shares_in_per_cent(drawn_study):
    folder, settings, runs = drawn_study
    with style.applied():
        page = difficulty.figure(runs.difficulty(0.8, 0.5), settings)
    counts = np.array([np.load(folder / "results" / "runs" / "ce" / f"seed{seed}" / "history.npz")["p_histogram"] for seed in range(3)])
    x, y = drawn(page.axes[0].lines, "CrossEntropy")
    np.testing.assert_array_equal(x, [0, 4, 5, 6])
    np.testing.assert_allclose(y, 100 * (counts[:, :, 80:].sum(2) / counts.sum(2)).mean(0))
    np.testing.assert_allclose(drawn(page.axes[1].lines, "CrossEntropy")[1], 100 * (counts[:, :, :50].sum(2) / counts.sum(2)).mean(0))


def test_search_keeps_the_best_so_far_and_leaves_diverged_trials_out_of_it(drawn_study):
    trials = read_table(drawn_study[0] / "results" / "search" / "trials.csv")
    with style.applied():
        page = search.figure([trials], drawn_study[1])
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
def test_numbers_of_a_learning_rate_do_not_touch_however_narrow_the_search(drawn_study, high):
    trials = read_table(drawn_study[0] / "results" / "search" / "trials.csv")
    trials["learning_rate"] = np.linspace(0.004, high, len(trials))
    with style.applied():
        page = search.figure([trials], drawn_study[1])
        page.draw_without_rendering()
        ax = page.axes[1]
        low, high = ax.get_xlim()
        shown = [tick.label1 for tick in ax.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
        boxes = sorted(((box := text.get_window_extent()).x0, box.x1) for text in shown)
    assert len(boxes) >= 2
    assert all(end + 2 < begin for (_, end), (begin, _) in itertools.pairwise(boxes)), [text.get_text() for text in shown]
