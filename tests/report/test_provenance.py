"""Which commit a report names, and that other commits do not change it."""

import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardpair.report import provenance, tables
from hardpair.report.inline_files import script_data

RECORD = {key: "k" for key in provenance.ONCE} | {"data": {}, "versions": {}, "seconds": 60}


@pytest.fixture
def checkout(tmp_path):
    def git(*command):
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(["git", "-C", tmp_path, *identity, *command], check=True, capture_output=True, text=True).stdout.strip()

    def commit(file, text):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
        git("add", file)
        git("commit", "-qm", f"Change {file}")
        return git("rev-parse", "HEAD")

    git("init", "-q")
    return tmp_path, commit


def test_the_commit_is_the_last_that_changed_the_code(checkout):
    folder, commit = checkout
    commit("README.md", "one")
    assert provenance.commit(folder) is None, "a folder inside another checkout is none itself"
    code = commit("workflow/x.py", "one")
    assert provenance.commit(folder) == code
    commit("README.md", "two")
    assert provenance.commit(folder) == code
    (folder / "workflow" / "x.py").write_text("edited")
    assert provenance.commit(folder) == f"{code}, with uncommitted changes"
    assert provenance.commit(folder) != code == provenance.commit(folder)[:40]
    newer = commit("workflow/x.py", "edited")
    assert provenance.commit(folder) == newer != code


def test_without_a_checkout_or_git_no_commit_is_recorded(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.commit(tmp_path) is None
    assert [key for key, _ in provenance.provenance([RECORD], tmp_path)][:2] == ["runs", "training time, all runs"]
    assert not [key for key, _ in provenance.provenance([RECORD], tmp_path) if "commit" in key]
    monkeypatch.setenv("PATH", "")
    assert provenance.commit(tmp_path) is None


def test_each_network_of_a_study_is_named():
    networks = [{}, {"network": {"kind": "torchvision", "name": "convnext_tiny"}}, {"network": {"kind": "narrow", "width": 4}}]
    facts = dict(provenance.provenance([RECORD | {"settings": settings} for settings in [*networks, *networks]]))
    assert facts["network"] == "cnn, convnext_tiny, narrow"


def test_speed_is_the_median_of_a_variant_s_runs():
    runs = [("a", 100.0, 10.0, 500.0), ("a", 300.0, 20.0, 700.0), ("a", 200.0, 60.0, 600.0), ("b", 1234.5, 1.0, 9.0)]
    keys = ("variant", "images_per_second", "seconds", "peak_memory_mb")
    records = [dict(zip(keys, run, strict=True)) | {"device": f"GPU {run[0]}"} for run in runs]
    assert tables.speed(records, {"a": "A", "b": "B"})["rows"] == [
        ["A", "200", "100 to 300", "20.0", "600", "GPU a", 3],
        ["B", "1,234", "1,234 to 1,234", "1.0", "9", "GPU b", 1],
    ]


@given(st.recursive(st.text() | st.integers() | st.none(), lambda part: st.lists(part) | st.dictionaries(st.text(), part)))
def test_data_of_a_script_cannot_end_it_and_stays_the_same(value):
    text = script_data([value, "</script><!--<script>"])
    assert "<" not in text
    assert json.loads(text) == [value, "</script><!--<script>"]
