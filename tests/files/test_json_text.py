"""JSON is read as it is written, or refused."""

import json
import re

import pytest
from hypothesis import given

from changed_config import SETTINGS
from hardpair.errors import UserError
from hardpair.files import json_text, shapes


@given(SETTINGS)
def test_what_is_written_is_read_back(value):
    assert json_text.load(json.dumps(value)) == value
    assert json_text.load(json.dumps(value, indent=2, ensure_ascii=False)) == value


WRONG = {
    "a key twice": ('{"a": 1,\n"b": 2,\n"a": 1}', 'line 3: the key "a" is there twice, first in line 1: remove one of them'),
    "a key twice, deep within": ('{"a": [{"b": {\n"c": 1,\n"c": 2}}]}', 'line 3: the key "c" is there twice, first in line 2'),
    "a key twice, once escaped": ('{"a": 1, "\\u0061": 2}', 'the key "a" is there twice'),
    "a key twice where YAML is no help": ('{"a":\t1, "a": 2}', 'the key "a" is there twice: remove one of them'),
    "no number": ('{"a": NaN}', "NaN is not a number in JSON"),
    "no end": ("[-Infinity]", "-Infinity is not a number in JSON"),
    "too large": ("[1e400]", "1e400 is too large for a number of 64 bits"),
    "too close to 0": ("[0.01e-400]", "0.01e-400 is too close to 0 for a number of 64 bits"),
    "thousands of levels": ("[" * 100_000, "too many levels"),
    "thousands of digits": ("9" * 5000, "digits"),
    "two values": ("{} {}", "Extra data: line 1 column 4"),
    "nothing": ("", "Expecting value"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_refused(kind):
    text, problem = WRONG[kind]
    with pytest.raises(ValueError, match=re.escape(problem)):
        json_text.load(text)


@pytest.mark.parametrize("text", ["0.0", "-0.0", "0e-999", "0.000e5", "5e-324", "1.7976931348623157e308"])
def test_what_64_bits_hold_is_read(text):
    assert json_text.load(text) == float(text)


def test_a_file_of_the_workflow_with_a_key_twice_is_refused(tmp_path):
    path = tmp_path / "split.json"
    path.write_text('{"training": [1],\n "training": [2]}')
    with pytest.raises(UserError, match=r'split\.json is not valid JSON \(line 2: the key "training" is there twice, first in line 1'):
        shapes.read(path, {"training": [int]})
