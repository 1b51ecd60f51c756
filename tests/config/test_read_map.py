import codecs
import os
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardpair.config import read
from hardpair.config.read import composed, located, read_map, refuse_oversized
from hardpair.errors import UserError

NFC, NFD = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_map_is_read_from_json_text_and_from_files(here):
    (here / "overlay.yaml").write_text("pairs: auto\nseeds: [0, 1]\n")
    (here / "overlay.json").write_text('{"pairs": "auto",\t"seeds": [0, 1]}')
    (here / "flow.yaml").write_text("{pairs: auto, seeds: [0, 1]}")
    (here / "json.yaml").write_text('\n{"pairs":\t"auto", "seeds": [0, 1]}')
    (here / "marked.yaml").write_bytes(codecs.BOM_UTF8 + b"pairs: auto\r\nseeds: [0, 1]\r\n")
    (here / "marked.json").write_bytes(codecs.BOM_UTF8 + b'{"pairs": "auto", "seeds": [0, 1]}')
    expected = {"pairs": "auto", "seeds": [0, 1]}
    assert read_map('{"pairs": "auto", "seeds": [0, 1]}') == expected
    for path in here.iterdir():
        assert read_map(path) == read_map(str(path)) == read_map(path.name) == expected


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ('{"a": ', "not valid JSON: "),
        ('{"a": 1, "a": 2}', 'not valid JSON: line 1: the key "a" is there twice'),
        ("{a: 1}", "not valid JSON: "),
        ("gone.yaml", "gone.yaml does not exist: check the path"),
        ("a/gone.yaml", "a/gone.yaml does not exist: check the path"),
        (".", ". is not a text file"),
        ("", ". is not a text file"),
        ("x" * 5000, "x" * 200 + " cannot be read: File name too long"),
        ("a\0b", r"a\x00b does not exist: "),
        ("[1]", "'[1]' is not a map of keys and values"),
        ('{"a": ' * 41 + "{}" + "}" * 41, "the JSON text holds more than 40 levels: "),
        ('{"a": 9223372036854775808}', "the JSON text holds a number of more than 18 digits: "),
    ],
)
def test_what_is_no_map_or_too_large_is_refused(here, source, problem):
    with pytest.raises(UserError) as caught:
        read_map(source)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            b"study: s\nrecipe: {epochs: 1}\nseeds: [0]\nrecipe: {epochs: 2}\n",
            's.yaml, line 4: the key "recipe" is there twice, first in line 2',
        ),
        (b"\xef\xbb\xbfstudy: s\n\tseeds: [0]\n", "s.yaml, line 2: a tab stands where YAML takes only spaces"),
        (b"study: s\nlabel: \xe4\n", "s.yaml, line 2: the byte 0xe4 is not UTF-8: save the file as UTF-8"),
        ("study: s\n".encode("utf-16"), "s.yaml, line 1: the byte 0xff is not UTF-8"),
        (b"", "'s.yaml' is empty: write at least one `key: value`"),
        (b"# nothing\n", "'s.yaml' is empty"),
        (b"- a\n", "'s.yaml' is not a map of keys and values"),
        (b"word\n", "'s.yaml' is not a map of keys and values"),
        (b"a: 1\n# " + b"x" * 2**24, "s.yaml is not a text file of at most 16 MiB"),
        (b'{"a": 1,\n"a": 2}', 's.yaml, line 2: the key "a" is there twice, first in line 1'),
    ],
)
def test_what_is_wrong_in_a_file_is_refused_with_its_line(here, content, problem):
    Path("s.yaml").write_bytes(content)
    with pytest.raises(UserError, match=f"^{re.escape(problem)}"):
        read_map("s.yaml")


def test_a_json_file_is_not_taken_for_yaml(here):
    Path("s.json").write_text('{"a": 1,}')
    with pytest.raises(UserError, match=r"^s\.json: .*line 1 column"):
        read_map("s.json")


def test_a_file_that_is_not_there_is_compared_with_those_beside_it(here):
    Path("config").mkdir()
    Path("config/demo.yaml").write_text("study: demo")
    Path("config/notes.txt").touch()
    for name in ("config/demo.yml", "config/dem.yaml", "config/Demo.yaml", "config/demo"):
        with pytest.raises(UserError, match=rf"^{re.escape(name)} does not exist: did you mean config/demo\.yaml\?"):
            read_map(name)


def test_a_pipe_is_not_waited_for(here):
    os.mkfifo("pipe.yaml")
    with pytest.raises(UserError, match=r"^pipe\.yaml is not a text file"):
        read_map("pipe.yaml")


@pytest.mark.parametrize(("on_disk", "written"), [(NFC, NFD), (NFD, NFC), (NFC, NFC), (NFD, NFD)])
def test_a_path_is_found_in_whichever_normal_form_it_is_written(here, on_disk, written):
    Path(on_disk).mkdir()
    Path(on_disk, "s.yaml").write_text("study: s")
    assert located(written) == Path(on_disk)
    assert read_map(f"{written}/s.yaml") == {"study": "s"}


def test_of_two_paths_in_two_normal_forms_it_is_the_one_that_is_written(here):
    for form in (NFC, NFD):
        Path(form).write_text(f"label: {form}")
        assert located(form) == Path(form)


def test_a_path_in_the_home_folder_is_expanded(here, monkeypatch):
    monkeypatch.setenv("HOME", str(here / "home"))
    assert located("~/pets") == here / "home/pets"
    assert located("a/~/pets") == Path("a/~/pets")
    assert located("~nobody-of-that-name/pets") == Path("~nobody-of-that-name/pets")


def test_texts_are_composed_and_keys_are_not():
    assert composed({NFD: [NFD, 1, (NFD, None)], "a": NFC}) == {NFD: [NFC, 1, [NFC, None]], "a": NFC}


def test_a_value_that_stands_for_millions_or_holds_itself_is_refused():
    value = ["x", "x"]
    for _ in range(7):
        value = [value] * 10
    with pytest.raises(ValueError, match="more than 2,000,000 values"):
        refuse_oversized(value)
    circle = []
    circle.append(circle)
    with pytest.raises(ValueError, match="more than 40 levels"):
        refuse_oversized(circle)


def collected(parts):
    """Lists, tuples and maps of such parts, each with the number of values in it."""
    inner = st.lists(parts, max_size=4).map(lambda pairs: ([value for value, _ in pairs], 1 + sum(count for _, count in pairs)))
    return st.builds(lambda kind, pair: (kind(pair[0]), pair[1]), st.sampled_from([list, tuple, lambda v: dict(enumerate(v))]), inner)


VALUES = st.recursive(st.sampled_from([(1, 1), ("x", 1), (None, 1)]), collected, max_leaves=20)


@given(VALUES)
def test_each_value_is_counted_once(value_and_count):
    value, count = value_and_count
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read, "MAX_VALUES", count)
        refuse_oversized(value)
        patch.setattr(read, "MAX_VALUES", count - 1)
        with pytest.raises(ValueError, match=f"more than {count - 1:,} values"):
            refuse_oversized(value)
