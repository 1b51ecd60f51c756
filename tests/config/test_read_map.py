import re

import pytest

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
