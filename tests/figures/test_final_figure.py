"""The final figure answers: the paired differences of each claim, its verdict, and nothing that overlaps, whatever the study."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from claimed_study import claim
from figure_assertions import overlaps, texts_drawn
from hardpair.comparison import claims
from hardpair.comparison.verdicts import EQUIVALENT, NOT_SETTLED, NOT_TESTED, REFUTED, SIGNS, SMALLER, SUPPORTED, WORDS
from hardpair.figures import final
from hardpair.figures.drawing import difference_key, style
from hardpair.figures.drawing.difference_key import BESIDE_MEAN, MEAN
from hardpair.figures.drawing.places import limits, places
from hardpair.figures.drawing.sheet import Block, Cell, Panel, Row, Sheet
from hardpair.measures import intervals

BOTH = ("accuracy", "confusion")
LONG = "DynamicFocalLoss + ClassBalancedSampler (unbiased)"
NAMES = {"latin": LONG, "greek": "Ελληνικά και μεγάλα", "short": "v"}


def study(variants=2, seeds=10, label="v", declared=None, **changes):
    """Runs of variants v0, v1, … that differ more and more, and settings with a claim that each beats v0."""
    rng, rows = np.random.default_rng(3), []
    for place in range(variants):
        for seed in range(seeds):
            values = 0.8 + 0.004 * place + rng.normal(0, 0.004), 0.2 + 0.006 * (-1) ** place + rng.normal(0, 0.006)
            rows.append(
                {"variant": f"v{place}", "seed": seed, "model": "last", "epochs": 4}
                | dict(zip(("accuracy", "confusion:cat-dog"), values, strict=True))
            )
    declared = [claim((f"v{place}", "v0", BOTH), name=f"v{place}") for place in range(1, variants)] if declared is None else declared
    settings = {"study": "s", "variants": [{"name": f"v{place}", "label": f"{label} {place}"} for place in range(variants)]}
    settings |= {"seeds": list(range(seeds)), "pairs": [["cat", "dog"]], "baseline": "v0", "evaluated_on": "test", "claims": declared}
    settings |= {"contrasts": [["v1", "v0"]], "looks": [], "margins": {"accuracy": 0.3, "confusion": 0.5}, "references": []}
    return pd.DataFrame(rows), settings | {"trained_on": {"name": "fake", "images": 400}} | changes


def drawn(runs, settings):
    with style.applied():
        page = final.figure(runs, settings)
        page.draw_without_rendering()
    return page


def marks(page, label):
    """x of the marks of that label, by panel."""
    return [[line.get_xdata() for line in ax.lines if line.get_label() == label] for ax in page.axes]


def test_dots_means_and_intervals_are_those_of_the_paired_differences():
    runs, settings = study(variants=3)
    page = drawn(runs, settings)
    for panel, (column, sign) in enumerate((("accuracy", 1), ("confusion:cat-dog", -1))):
        values = {name: rows.set_index("seed")[column] for name, rows in runs.groupby("variant")}
        for row, name in enumerate(("v1", "v2")):
            gains = 100 * sign * (values[name] - values["v0"])
            np.testing.assert_allclose(marks(page, "_seeds")[panel][row], gains)
            assert marks(page, "_mean")[panel][row][0] == pytest.approx(gains.mean())
            interval = stats.t.interval(0.95, 9, gains.mean(), gains.sem())
            np.testing.assert_allclose(marks(page, "_interval")[panel][row], interval)
            number = f"{gains.mean():+.2f}".replace("-", "−")
            assert number in [text.get_text() for text in texts_drawn(page)]
        [margin] = {round(patch.get_width(), 9) for patch in page.axes[panel].patches if patch.get_label() == "_margin"}
        assert margin == 2 * (0.3, 0.5)[panel]


def test_each_claim_has_its_verdict_in_words_and_no_other():
    runs, settings = study(variants=8)
    words = list(claims.claims_table(runs, settings)["verdict"])
    shown = [text.get_text() for text in texts_drawn(drawn(runs, settings))]
    for place, word in enumerate(WORDS):
        chip = f"{SIGNS[place]}  {'small' if word == 'smaller than the margin' else word}"
        assert shown.count(chip) == words.count(word)
    assert len({*words}) > 1


@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
def test_fewer_seeds_than_tables_have_intervals_of_have_none_and_no_verdict_is_claimed(seeds):
    page = drawn(*study(seeds=seeds))
    has_interval = bool(np.isfinite(intervals.shown_interval(np.arange(seeds))["low"]))
    assert has_interval == (seeds >= 3)
    assert bool(marks(page, "_interval")[0]) == has_interval
    shown = [text.get_text() for text in texts_drawn(page)]
    assert ("mean and 95 % t interval: no verdict yet" in shown) == has_interval
    assert ("no interval below 3 seeds" in shown) != has_interval
    assert f"Too few seeds for a verdict: {seeds} of at least 6" in shown
    assert all(line.get_markerfacecolor() == "white" for ax in page.axes for line in ax.lines if line.get_label() == "_mean")


@pytest.mark.parametrize(
    ("given", "entries"),
    [
        ([SUPPORTED, EQUIVALENT], {"mean": "mean and 95 % t interval"}),
        ([EQUIVALENT, NOT_SETTLED], {"mean": "mean and 95 % t interval: decided", "hollow": "not settled"}),
        ([REFUTED, SMALLER, NOT_TESTED], {"mean": "mean and 95 % t interval: decided", "hollow": "not tested"}),
        ([NOT_SETTLED, NOT_TESTED], {"hollow mean": "mean and 95 % t interval: not settled or not tested"}),
        ([None, None], {"hollow mean": "mean and 95 % t interval: no verdict"}),
    ],
)
def test_the_key_names_filled_and_hollow_means_by_their_verdicts(given, entries):
    rows = tuple(Row("", (Cell(np.arange(8.0), verdict),)) for verdict in given)
    key = dict(difference_key.marks(Sheet("", (), (Panel("", 0, final.POINTS),), (Block(rows),), "")))
    assert {kind: key[kind] for kind in ("mean", "hollow", "hollow mean") if kind in key} == entries


@pytest.mark.parametrize(
    ("margins", "text"),
    [((0.3, 0.3), "margin: ± 0.3 points"), ((0.3, 0.5), "margin: ± 0.3 and ± 0.5 points"), ((0.5, 0.3), "margin: ± 0.5 and ± 0.3 points")],
)
def test_the_key_has_the_margins_in_the_order_of_the_panels(margins, text):
    sheet = final.sheet(*study(margins=dict(zip(BOTH, margins, strict=True))))
    assert dict(difference_key.marks(sheet))["margin"] == text


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_too_few_seeds_for_a_verdict_have_none_yet_in_the_key(seeds):
    texts = [text for _, text in difference_key.marks(final.sheet(*study(seeds=seeds)))]
    assert [text.rpartition(": ")[2] for text in texts if text.startswith("mean")] == ["no verdict yet"]
    assert not any(word in " ".join(texts) for word in ("significant", "decided", "settled"))


def test_the_mean_of_what_is_no_part_of_a_claim_looks_neither_significant_nor_not():
    page = drawn(*study(declared=[claim(("v1", "v0", ["accuracy"]))]))
    looks = [[line.get_marker() for line in ax.lines if line.get_label() == "_mean"] for ax in page.axes]
    assert looks == [[MEAN["marker"]], [BESIDE_MEAN["marker"]]]
    assert MEAN["marker"] != BESIDE_MEAN["marker"]


def test_without_claims_the_rows_are_contrasts_and_have_no_verdict():
    page = drawn(*study(declared=[]))
    shown = " ".join(text.get_text() for text in texts_drawn(page))
    assert "No claim is judged" in shown
    assert not any(word in shown for word in WORDS)
    assert len(marks(page, "_mean")[0]) == 1
    [mean] = [line for line in page.axes[0].lines if line.get_label() == "_mean"]
    assert mean.get_markerfacecolor() == "white", "nothing was decided"
    assert "mean and 95 % t interval: no verdict" in shown


def test_rows_are_compared_and_not_subtracted_as_right_is_better_in_both_measures():
    runs, settings = study()
    settings["variants"][1]["label"] = "v 1 + Sampler"
    sheet = final.sheet(runs, settings)
    assert sheet.blocks[0].rows[0].label == "v 1 + Sampler vs\N{NO-BREAK SPACE}v 0"
    assert sheet.subtitle[0].endswith("gain of first over second")


def test_a_control_is_a_row_below_the_claim_that_it_explains():
    declared = [claim(("v1", "v0", ["accuracy"]), name="first"), claim(("v1", "v2", ["accuracy"]), name="c", control=True)]
    rows = final.sheet(*study(variants=3, declared=declared)).blocks[0].rows
    assert [(row.control, row.label.replace("\N{NO-BREAK SPACE}", " ")) for row in rows] == [
        (False, "v 1 vs v 0"),
        (True, "vs control: v 2"),
    ]
    assert [cell.decides for cell in rows[0].cells] == [True, False]
    runs, settings = study(variants=3, declared=declared[:1], contrasts=[["v1", "v0"], ["v1", "v2"]])
    assert len(final.sheet(runs, settings).blocks[0].rows) == 1
    settings["variants"][2]["recipe"] = {"learning_rate": 0.02}
    [_, control] = final.sheet(runs, settings).blocks[0].rows
    assert (control.control, control.label, control.verdict) == (True, "vs control: v 2", None)


def test_a_control_names_both_variants_where_its_claim_is_about_several():
    declared = [claim(("v1", "v0", ["accuracy"]), ("v2", "v0", ["accuracy"]), name="first")]
    declared += [claim(("v1", "v3", ["accuracy"]), name="c", control=True)]
    rows = final.sheet(*study(variants=4, declared=declared)).blocks[0].rows
    assert rows[2].label.replace("\N{NO-BREAK SPACE}", " ") == "control: v 1 vs v 3"
    runs, settings = study(variants=4, declared=declared[:1], contrasts=[["v1", "v0"], ["v2", "v0"], ["v2", "v3"]])
    settings["variants"][3]["recipe"] = {"learning_rate": 0.02}
    rows = final.sheet(runs, settings).blocks[0].rows
    assert rows[2].label.replace("\N{NO-BREAK SPACE}", " ") == "control: v 2 vs v 3"


@pytest.mark.parametrize(("value", "where"), [(0.81, "axis"), (0.95, "text")])
def test_a_published_difference_is_a_tick_or_a_number_where_it_is_off_the_axis(value, where):
    runs, settings = study()
    for variant, accuracy in zip(settings["variants"], (0.8, value), strict=True):
        variant["published"] = {"accuracy": accuracy, "confusion": 0.2}
    page = drawn(runs, settings)
    ticks = [line.get_segments() for line in page.axes[0].collections if line.get_label() == "_published"]
    beside = f"publ. {100 * (value - 0.8):+.1f}" in [text.get_text() for text in texts_drawn(page)]
    assert (len(ticks), beside) == ((1, False) if where == "axis" else (0, True))
    if ticks:
        assert ticks[0][0][0][0] == pytest.approx(100 * (value - 0.8))


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_claim_far_off_is_an_arrow_and_a_number_so_that_the_others_can_be_read(sign):
    runs, settings = study(variants=4)
    runs.loc[runs["variant"] == "v3", "accuracy"] += sign * 0.2
    settings["variants"][0]["published"] = {"accuracy": 0.8, "confusion": 0.2}
    settings["variants"][3]["published"] = {"accuracy": 0.81, "confusion": 0.2}
    page = drawn(runs, settings)
    [arrow] = [line for line in page.axes[0].lines if line.get_label() == "_off"]
    assert (arrow.get_marker(), arrow.get_xdata()[0]) == (
        (">", page.axes[0].get_xlim()[1]) if sign > 0 else ("<", page.axes[0].get_xlim()[0])
    )
    assert [len(means) for means in marks(page, "_mean")] == [2, 3]
    assert [len(seeds) for seeds in marks(page, "_seeds")[0]] == [10, 10, 0]
    shown = [text.get_text() for text in texts_drawn(page)]
    values = {name: rows.set_index("seed")["accuracy"] for name, rows in runs.groupby("variant")}
    assert f"{100 * (values['v3'] - values['v0']).mean():+.2f}".replace("-", "−") in shown
    assert "off the axis" in shown
    assert len([line for line in page.axes[0].collections if line.get_label() == "_published"]) == 1, "its published difference is near"
    assert "off the axis" not in [text.get_text() for text in texts_drawn(drawn(*study(variants=4)))]


@given(st.lists(st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=3), min_size=1, max_size=6))
def test_at_most_half_of_the_rows_are_off_the_axis_and_only_if_it_is_then_four_times_as_fine(gains):
    panel, cells = Panel("", 0.003, final.POINTS), [Cell(np.array(each)) for each in gains]
    low, high = limits(panel, cells)
    off = [bool(places(cell, panel, (low, high)).off) for cell in cells]
    assert sum(off) <= len(cells) / 2
    points = 100 * np.array([value for each in gains for value in each] + [-0.003, 0.003])
    assert not any(off) or np.ptp(points) >= 3.5 * (high - low)
    for cell, is_off in zip(cells, off, strict=True):
        inside = (low <= 100 * cell.gains) & (100 * cell.gains <= high)
        assert inside.any() != is_off
        assert is_off or inside.all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("label", NAMES)
@pytest.mark.parametrize(("variants", "seeds"), [(2, 2), (4, 30), (9, 10)])
def test_no_text_overlaps_or_leaves_the_page(variants, seeds, label):
    runs, settings = study(variants, seeds, NAMES[label])
    for number, each in enumerate(settings["claims"]):
        each["sentence"] = " ".join([f"{NAMES[label]} is better."] * (1 + number % 3))
    settings["variants"][0]["published"] = {"accuracy": 0.9, "confusion": 0.1}
    settings["variants"][1]["published"] = {"accuracy": 0.7, "confusion": 0.1}
    page = drawn(runs, settings)
    boxes = [text.get_window_extent(page.canvas.get_renderer()) for text in texts_drawn(page)]
    assert overlaps(boxes) == []
    for box in boxes:
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= page.bbox.x1 + 1
        assert box.y1 <= page.bbox.y1 + 1


def test_titles_are_wrapped_only_where_they_do_not_fit():
    runs, settings = study(variants=3, pairs=[["wolf", "husky"]])
    sentences = "The new loss with the sampler confuses wolves and huskies less often", f"{LONG} confuses wolves and huskies less often"
    for each, sentence in zip(settings["claims"], sentences, strict=True):
        each["sentence"] = sentence
    shown = [text.get_text() for text in texts_drawn(drawn(runs.rename(columns={"confusion:cat-dog": "confusion:wolf-husky"}), settings))]
    assert "Wolf–husky confusion avoided (points)" in shown
    assert sentences[0] in shown
    assert [text.replace("\n", " ") for text in shown if text.startswith(LONG) and "\n" in text] == [sentences[1]]


@pytest.mark.parametrize("variants", [3, 12])
def test_numbers_of_claims_do_not_touch_their_sentences(variants):
    runs, settings = study(variants, 6)
    page = drawn(runs, settings)
    renderer, shown = page.canvas.get_renderer(), texts_drawn(page)
    numbers = {text.get_text(): text.get_window_extent(renderer) for text in shown if text.get_text().isdigit() and text.get_text() != "0"}
    sentences = [text.get_window_extent(renderer) for text in shown if text.get_text().endswith("holds")]
    assert [*numbers] == [str(place) for place in range(1, variants)]
    assert len({round(box.x0) for box in sentences}) == 1
    for box in numbers.values():
        assert sentences[0].x0 - box.x1 >= 0.05 * page.dpi


def test_equal_runs_have_an_axis_without_offsets():
    runs, settings = study(seeds=6)
    page = drawn(runs.assign(accuracy=0.8, **{"confusion:cat-dog": 0.2}), settings)
    for ax in page.axes:
        assert ax.xaxis.get_major_formatter().get_offset() == ""
        assert np.ptp(ax.get_xlim()) >= 0.04
    assert "Not tested: a difference did not vary over 6 seeds" in [text.get_text() for text in texts_drawn(page)]


def test_a_claim_that_a_look_decided_is_drawn_with_the_seeds_of_that_look():
    runs, settings = study(seeds=10, looks=[6, 8, 10])
    later = runs["seed"] >= 6
    runs.loc[later & (runs["variant"] == "v1"), ["accuracy", "confusion:cat-dog"]] = [0.5, 0.5]
    runs.loc[~later & (runs["variant"] == "v1"), "accuracy"] += 0.1
    settings["claims"][0]["contrasts"][0]["measures"] = ["accuracy"]
    block = final.sheet(runs, settings).blocks[0]
    assert (WORDS[block.verdict], block.reason) == ("supported", "p < 0.001 at 6 seeds")
    assert [len(cell.gains) for cell in block.rows[0].cells] == [6, 6]
