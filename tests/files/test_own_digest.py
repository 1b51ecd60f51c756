"""A record that was edited does not match the digest that it holds."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardpair.errors import UserError
from hardpair.files import own_digest
from hardpair.files.atomic import write_json
from hardpair.files.json_text import read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.dictionaries(st.text(min_size=1), VALUES, max_size=4)


@given(RECORDS)
def test_the_digest_is_that_of_the_content_however_it_is_written(record):
    sealed = own_digest.added(record)
    content = {key: value for key, value in record.items() if key != own_digest.KEY}
    assert sealed[own_digest.KEY] == hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    assert {key: value for key, value in sealed.items() if key != own_digest.KEY} == content
    again = json.loads(json.dumps(dict(reversed(sealed.items())), indent=3, ensure_ascii=False))
    assert own_digest.agrees(again)
    assert own_digest.added(sealed) == sealed


@given(RECORDS, st.data())
def test_every_other_value_is_noticed(record, data):
    sealed = own_digest.added(record)
    key = data.draw(st.sampled_from(sorted(sealed)) | st.text(min_size=1))
    value = data.draw(VALUES)
    changed = sealed | {key: value}
    assert own_digest.agrees(changed) == (json.dumps(changed, sort_keys=True) == json.dumps(sealed, sort_keys=True))
    assert not own_digest.agrees(sealed | {own_digest.KEY: value})


def test_keys_that_are_numbers_count_as_the_text_that_json_has():
    sealed = own_digest.added({"counts": {10: 1, 9: 2}})
    assert own_digest.agrees(json.loads(json.dumps(sealed)))


@pytest.mark.parametrize("value", [None, 5, [], {}, {"fingerprint": "of an earlier version"}])
def test_what_holds_no_digest_agrees(value):
    assert own_digest.agrees(value)


def test_reading_refuses_a_record_that_was_edited(tmp_path):
    path = tmp_path / "run.json"
    record = own_digest.added({"value": 0.5, "name": "é"})
    write_json(path, record)
    assert read_json(path) == record
    path.write_text(path.read_text().replace("0.5", "0.75"))
    with pytest.raises(UserError, match=r"run\.json was damaged or edited, its SHA-256 is not the one in it: delete it and run the step"):
        read_json(path)
