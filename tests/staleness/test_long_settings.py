"""A study whose commands would be too long is refused before anything is trained."""

import pytest

from hardpair.errors import UserError
from hardpair.staleness import plan
from hardpair.study import find
from workspace import PROJECT


def study(variants):
    loss = {"kind": "focal", "gamma": 2, "scale": "dynamic"}
    declared = [{"name": f"v{number}", "loss": loss, "sampler": {"kind": "focal", "gamma": 2}} for number in range(variants)]
    changes = {"variants": declared, "baseline": "v0", "contrasts": [], "claims": [], "search": {"enabled": False, "variants": ["v0"]}}
    return find.overlay([], changes)


def test_commands_that_would_be_too_long_are_refused_and_none_is_that_is_short_enough(monkeypatch):
    monkeypatch.chdir(PROJECT)
    plan.refuse_long(study(150))
    with pytest.raises(UserError, match=r"the settings of its 400 variants have .* KB together"):
        plan.refuse_long(study(400))
