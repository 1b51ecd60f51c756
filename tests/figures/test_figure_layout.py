"""Nothing overlaps, whatever the study; looks stay what they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Annotation

import fake_study
from figure_assertions import overlaps, texts_drawn
from hardpair.comparison.runs import Runs
from hardpair.figures import curves, difficulty, reliability, training, variants, weights
from hardpair.figures.drawing import style
from hardpair.figures.drawing.legend import spread

pytestmark = pytest.mark.usefixtures("coarse")


LONG = "DynamicFocalLoss + ClassBalancedSampler (unbiased, capped at 10)"


def test_looks_are_distinct_and_fixed_by_place():
    many = [{"name": f"v{place}"} for place in range(24)]
    looks = style.looks(many)
    assert len({(look.colour, look.dashes) for look in looks.values()}) == 24
    assert len({(look.dashes, look.marker) for look in looks.values()}) == 24  # grey print
    assert style.looks(many[:3])["v2"] == looks["v2"]


@pytest.mark.parametrize("colour", [*style.COLOURS, style.PUBLISHED, style.MUTED, style.REFERENCE["color"]])
def test_a_colour_has_three_to_one_of_contrast_to_white(colour):
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)  # WCAG 2.2, relative luminance
    assert 1.05 / (linear @ (0.2126, 0.7152, 0.0722) + 0.05) >= 3


@pytest.mark.parametrize("label", ["cost $5", "$\\frac{1", "_hidden", "a $x$ b", "two\nlines"])
def test_labels_are_drawn_as_written(label, drawn_study):
    _, settings, runs = drawn_study
    settings = settings | {"variants": [{"name": "ce", "label": label}, {"name": "dfl", "label": "other"}]}
    table = runs.difficulty(0.8, 0.5)
    with style.applied():
        page = difficulty.figure(table, settings)
        page.draw_without_rendering()
        texts = [text.get_text() for legend in page.legends for text in legend.get_texts()]
        texts += [text.get_text() for ax in page.axes for text in ax.texts if isinstance(text, Annotation)]
    assert " ".join(label.split()) in {text.strip() for text in texts}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("count", "seeds", "label", "epochs", "validation"), [(2, 30, "CE", 4, True), (1, 1, LONG, 1, False)])
def test_no_text_overlaps_or_leaves_the_page(tmp_path, count, seeds, label, epochs, validation):
    settings = fake_study.settings([{"name": f"v{i}_dfl_sampler", "label": f"{label} {i}"} for i in range(count)], seeds=seeds)
    settings["references"] = [{"pair": ["cat", "dog"], "confusion": 0.0383, "label": "humans", "source": "s"}]
    fake_study.write_study(tmp_path, settings, epochs=epochs, images=100, validation=validation)
    runs = Runs.declared(tmp_path / "results" / "runs", settings)
    pair = ["cat", "dog"]
    tables = runs.measures(pair), runs.epochs(pair), runs.refreshes(pair), runs.difficulty(0.8, 0.5)
    with style.applied():
        pages = [
            training.figure(*tables, settings),
            variants.figure(tables[0], settings),
            curves.figure(tables[1], settings),
            weights.figure(tables[2], settings),
        ]
        pages += [difficulty.figure(tables[3], settings), reliability.figure(runs.reliability(), settings)]
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


@settings(deadline=None)
@given(st.lists(st.floats(0, 10), min_size=1, max_size=8), st.floats(0.1, 3))
def test_direct_labels_keep_their_order_and_distance(ideal, gap):
    ideal = np.sort(ideal)
    places = spread(ideal, gap, 10.0)
    if (len(ideal) - 1) * gap > 10:
        assert places is None
        return
    assert places.min() >= -1e-9
    assert places.max() <= 10 + 1e-9
    assert np.diff(places).min(initial=gap) >= gap - 1e-9
    if np.diff(ideal).min(initial=gap) >= gap:
        np.testing.assert_allclose(places, ideal, atol=1e-9)
