"""The SHA-256 that a record in JSON holds of its own content, which one that was edited or damaged does not match.

Imports nothing heavy.
"""

import hashlib
import json

AFFECTS_RESULTS = False
KEY = "content_sha256"


def added(record: dict) -> dict:
    """The record with the digest of its content, in place of any that it has."""
    content = {key: value for key, value in record.items() if key != KEY}
    as_read = json.loads(json.dumps(content))  # keys become text before they are sorted
    return content | {KEY: _digest(as_read)}


def agrees(value: object) -> bool:
    """Whether a value of JSON holds no digest, as records of earlier versions, or that of its content."""
    return not isinstance(value, dict) or KEY not in value or value[KEY] == _digest(value)


def _digest(record: dict) -> str:
    content = {key: value for key, value in record.items() if key != KEY}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
