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
