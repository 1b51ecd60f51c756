"""Names in any script are drawn by a font that has their characters, or numbered where none has."""

import json
import sys

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from PIL import Image

import fake_study
from hardpair.cli import command
from hardpair.figures.drawing import fonts, style

CLASSES = ["cat", "猫", "狗子", "고양이", "ไทย", "猫 x"]


def made_font(path, family: str, characters: str) -> None:
    """A font in which each of these characters is a bar of a width of its own."""
    builder = FontBuilder(1000, isTTF=True)
    names = [".notdef", *(f"g{ord(character):x}" for character in characters)]
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(dict(zip(map(ord, characters), names[1:], strict=True)))
    glyphs = {}
    for place, name in enumerate(names):
        pen = TTGlyphPen(None)
        for start, end in (((0, 0), (100 + 50 * place, 700)),):
            pen.moveTo(start)
            pen.lineTo((start[0], end[1]))
            pen.lineTo(end)
            pen.lineTo((end[0], start[1]))
            pen.closePath()
        glyphs[name] = pen.glyph()
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    builder.save(path)


@pytest.fixture
def bare(monkeypatch):
    """A machine that has only the fonts of Matplotlib."""
    own = [entry for entry in font_manager.fontManager.ttflist if entry.fname.startswith(fonts.matplotlib.get_data_path())]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)


@pytest.fixture
def with_fonts(bare, tmp_path):
    """A machine that has two more, for Chinese and Korean."""
    for family, characters in (("Made Sans Chinese", "猫狗子"), ("Made Sans Korean", "고양이")):
        path = tmp_path / f"{family}.ttf"
        made_font(path, family, characters)
        font_manager.fontManager.addfont(path)


def ink(text: str) -> np.ndarray:
    page = style.new_page(2, 0.4)
    page.text(0.1, 0.3, style.plain(text))
    page.canvas.draw()
    return np.asarray(page.canvas.buffer_rgba())[..., 0]


def test_ordinary_names_need_no_other_font():
    assert fonts.fallbacks(["cat", "Äpfel", "кот", "a\u200b\ufe0f b"]) == ([], set())


def test_fonts_are_chosen_by_their_characters(with_fonts):
    assert fonts.fallbacks(CLASSES) == (["Made Sans Chinese", "Made Sans Korean"], set("ไทย"))


@pytest.mark.filterwarnings("error:Glyph")
def test_names_that_a_font_has_are_drawn_and_differ(with_fonts):
    with style.applied(), fonts.legible(CLASSES) as remark:
        drawn = [ink(name) for name in CLASSES]
    assert remark.startswith("figures show #1 for ไทย, since no font of this machine has these characters: install one")
    for place, first in enumerate(drawn):
        assert all((first != other).any() for other in drawn[:place])
    with style.applied():
        assert style.plain("ไทย") == "ไทย", "outside the block"


@pytest.mark.filterwarnings("error:Glyph")
def test_names_that_no_font_has_are_numbered_and_differ(bare):
    with style.applied(), fonts.legible(CLASSES) as remark:
        shown = [style.class_name(name) for name in CLASSES]
        drawn = [ink(name) for name in CLASSES]
    assert shown == ["cat", "#1", "#2", "#3", "#4", "#1 x"]
    assert remark.startswith("figures show #1 for 猫, #2 for 狗子, #3 for 고양이, #4 for ไทย, since")
    for place, first in enumerate(drawn):
        assert all((first != other).any() for other in drawn[:place])


def test_numbers_are_the_same_in_every_figure_and_printed_once_on_screen(bare, tmp_path, monkeypatch, capsys):
    import assemble_figure
    import plot_figure

    settings = fake_study.settings(fake_study.STUDY[:2], seeds=2, pairs=[CLASSES[1:3]])
    fake_study.write_study(tmp_path, settings, epochs=3, images=60, classes=CLASSES, size=8)
    printed = []
    for script, words in ((plot_figure, ["confusion", "--runs", "runs"]), (assemble_figure, ["--table", "runs.csv"])):
        output = tmp_path / f"{script.__name__}.png"
        words[-1] = tmp_path / "results" / words[-1]
        runs = ["--settings", json.dumps(settings), "--output", output]
        monkeypatch.setattr(sys, "argv", [f"{script.__name__}.py", *map(str, [*words, *runs])])
        command.run(script.main)
        printed.append(capsys.readouterr())
        assert Image.open(output).size[0] > 100
    assert printed[0].out == ""
    assert printed[0].err == printed[1].out
    assert "#1 for 猫, #2 for 狗子, #3 for 고양이" in printed[1].out
