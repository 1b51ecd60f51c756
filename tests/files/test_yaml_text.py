"""YAML is read as it is written, or refused with the line that is wrong."""

import json
import math
import re
import unicodedata

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from changed_config import SETTINGS
from hardpair.files import yaml_text

# By the core schema of YAML 1.2.2, section 10.3.2, with digits in groups.
NUMBERS = {
    **{"1e-3": 0.001, "1E5": 1e5, "5e+2": 500.0, "1_000": 1000, "1_000.5": 1000.5, ".5": 0.5, "5.": 5.0, "+3": 3, "-3": -3, "-.5": -0.5},
    **{"0": 0, "-0": 0, "010": 10, "-012": -12, "0777": 777, "08": 8, "0o17": 15, "0x1F": 31, "1.5e3": 1500.0, "00.5": 0.5, "+.5": 0.5},
    **{".inf": math.inf, "-.Inf": -math.inf, "+.INF": math.inf, "9223372036854775807": 2**63 - 1},
}
# Half of them are something else in YAML 1.1.
TEXTS = """
    no No NO yes Yes on On off Off y n tRUE nUll .Nan inf nan NaN Infinity = << . .. + -. 1__0 _1 1_ 1e e5 1e3.5 1.2.3 1,5 1/3 50% −3 ½ ٣
    1:30 190:20:30 -1:30 1:30.5 2020-01-01 2001-12-14t21:59:43.10-05:00 0b101 0o8 0xg a:b
""".split()


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_are_read_as_people_write_them(text):
    value = yaml_text.load(f"key: {text} # so")["key"]
    assert (value, type(value)) == (NUMBERS[text], type(NUMBERS[text]))
    assert yaml_text.load(f"[{text}]") == [NUMBERS[text]]


def test_what_is_no_number_is_one():
    assert math.isnan(yaml_text.load(".nan"))


@pytest.mark.parametrize("text", [*TEXTS, "2020-01-01 10:00:00"])
def test_what_another_reader_takes_for_something_else_is_a_text(text):
    assert yaml_text.load(f"- {text}") == [text]


@pytest.mark.parametrize(
    ("words", "value"), [("null Null NULL ~", None), ("true True TRUE", True), ("false False FALSE", False)], ids=["null", "true", "false"]
)
def test_words_of_the_core_schema(words, value):
    for word in words.split():
        assert yaml_text.load(f"key: {word}") == {"key": value}
        assert yaml_text.load(f"key: '{word}'") == {"key": word}
        assert yaml_text.load(f"key: !!str {word}") == {"key": word}
    assert yaml_text.load("key:") == {"key": None}


def test_keys_are_texts_as_they_are_written():
    keys = ["1", "010", "1e3", "no", "null", "true", "2020-01-01", "1:30", "~"]
    assert list(yaml_text.load("\n".join(f"{key}: x" for key in keys))) == keys


WRONG = {
    "a key twice": ("a: 1\nb: 2\na: 3", 3, 'the key "a" is there twice, first in line 1: remove one of them'),
    "a key twice in a line": ("{a: 1, a: 1}", 1, 'the key "a" is there twice, first in line 1'),
    "a key twice, deep within": ("a:\n- b: 1\n  c:\n    d: 1\n    e: 2\n    d: 1", 6, 'the key "d" is there twice, first in line 4'),
    "a key twice, once in quotes": ("a: 1\n'a': 2", 2, 'the key "a" is there twice'),
    "a number and its text as keys": ("1: x\n'1': y", 2, 'the key "1" is there twice'),
    "a key twice beside a merge": ("a: &a {b: 1}\nc:\n  <<: *a\n  d: 1\n  d: 2", 5, 'the key "d" is there twice, first in line 4'),
    "two merges": ("a: &a {b: 1}\nc:\n  <<: *a\n  <<: *a", 4, 'the key "<<" is there twice'),
    "a tab": ("study: s\n\tseeds: [0]", 2, "a tab stands where YAML takes only spaces"),
    "a tab in a text": ("study: |\n\tx", 2, "a tab stands where YAML takes only spaces"),
    "no colon": ("study: s\nseeds [0]\n", 2, "a colon is missing after a key"),
    "no colon in the first line": ("study\nseeds: [0]", 2, "a colon stands where no key can be"),
    "two colons": ("a: 1\nb: c: d", 2, "a colon stands where no key can be"),
    "an open quotation mark": ('a: 1\nb: "c\nd: 1\n', 2, "a quotation mark is not closed"),
    "an open single quotation mark": ("a: 1\nb: 'c\nd: 1\n", 2, "a quotation mark is not closed"),
    "an open bracket": ("study: s\npairs: [[cat, dog]\nseeds: [0]", 2, "the [ is not closed, or a comma is missing"),
    "an open brace": ("a: 1\nb: {c: 1\nd: 2", 2, "the { is not closed, or a comma is missing"),
    "an open bracket at the end": ("a: 1\nb: [1,", 2, "not closed"),
    "a bracket too many": ("a: [1, 2]]", 1, "a ] closes no [: remove it"),
    "a brace too many": ("a: {b: 1}}", 1, "a } closes no {: remove it"),
    "an indented key": ("a: 1\n  b: 2", 2, "a colon stands where no key can be"),
    "a key that is not indented enough": ("a:\n    b: 1\n  c: 2", 3, "a key is not indented as those around it"),
    "entries and keys": ("- a\nb: c", 2, "an entry is not indented as those around it"),
    "two documents": ("a: 1\n---\na: 2", 2, "a second document begins"),
    "an unknown alias": ("a: *b", 1, "an alias (*) has no anchor (&) before it"),
    "an alias of itself": ("a: 1\nb: &b [1, *b]", 2, "an alias (*) stands within what it stands for"),
    "a map of itself": ("a: &a\n  b: *a", 1, "an alias (*) stands within what it stands for"),
    "a merge of itself": ("a: &a\n  <<: *a", 1, "an alias (*) stands within what it stands for"),
    "an anchor twice": ("a: &x 1\nb: &x 2", 2, "an anchor (&) is there twice"),
    "a merge of a text": ("a: 1\nb: {<<: c}", 2, "<< takes a map or a list of maps"),
    "a merge of texts": ("a: 1\nb: {<<: [c]}", 2, "<< takes a map or a list of maps"),
    "a character with a meaning": ("a: @b", 1, "a text begins with a character that has a meaning of its own: put it in quotes"),
    "a reserved character": ("a: 1\nb: `c`", 2, "a text begins with a character that has a meaning of its own"),
    "too large": ("a: 1\nb: 1e400", 2, "1e400 is too large for a number of 64 bits"),
    "too close to 0": ("a: -1e-400", 1, "-1e-400 is too close to 0 for a number of 64 bits"),
    "too many digits": ("a: 9223372036854775808", 1, "a number has more than 18 digits"),
    "thousands of digits": ("a: " + "9" * 6000, 1, "a number has more than 18 digits"),
    "many digits in another base": ("a: 0x" + "f" * 90, 1, "a number has more than 18 digits"),
    "a key that is a list": ("? [a]\n: b", 1, "a key is a list or a map: write a text"),
    "code": ("a: 1\nb: !!python/object/apply:os.system ['x']", 2, "!!python/object/apply:os.system is no type that a config has"),
    "code as a key": ("!!python/name:os.system : 1", 1, "!!python/name:os.system is no type that a config has"),
    "bytes": ("a: !!binary aGk=", 1, "!!binary is no type that a config has"),
    "a date": ("a: !!timestamp 2020-01-01", 1, "!!timestamp is no type that a config has"),
    "a set": ("a: !!set {b, c}", 1, "!!set is no type that a config has"),
    "a tag of one's own": ("a: !mine 1", 1, "!mine is no type that a config has"),
    "a number that is none": ("a: !!int x", 1, '"x" is not of the type int of its tag'),
    "a switch of YAML 1.1": ("a: !!bool yes", 1, '"yes" is not of the type bool of its tag'),
    "a null character": ("a: 1\nb: \0", 2, r"remove the character '\x00'"),
    "half a character": ("a: 1\nb: \ud800", 2, r"remove the character '\ud800'"),
    "half a character in other words": ('a: 1\nb: "\\ud800"', 2, "an unpaired surrogate is escaped: write the other one too"),
    "another version": ("%YAML 9.9\n---\na: 1", 1, "found incompatible YAML document"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_refused_with_its_line(kind):
    text, line, problem = WRONG[kind]
    with pytest.raises(ValueError, match=rf"^line {line}: .*{re.escape(problem)}"):
        yaml_text.load(text)


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 3000, "- " * 3000 + "x", "[" * 41 + "]" * 41])
def test_too_many_levels_are_refused(text):
    with pytest.raises(ValueError, match="more than 40 levels: write it flatter"):
        yaml_text.load(text)
    assert yaml_text.load("[" * 40 + "]" * 40)


def test_aliases_and_merges_are_understood():
    value = yaml_text.load("""
    base: &base {kind: focal, gamma: 2}
    other: &other {gamma: 3, scale: dynamic}
    same: *base
    changed: {<<: *base, gamma: 5}
    after: {gamma: 5, <<: *base}
    both: {<<: [*base, *other]}
    """)
    base = {"kind": "focal", "gamma": 2}
    assert value["same"] == base
    assert value["changed"] == value["after"] == {"kind": "focal", "gamma": 5}
    assert value["both"] == {"kind": "focal", "gamma": 2, "scale": "dynamic"}, "the first of several counts, as the type's definition says"


def test_merges_that_stand_for_millions_of_keys_take_no_longer_than_their_text():
    lines = ["a0: &a0 {x: 1, y: 2}"] + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 30)]
    assert yaml_text.load("\n".join(lines))["a29"] == {"x": 1, "y": 2}


NFD = unicodedata.normalize("NFD", "ä")
WORDS = st.sampled_from([*NUMBERS, *TEXTS, "null", "true", "~", "", " ", "a: b", "#", "- a", "ä", NFD, "\u2028", "a\x85b", "\u2029", "😀"])
WORDY = st.recursive(SETTINGS | WORDS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4))


@given(WORDY)
def test_what_is_written_is_read_back(value):
    text = yaml_text.dump(value)
    assert yaml_text.load(text) == value
    assert yaml.safe_load(text) == value, "and by a reader of YAML 1.1, which Snakemake has"


def ambiguous(value: object) -> bool:
    """Whether a value has a text that YAML 1.2 takes for a number and YAML 1.1, which PyYAML writes, does not."""
    if isinstance(value, dict):
        return any(map(ambiguous, value.values()))
    if isinstance(value, list):
        return any(map(ambiguous, value))
    return isinstance(value, str) and re.fullmatch(r"[-+]?[0-9_.]+([eE][-+]?[0-9]+)?|0o[0-7]+", value) is not None


@given(WORDY.filter(lambda value: not ambiguous(value)))
def test_what_pyyaml_writes_is_read_as_it_was(value):
    assert yaml_text.load(yaml.safe_dump(value)) == value
    in_flow = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True)
    assume(yaml.safe_load(in_flow) == value)  # PyYAML itself reads a line break such as U+0085, which it writes as it is, as a space
    assert yaml_text.load(in_flow) == value


@given(WORDY)
def test_json_is_yaml(value):
    assert yaml_text.load(json.dumps(value)) == value
    assert yaml_text.load(json.dumps(value, indent=1, ensure_ascii=True)) == value
