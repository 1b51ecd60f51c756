"""The study's config with changes, and the message about a wrong one."""

import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import strategies as st

from hardpair.config.resolve import resolve
from hardpair.errors import UserError

PROJECT = Path(__file__).parents[2]
STUDY = yaml.safe_load((PROJECT / "config" / "config.yaml").read_text())
MISSING = object()


def changed(*changes: tuple[str, object]) -> dict:
    """The study with the values at dotted paths replaced, or taken away where the value is MISSING."""
    config = copy.deepcopy(STUDY)
    for path, value in changes:
        *parents, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
        inner = config
        for step in parents:
            inner = inner[step] if isinstance(inner, list) else inner.setdefault(step, {})
        if value is MISSING:
            del inner[last]
        else:
            inner[last] = value
    return config


def sentence(config: object) -> str:
    with pytest.raises(UserError) as caught:
        resolve(config)
    return str(caught.value)


SETTINGS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
