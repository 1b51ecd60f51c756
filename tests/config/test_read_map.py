import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardpair.config import read
from hardpair.config.read import read_map, refuse_oversized
from hardpair.errors import UserError


def test_a_map_is_read_from_json_text_and_from_files(tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("pairs: auto\nseeds: [0, 1]\n")
    assert (
        read_map(overlay) == read_map(str(overlay)) == read_map('{"pairs": "auto", "seeds": [0, 1]}') == {"pairs": "auto", "seeds": [0, 1]}
    )


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ('{"a": ', "not valid JSON: "),
        ("gone.yaml", "'gone.yaml' is neither JSON nor a readable file: "),
        ("[1]", "'[1]' is not a map of keys and values"),
        ('{"a": ' * 41 + "{}" + "}" * 41, "not valid JSON: holds more than 40 levels: "),
        ('{"a": 9223372036854775808}', "not valid JSON: holds a number of more than 18 digits: "),
    ],
)
def test_what_is_no_map_or_too_large_is_refused(source, problem):
    with pytest.raises(UserError, match=f"^{re.escape(problem)}"):
        read_map(source)


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


@st.composite
def nested(draw):
    """A value and the number of values in it, itself included."""
    size = draw(st.integers(0, 4))
    if size == 0:
        return draw(st.sampled_from([1, "x", None, [], {}])), 1
    parts = [draw(nested()) for _ in range(size)]
    values, counts = zip(*parts, strict=True)
    return draw(st.sampled_from([list(values), values, dict(enumerate(values))])), 1 + sum(counts)


@given(nested())
def test_each_value_is_counted_once(value_and_count):
    value, count = value_and_count
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read, "MAX_VALUES", count)
        refuse_oversized(value)
        patch.setattr(read, "MAX_VALUES", count - 1)
        with pytest.raises(ValueError, match=f"more than {count - 1:,} values"):
            refuse_oversized(value)
