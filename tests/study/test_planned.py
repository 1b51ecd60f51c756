"""Jobs of a cluster refuse other settings and code than the study was started with, and too long ones are refused before the first job."""

import pytest

from hardpair import plugins
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


@pytest.fixture
def folder_study(monkeypatch, tmp_path):
    """A function that makes the config of a study of a folder of pictures, here, where the study ``first`` has a split of ``pets``."""
    monkeypatch.chdir(tmp_path)
    for name in ("pets", "others"):
        for picture in ("cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"):
            (tmp_path / name / picture).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / picture).write_bytes(b"one")

    def config(study, **data):
        kind = {"kind": "folder", "name": "pets", "source": "pets", "size": 32, "min_images": 1, "validation": 1}
        return find.overlay(["config/demo.yaml"], {"study": study, "data": kind | data})

    find.remember(tmp_path / "results/first", [], config("first"), "state", complete=True)
    (tmp_path / "results/first/split.json").write_text("{}\n")
    return config


@pytest.mark.parametrize(
    "data", [{}, {"source": "./pets"}, {"min_images": 2}, {"validation": 2}, {"name": "more", "source": "others", "size": 64}]
)
def test_studies_share_images_that_are_the_same(folder_study, data):
    planned.refuse_replacing(folder_study("second", **data))


@pytest.mark.parametrize(
    ("data", "keys"),
    [({"source": "others"}, "source"), ({"size": 64}, "size"), ({"source": "others", "test_share": 0.5}, "source, data.test_share")],
)
def test_images_of_another_study_are_not_replaced(folder_study, data, keys):
    with pytest.raises(UserError, match=f"data.name pets is also that of the study first, whose images differ in data.{keys} and would"):
        planned.refuse_replacing(folder_study("second", **data))
    planned.refuse_replacing(folder_study("first", **data))


@pytest.mark.parametrize("other", ["{}", None], ids=["of unknown config", "of known config"])
def test_a_look_at_another_study_leaves_the_plugins_in_use(folder_study, tmp_path, other):
    (tmp_path / "mine.py").write_text("class Loss:\n    def __init__(self, counts): ...\n")
    if other:
        (tmp_path / "results/first/started.json").write_text(other)
    variants = {"plugins": ["mine.py"], "variants": [{"name": "ce", "loss": {"kind": "mine"}}], "contrasts": [], "claims": []}
    config = find.overlay(["config/demo.yaml"], {"study": "second", "data": folder_study("second")["data"]} | variants)
    planned.refuse_replacing(config)
    assert plugins.used_by(*config["variants"]) == ["mine.py"]
    plugins.use([])


def test_a_study_that_cannot_start_itself_keeps_no_images(folder_study, tmp_path):
    (tmp_path / "results/first/started.json").write_text("{}\n")
    planned.refuse_replacing(folder_study("second", size=64))
