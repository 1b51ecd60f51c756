"""Figures on dark pages."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from PIL import Image

import open_page
from hardpair.figures import variants
from hardpair.figures.drawing import dark, differences, style


def luminance(colour):
    """Relative luminance of #rrggbb, WCAG 2.2."""
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)


def contrast(one, other):
    light, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (low + 0.05)


def on_dark(colour):
    return dark.ON_DARK.get(colour.lower(), colour)


@pytest.mark.parametrize("colour", [*style.COLOURS, style.PUBLISHED, style.REFERENCE["color"], differences.difference_key.DOTS["color"]])
def test_marks_have_three_to_one_of_contrast_on_a_dark_page(colour):
    assert contrast(on_dark(colour), dark.BACKGROUND) >= 3


@pytest.mark.parametrize("place", range(len(style.COLOURS)))
def test_marks_that_are_kept_as_pixels_are_legible_on_both_pages(place):
    """Rules of the SVG change no pixels."""
    looks = style.looks([{"name": f"v{number}"} for number in range(len(style.COLOURS))])
    table = pd.DataFrame([{"variant": name, "accuracy": 0.8 + seed / 1000} for name in looks for seed in range(variants.FEW + 1)])
    settings = {"variants": [{"name": name} for name in looks], "baseline": "v0", "references": [], "pairs": [["a", "b"]]}
    with style.applied():
        ax = style.new_page(5, 5).subplots()
        variants.draw_variants(ax, table, "accuracy", settings, looks)
    [dots] = [line for line in ax.lines if line.get_label() == f"_seeds:v{place}"]
    assert dots.get_rasterized()
    colour = to_hex(dots.get_color())
    assert min(contrast(colour, dark.BACKGROUND), contrast(colour, "#ffffff")) >= 3


@pytest.mark.parametrize("colour", [style.INK, style.MUTED, *(text for text, _ in differences.TONES.values())])
def test_text_has_four_and_a_half_to_one_on_a_dark_page(colour):
    assert contrast(on_dark(colour), dark.BACKGROUND) >= 4.5


@pytest.mark.parametrize(("text", "tint"), differences.TONES.values())
def test_chips_are_legible_in_both_lights(text, tint):
    assert contrast(text, tint) >= 4.5
    assert contrast(on_dark(text), on_dark(tint)) >= 4.5


@pytest.mark.parametrize("cell", ["#f7fbff", "#6baed6", "#08306b", "#efefef"])
def test_what_stands_on_a_cell_stays_as_it_is_on_dark_pages(cell):
    ink = style.ink_on([int(cell[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    assert ink not in dark.ON_DARK
    assert cell not in dark.ON_DARK
    assert contrast(ink, cell) >= 4.5
    frame = [colour for colour, _ in style.FRAME]
    assert set(frame).isdisjoint(dark.ON_DARK)
    assert max(contrast(colour, cell) for colour in frame) >= 3


@pytest.fixture
def drawing(tmp_path):
    """A figure of a line in ink on white."""
    with style.applied():
        page = style.new_page(2, 2)
        page.set_layout_engine("none")
        page.add_axes((0, 0, 1, 1)).plot([0, 1], [0.5, 0.5], color=style.INK, linewidth=40)
        style.save(page, tmp_path / "x.png")
        first = (tmp_path / "x.svg").read_bytes()
        style.save(page, tmp_path / "x.png")
    assert (tmp_path / "x.svg").read_bytes() == first
    return tmp_path / "x.svg"


@pytest.mark.skipif(open_page.CHROMIUM is None, reason="needs chromium: apt-get install chromium")
@pytest.mark.parametrize(("scheme", "line", "back"), [("light", style.INK, "#ffffff"), ("dark", on_dark(style.INK), dark.BACKGROUND)])
def test_a_page_in_a_browser_shows_the_colours_of_its_light(drawing, scheme, line, back):
    """As an image of a page, as the report has it."""
    page = drawing.with_name("page.html")
    image = f'<img src="{drawing.name}" width="200" height="200" style="position: fixed; left: 0; top: 0">'
    page.write_text(f'<meta name="color-scheme" content="light dark">{image}')
    with open_page.browser() as browser:
        opened = open_page.new_page(browser, color_scheme=scheme, viewport={"width": 200, "height": 200})
        opened.goto(page.as_uri())
        pixels = np.asarray(Image.open(io.BytesIO(opened.screenshot())))
    for place, colour in (((100, 100), line), ((20, 100), back)):
        assert [*pixels[place][:3]] == [int(colour[start : start + 2], 16) for start in (1, 3, 5)]


def test_only_colours_that_a_figure_has_get_a_rule():
    rules = dark.rules('<svg><path style="fill: #222222"/></svg>')
    assert re.findall(r"\*=\"(?:fill|stroke): (#\w+)", rules) == ["#222222"] * 2
