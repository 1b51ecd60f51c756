"""Text from elsewhere reaches a terminal without its controls."""

import os
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardpair.errors import UserError, harmless, say
from hardpair.files import json_text
from hardpair.study import find, listing
from workspace import PROJECT

ESCAPES = ["\x1b]0;title\x07", "\x1b[2J", "\x9b31m", "\u202eevil", "\u2066", "\r", "a\nb", "\x00", "\udc80"]


@given(st.text())
def test_no_control_and_no_mark_of_direction_is_left(text):
    shown = harmless(text)
    assert not {unicodedata.category(mark) for mark in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not text.isprintable() or shown == text


@pytest.mark.parametrize("text", ESCAPES)
def test_a_line_stays_one_line(text, capsys):
    say(f"x{text}", "y")
    first, second, end = capsys.readouterr().out.split("\n")
    assert first.isprintable()
    assert (second, end) == ("y", "")


@pytest.mark.parametrize("text", ESCAPES)
def test_cells_and_headings_of_a_table_hold_no_controls(text, capsys):
    column = f"confusion:{text}"
    listing.print_table([{"device": text, column: 0.5}], ["device", column])
    assert all(mark.isprintable() for mark in capsys.readouterr().out.replace("\n", ""))


def test_what_may_hold_text_from_elsewhere_is_printed_by_one_function():
    """The functions of rich get texts that went through it."""
    package = PROJECT / "workflow/scripts/hardpair"
    prints = {path.relative_to(package).as_posix() for path in package.rglob("*.py") if re.search(r"(?<![.\w])print\(", path.read_text())}
    assert prints == {"errors.py", "cli/main.py"}, "the latter prints names of commands"


def test_an_overlay_elsewhere_that_is_none_is_not_shown(tmp_path, monkeypatch):
    """started.json may come with a friend's results, and name any file of this machine."""
    project, secret = tmp_path / "project", tmp_path / "secret.yaml"
    folder = project / "results/mine"
    folder.mkdir(parents=True)
    (project / "config").symlink_to(PROJECT / "config")
    monkeypatch.chdir(project)
    secret.write_text("password-of-root: 1\n")
    for name in (secret, "../secret.yaml"):
        find.remember(folder, [Path(name)], {}, "")
        with pytest.raises(UserError, match=r"started\.json names overlays outside this folder that cannot be used") as caught:
            find.chosen("mine", [])
        assert "password" not in str(caught.value)
    (project / "own.yaml").write_text("sedes: [1]\n")
    find.remember(folder, [project / "own.yaml"], {}, "")
    with pytest.raises(UserError, match="sedes"):
        find.chosen("mine", [])


def test_a_record_that_is_no_file_or_too_large_is_refused(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "run.json")
    (tmp_path / "large.json").write_text('{"a": 1}')
    monkeypatch.setattr(json_text, "MAX_BYTES", 5)
    for name in ("run.json", "large.json"):
        with pytest.raises(UserError, match=rf"{name} is not a text file of at most"):
            json_text.read_json(tmp_path / name)
