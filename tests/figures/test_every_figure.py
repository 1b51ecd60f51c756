"""Every figure of the catalogue, from the smallest study to the largest: no text overlaps another or leaves the page.

A few corners in every test run; the grid of all sizes, each in one of the scripts, where the environment has FAULTS=full.
"""

import importlib
import itertools

import numpy as np
import pytest

import fake_study
import fuzzing
from figure_assertions import overlaps, texts_drawn
from hardpair.figures import catalogue
from hardpair.figures.drawing import fonts, style

pytestmark = pytest.mark.usefixtures("coarse")
LETTERS = {"latin": "wide names of ", "greek": "Ελληνικά ", "chinese": "猫和狗的图片", "korean": "고양이와 개 ", "thai": "แมวและสุนัข"}
# Variants, classes, letters of a name, script.
CORNERS = [(1, 2, 1, "latin"), (12, 100, 60, "latin"), (4, 21, 25, "chinese")]
SIZES = itertools.product((1, 2, 4, 7, 12), (2, 3, 10, 20, 21, 100), (1, 12, 60))
# Scripts take turns such that any two values of a study meet.
GRID = [(*size, list(LETTERS)[sum(divmod(place, 3)) % len(LETTERS)]) for place, size in enumerate(SIZES)]


def test_any_two_values_meet_in_the_grid():
    for one, other in itertools.combinations(zip(*GRID, strict=True), 2):
        assert set(zip(one, other, strict=True)) == set(itertools.product(one, other))


def name(script, letters, number):
    """A name of about so many letters that no other number has."""
    end = str(number)
    text = LETTERS[script] * (letters // len(LETTERS[script]) + 1)
    return f"{text[: max(letters - len(end), 0)]}{end}".strip()


def study(folder, variants, classes, letters, script, seeds=2):
    """A study of that size on disk: its settings, and its files by the option that names them."""
    published = [{"accuracy": 0.1 + 0.07 * place, "confusion": 0.3} for place in range(variants)]
    declared = [
        {"name": f"v{place}_dfl_sampler", "label": name(script, letters, place), "published": values}
        for place, values in enumerate(published)
    ]
    names = [name(script, letters, label) for label in range(classes)]
    people = {"pair": names[:2], "confusion": 0.0383, "label": name(script, letters, 0), "source": "s"}
    settings = fake_study.settings(declared, seeds, pairs=[names[:2]], references=[people])
    settings["claims"] = [claim | {"sentence": f"{name(script, letters, 1)} is better."} for claim in settings["claims"]]
    fake_study.write_study(folder, settings, epochs=12, images=4 * classes + 40, classes=names)
    results = folder / "results"
    files = {"runs": results / "runs", "table": results / "runs.csv", "study": results, "data": folder / "data"}
    return settings, files | {"split": results / "split.json"}


def faults(page):
    """Texts of a page that lie on each other, or beyond its edges; and marks that are cut off."""
    renderer = page.canvas.get_renderer()
    texts = texts_drawn(page)
    boxes = {text: text.get_window_extent(renderer) for text in texts}
    upright = [text for text in texts if text.get_rotation() % 90 == 0]  # boxes of slanted ones overlap where texts do not
    pairs = itertools.combinations(upright, 2)
    found = [(one.get_text(), other.get_text()) for one, other in pairs if overlaps([boxes[one], boxes[other]])]
    inside = [box.x0 >= -1 and box.y0 >= -1 and box.x1 <= page.bbox.x1 + 1 and box.y1 <= page.bbox.y1 + 1 for box in boxes.values()]
    found += [text.get_text() for text, good in zip(texts, inside, strict=True) if not good]
    return found + [f"{line.get_label()} is cut" for ax in page.axes for line in ax.lines if cut(line, ax)]


def cut(line, ax):
    """Whether the edge of its panel cuts off a part of a mark whose middle is within the panel."""
    if line.get_marker() in ("", " ", "None", None) or not line.get_clip_on():
        return False
    every, radius = line.get_markevery(), line.get_markersize() / 2 * ax.figure.dpi / 72
    middles = line.get_transform().transform(line.get_xydata()[slice(None) if every is None else every])
    near = np.minimum(middles - ax.bbox.min, ax.bbox.max - middles).min(1)
    return bool(np.any((near > -1) & (near < 0.7 * radius)))  # of a diamond or a star little lies further out


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("variants", "classes", "letters", "script"), GRID if fuzzing.FULL else CORNERS)
def test_no_text_overlaps_or_is_cut(tmp_path, record_property, variants, classes, letters, script):
    record_property("fault", "Figures of studies of any size, with names in any script")
    record_property("tries", len(catalogue.FIGURES))
    settings, files = study(tmp_path, variants, classes, letters, script)
    labels = [variant["label"] for variant in settings["variants"]]
    found = {}
    with style.applied(), fonts.legible([*labels, *settings["pairs"][0], name(script, letters, 1)]):
        for figure in catalogue.FIGURES:
            module = importlib.import_module(f"hardpair.figures.{figure}")
            page = module.figure(*module.read(files, settings), settings)
            style.settle(page)
            page.draw_without_rendering()
            found[figure] = faults(page)
    assert found == {figure: [] for figure in catalogue.FIGURES}
