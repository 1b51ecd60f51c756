"""In what a finished run differs from the run that the study would train. Imports no torch."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from hardpair.config.resolve import canonical, merged_recipe
from hardpair.files.json_text import read_json
from hardpair.staleness import plan
from hardpair.staleness.fingerprint import fingerprint

MALFORMED = "its run.json was not written by train"
_ABSENT = object()  # null is a value


@dataclass
class OlderCode:
    """The one older code whose runs count as those of the present code.

    Attributes:
        commit: that has the code.
        hashes: of the code that trains a variant, by the variant's name; those of the first run of each that was imported, now or before.
    """

    commit: str
    hashes: dict[str, str] = field(default_factory=dict)

    def accepts(self, variant: str, code: str) -> bool:
        """Whether a variant's run of this code is one of the older code."""
        return self.hashes.get(variant, code) == code


@dataclass(frozen=True)
class Expected:
    """What the runs of a study are made of.

    Attributes:
        config: resolved.
        recipes: complete, by variant, without the variant's own keys.
        split: the file of indices.
    """

    config: dict
    recipes: dict[str, dict]
    split: Path

    def code(self, variant: str) -> str:
        """Hash of the present code that trains a variant."""
        return plan.train_code(self.config, variant)

    def fingerprint(self, variant: str, seed: int, code: str | None = None) -> str:
        """Fingerprint of a run by the present code, or by another."""
        settings = plan.train_settings(self.config, variant)
        return fingerprint(settings, self.recipes[variant], seed, self.split, code or self.code(variant))


def difference(record: dict, expected: Expected, older: OlderCode | None = None) -> str | None:
    """The first part of a declared run's fingerprint that differs from the study's, as the end of a sentence; None if there is none.

    Args:
        record: run.json.
        older: code that counts as the present one.
    """
    variant, seed, code = record["variant"], record["seed"], expected.code(record["variant"])
    settings = plan.train_settings(expected.config, variant)
    recipe = merged_recipe(expected.recipes[variant], settings.pop("recipe", {}))
    for part, value in (("settings", settings), ("recipe", recipe)):
        if canonical(record[part]) != canonical(value):
            return _first_difference(record[part], value, part)
    if record["data"]["sha256"] != read_json(expected.split)["data_sha256"]:
        return "it was trained on other images"
    imported = "adopted" in record and record["fingerprint"] == expected.fingerprint(variant, seed)
    other_code = record["code"] != code and not imported
    if other_code and older is None:
        return f"it was trained by other code ({record['code']}, here {code})"
    own = record.get("adopted", record)["fingerprint"]
    if not imported and own != expected.fingerprint(variant, seed, record["code"]):
        return "it was trained on another split of the images"
    if record["epochs"] != recipe["epochs"]:
        return f"it ended after {record['epochs']} of {recipe['epochs']} epochs"
    if other_code and not older.accepts(variant, record["code"]):
        return f"it was trained by yet another code ({record['code']}, other runs of {variant} by {older.hashes[variant]})"
    return None


def _first_difference(value: object, expected: object, path: str) -> str:
    """``its recipe.momentum is 0.8, here 0.9``: the first key in which two maps differ, ``path`` before it."""
    if isinstance(value, dict) and isinstance(expected, dict):
        here, there = ({key: canonical(side[key]) for key in side} for side in (expected, value))
        key = min(key for key, _ in here.items() ^ there.items())
        return _first_difference(value.get(key, _ABSENT), expected.get(key, _ABSENT), f"{path}.{key}")
    shown, wanted = ("not set" if side is _ABSENT else json.dumps(side) for side in (value, expected))
    return f"its {path} is {shown}, here {wanted}"
