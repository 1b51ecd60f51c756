"""Jobs of a cluster refuse other settings and code than the study was started with, and too long ones are refused before the first job."""

import pytest

from hardpair.errors import UserError
from hardpair.study import find, planned
from workspace import PROJECT


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Settings of a study that was started, as a function of changes; in a folder of its own."""
    monkeypatch.chdir(PROJECT)

    def config(**changes):
        return find.overlay(["config/demo.yaml"], changes)

    settings = config()
    monkeypatch.chdir(tmp_path)
    find.remember(tmp_path / "results/demo", [], {}, planned.state(settings))
    monkeypatch.chdir(PROJECT)

    def refuse(**changes):
        declared = config(**changes)
        monkeypatch.chdir(tmp_path)
        try:
            planned.refuse_changed(declared)
        finally:
            monkeypatch.chdir(PROJECT)

    return refuse


def test_what_the_jobs_do_not_depend_on_may_change(started):
    started()
    started(claims=[], compare={"margins": {"accuracy": 1}})


@pytest.mark.parametrize(
    "changes",
    [{"train": {"deterministic": True}}, {"seeds": [7]}, {"pairs": [["cat", "bird"]]}, {"study": "other"}, {"search": {"epochs": 9}}],
)
def test_other_settings_are_refused(started, changes):
    with pytest.raises(UserError, match="has changed since its command was started"):
        started(**changes)


def test_other_code_is_refused(started, monkeypatch):
    monkeypatch.setattr(planned, "code_hash", lambda *files: "other")
    with pytest.raises(UserError, match="the config or the code of the study demo has changed"):
        started()


def study(variants):
    loss = {"kind": "focal", "gamma": 2, "scale": "dynamic"}
    declared = [{"name": f"v{number}", "loss": loss, "sampler": {"kind": "focal", "gamma": 2}} for number in range(variants)]
    changes = {"variants": declared, "baseline": "v0", "contrasts": [], "claims": [], "search": {"enabled": False, "variants": ["v0"]}}
    return find.overlay([], changes)


def test_commands_that_would_be_too_long_are_refused_and_none_is_that_is_short_enough(monkeypatch):
    monkeypatch.chdir(PROJECT)
    planned.refuse_long(study(150))
    with pytest.raises(UserError, match=r"the settings of its 400 variants have .* KB together"):
        planned.refuse_long(study(400))
