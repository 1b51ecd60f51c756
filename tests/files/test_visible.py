"""Files that editors leave beside those of the workflow are no files of the workflow."""

import sys

import pytest

import draw_dag
from edited_scripts import forget
from hardpair.cli import main
from hardpair.config import docs, read
from hardpair.data import sources
from hardpair.errors import UserError
from hardpair.files.visible import visible_files
from hardpair.staleness import code_hash, plan

CODE = {
    "scripts/train.py": "import hardpair.report",
    "scripts/hardpair/report/__init__.py": "SIZE = 1",
    "scripts/hardpair/report/page.css": "body {}",
    "rules/train.smk": "rule train:\n",
    "config/fair.yaml": "# Overlay: fair.\n",
}


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """Some of the workflow's files, each in an Emacs that has not saved it, and with a copy that macOS left on a foreign disk."""
    for name, text in CODE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.with_name(f".#{path.name}").symlink_to("me@desk.1234:1764198000")
        path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07")
    for module in (code_hash, plan, main):
        monkeypatch.setattr(module, "SCRIPTS", tmp_path / "scripts")
    monkeypatch.setattr(draw_dag, "__file__", str(tmp_path / "scripts/draw_dag.py"))
    forget()
    yield tmp_path
    forget()


def test_hidden_files_links_to_nothing_and_folders_are_left_out(tmp_path):
    for name in ("b.py", "a.py", ".hidden.py"):
        (tmp_path / name).touch()
    (tmp_path / "gone.py").symlink_to(tmp_path / "nothing")
    (tmp_path / "link.py").symlink_to("a.py")
    (tmp_path / "folder.py").mkdir()
    assert [path.name for path in visible_files(tmp_path.glob("*"))] == ["a.py", "b.py", "link.py"]


def test_a_file_that_is_being_edited_does_not_keep_a_job_from_being_planned(edited):
    planned = code_hash.planned("train.py")
    for path in edited.rglob(".*"):
        path.unlink()
    forget()
    assert code_hash.planned("train.py") == planned


def test_kinds_of_images_are_the_modules_of_the_workflow_alone(edited, monkeypatch):
    monkeypatch.setattr(sources, "__file__", str(edited / "scripts/hardpair/report/__init__.py"))
    (edited / "scripts/hardpair/report/synthetic.py").touch()
    (edited / "scripts/hardpair/report/.#synthetic.py").symlink_to("me@desk.1234:1764198000")
    assert sources.kinds() == ["synthetic"]


def test_commands_list_the_files_of_the_workflow_alone(edited, monkeypatch, capsys):
    assert plan.report_parts() == ["hardpair/report/page.css"]
    assert docs.overlay_summaries(edited / "config") == {"config/fair.yaml": "fair."}
    assert draw_dag.steps_of("id0[train]")[0] == {"train": "train"}
    with pytest.raises(UserError, match=r"did you mean \S+/fair\.yaml\?$"):
        read.read_map(str(edited / "config/.fair.yaml"))
    monkeypatch.setattr(sys, "argv", ["hardpair", "--help"])
    with pytest.raises(SystemExit):
        main.main()
    assert capsys.readouterr().out.endswith("--help: train\n")
