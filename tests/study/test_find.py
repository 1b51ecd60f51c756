"""Which study a command is about."""

import ast
import json
import os
import re

import pytest

from hardpair.errors import UserError
from hardpair.study import find
from workspace import PROJECT

OVERLAY = "study: {name}\nseeds: [0, 1]\n"


@pytest.fixture
def results(tmp_path, monkeypatch):
    """An empty folder of results beside the project's config."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").symlink_to(PROJECT / "config")
    (tmp_path / "results").mkdir()
    return tmp_path / "results"


def start(name, moment, changes=None):
    """A study as Snakemake starts it."""
    path = find.Path(f"{name}.yaml")
    path.write_text(OVERLAY.format(name=name))
    find.remember(find.Path("results") / name, [path.absolute()], changes or {}, "")
    os.utime(f"results/{name}/started.json", (moment, moment))


def test_without_a_name_it_is_the_study_that_was_started_last(results):
    assert find.chosen(None, [])["study"] == "cifar10", "the config's own before any"
    start("first", 1000)
    start("second", 3000, {"seeds": [5]})
    start("third", 2000)
    assert find.chosen(None, [])["study"] == "second"
    assert find.chosen(None, [])["seeds"] == [5]
    assert find.chosen("first", [])["seeds"] == [0, 1]
    assert find.chosen(None, ["third.yaml"])["study"] == "third"


def test_the_config_is_that_of_now(results, monkeypatch):
    start("mine", 1000)
    find.Path("mine.yaml").write_text("study: mine\nseeds: [7]\n")
    assert find.chosen("mine", [])["seeds"] == [7]
    find.Path("mine.yaml").write_text("study: other\n")
    with pytest.raises(UserError, match=r"^the config of results/mine is unknown: name its overlays with --configfile$"):
        find.chosen("mine", [])
    monkeypatch.setattr(find, "SHIPPED", results.parent)  # where `make` works
    with pytest.raises(
        UserError, match=r'^the config of results/mine is unknown: name .* with --configfile \(with make: CONFIG="files"\)$'
    ):
        find.chosen("mine", [])
    find.Path("mine.yaml").unlink()
    with pytest.raises(UserError, match=r"^mine\.yaml does not exist: check the path"):
        find.chosen("mine", [])


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"configfiles": 1, "config": {}}',
        '{"configfiles": [1], "config": {}}',
        '{"configfiles": [], "config": [1]}',
        '{"configfiles": [], "config": "x"}',
    ],
)
def test_a_damaged_note_ends_in_one_sentence(results, text):
    start("mine", 1000)
    (results / "mine/started.json").write_text(text)
    with pytest.raises(UserError, match=r"started\.json is not"):
        find.chosen("mine", [])


def test_overlays_are_noted_by_the_path_that_a_person_would_type(results):
    start("mine", 1000)
    far = results.parent.parent / "far.yaml"
    find.remember(results / "mine", [find.Path("mine.yaml").absolute(), far], {}, "")
    assert json.loads((results / "mine/started.json").read_text())["configfiles"] == ["mine.yaml", str(far)]


def test_a_name_and_overlays_that_disagree_are_refused(results):
    start("mine", 1000)
    with pytest.raises(UserError, match=r"--study is mine, but config/demo\.yaml define the study demo"):
        find.chosen("mine", ["config/demo.yaml"])


@pytest.mark.parametrize("name", ["..", ".", "", "/etc", "a/b", "../mine", "mine/", "mine/../mine", "mine\n", "-rf", "$(id)", "ä"])
def test_what_is_no_name_is_refused(results, name):
    start("mine", 1000)
    with pytest.raises(UserError, match="is not the name of a study"):
        find.folder_of(name)


def test_other_folders_and_what_is_not_there_are_refused_and_links_are_followed(results):
    start("mine", 1000)
    (results / "notes").mkdir()
    (results / "notes" / "diary.txt").touch()
    (results / "linked").symlink_to("mine")
    for name, reason in (("notes", "not the folder of a study"), ("gone", r"does not exist.*\(linked, mine\)")):
        with pytest.raises(UserError, match=reason):
            find.folder_of(name)
    for name in ("mine", "linked"):
        assert find.folder_of(name).samefile(results / "mine")


def test_commands_are_those_of_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(PROJECT)
    assert find.command("status", None, "follow") == "make status FOLLOW=1"
    assert find.command("clean", "mine", "leftovers", "yes") == "make clean-study STUDY=mine LEFTOVERS=1 YES=1"
    monkeypatch.chdir(tmp_path)
    script = f"{PROJECT}/workflow/scripts/study.py"
    assert find.command("status", None, "follow") == f"python {script} status --follow"
    assert find.command("runs", "mine") == f"python {script} runs --study mine"
    assert find.command("clean", "mine", "leftovers", "yes") == f"python {script} clean --study mine --leftovers --yes"


def test_commands_of_snakemake_are_those_of_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(PROJECT)
    assert find.snakemake("--unlock") == "snakemake --unlock"
    assert find.snakemake("--configfile", "my study.yaml") == "snakemake --configfile 'my study.yaml'"
    monkeypatch.chdir(tmp_path)
    assert find.snakemake("--unlock") == f"snakemake --snakefile {PROJECT}/Snakefile --unlock"
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").touch()
    assert find.snakemake("--unlock") == "snakemake --unlock", "a workflow that includes this one"


def test_seeds_of_the_overlays_are_declared_though_the_last_command_took_others(results):
    start("mine", 1000, {"seeds": [5], "looks": []})
    config = find.chosen("mine", [])
    assert (config["seeds"], find.declared_seeds(results / "mine", config)) == ([5], {0, 1, 5})
    assert find.declared_seeds(results / "mine", find.chosen("mine", ["mine.yaml"])) == {0, 1}
    find.Path("mine.yaml").write_text("study: mine\nseeds: 2\n")
    with pytest.raises(
        UserError, match=r"^the seeds of the overlays that .*started\.json names are no list of seeds \(the value is 2\): correct"
    ):
        find.declared_seeds(results / "mine", config)
    find.Path("mine.yaml").write_text("data: {kind: synthetic, name: x, validation: 9}\nseeds: [0, 1]\n")  # as after --config study=mine
    find.remember(results / "mine", [find.Path("mine.yaml").absolute()], {"study": "mine", "seeds": [5]}, "")
    assert find.declared_seeds(results / "mine", config) == {0, 1, 5}
    find.Path("other.yaml").write_text("study: mine\nseeds: [7]\n")
    find.Path("mine.yaml").unlink()
    assert find.declared_seeds(results / "mine", find.chosen("mine", ["other.yaml"])) == {7}, "overlays that are gone"
    start("mine", 1000)
    assert find.declared_seeds(results / "mine", find.chosen("mine", [])) == {0, 1}
    find.remember(results / "mine", [], find.chosen("mine", []) | {"seeds": [3]}, "", complete=True)
    assert find.declared_seeds(results / "mine", find.chosen("mine", [])) == {3}
    (results / "mine/started.json").unlink()
    assert find.declared_seeds(results / "mine", {"seeds": [4]}) == {4}


def texts(path):
    """The texts of a module that are no docstrings."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
            yield node.value


def test_no_message_names_a_command_of_make_that_does_not_exist_elsewhere():
    """Of a module of its own, so that each is made by ``find.command``; `make setup` names the folder."""
    targets = "|".join(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.M))
    scripts = PROJECT / "workflow/scripts"
    found = {
        (path.relative_to(scripts).as_posix(), text)
        for path in scripts.rglob("*.py")
        for text in texts(path)
        if re.search(rf"\bmake ({targets})\b(?! in the workflow's folder)", text.replace("`", "")) and not text.endswith(".")
    }
    assert found == {("hardpair/study/find.py", "; `make demo` starts one")}
