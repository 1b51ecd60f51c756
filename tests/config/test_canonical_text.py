"""The one text of equal settings."""

import json
import math

import pytest
from hypothesis import given

from changed_config import SETTINGS
from hardpair.config.resolve import canonical


def otherwise_written(value: object) -> object:
    """The same settings: keys the other way round, tuples for lists, integers as floats."""
    if isinstance(value, dict):
        return {key: otherwise_written(item) for key, item in reversed(value.items())}
    if isinstance(value, list):
        return tuple(map(otherwise_written, value))
    if type(value) is int and int(float(value)) == value:
        return float(value)
    return value


@given(SETTINGS)
def test_equal_settings_have_one_canonical_text(settings):
    text = canonical(settings)
    assert canonical(otherwise_written(settings)) == text
    assert text.isascii()
    assert json.loads(text) == settings
    assert canonical(json.loads(text)) == text


@given(SETTINGS, SETTINGS)
def test_different_settings_have_different_canonical_texts(one, other):
    assert (canonical(one) == canonical(other)) == (repr_without_types(one) == repr_without_types(other))


def repr_without_types(value: object) -> str:
    """An injective text of a value, in which true is not 1 but 2.0 is 2."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{repr_without_types(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(repr_without_types, value)) + "]"
    if isinstance(value, float) and value == math.floor(value):
        return repr(int(value))
    return repr(value)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_canonical_refuses_what_json_cannot_say(number):
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical({"learning_rate": [number]})
