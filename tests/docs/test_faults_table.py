"""The table of docs/faults.md is what pytest reports, here for a small suite."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark_scripts import load
from workspace import PROJECT

SUITE = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_fire(record_property, number):
    record_property("fault", "Fire")
    assert number != 1

def test_flood(record_property):
    record_property("fault", "Flood")
    record_property("tries", 1000)

def test_frost(record_property):
    record_property("fault", "Frost")
    pytest.skip("it is warm")

def test_beside():
    pass

def test_beside_that_fails():
    assert False
"""
PAGE = "before\n<!-- faults: written by `make faults` -->\n{}<!-- end of faults -->\nafter\n"


def count(tmp_path, suite, reports="reports"):
    """Exit code, error output, and the page, of a suite's report."""
    (tmp_path / "test_suite.py").write_text(suite)
    script = [sys.executable, PROJECT / "benchmarks/faults.py", tmp_path / "test_suite.py", "--reports", tmp_path / reports]
    no_worker = os.environ | {"PYTEST_XDIST_AUTO_NUM_WORKERS": "0", "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    done = subprocess.run([*script, "--write", tmp_path / "page.md"], capture_output=True, text=True, env=no_worker)
    return done.returncode, done.stderr, (tmp_path / "page.md").read_text()


def test_tries_and_losses_are_counted_by_fault(tmp_path):
    (tmp_path / "page.md").write_text(PAGE.format("old\n"))
    code, output, page = count(tmp_path, SUITE)
    assert (code, output) == (1, "something was lost: Fire, test_beside_that_fails\n")
    before, *rows, machine, _, after = page.replace("\n\n", "\n").splitlines()
    assert (before, after) == ("before", "after")
    assert rows[3:] == [
        "| Fire | 3 | 1 |",
        "| Flood | 1,000 | 0 |",
        "| Frost (skipped: it is warm) | 0 | 0 |",
        "| test_beside_that_fails | 1 | 1 |",
        "| all | 1,004 | 2 |",
    ]
    commit = subprocess.run(["git", "-C", PROJECT, "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    assert re.match(f"Run on: commit ({commit[:12] or 'unknown'}|[0-9a-f]+-dirty), processor ", machine)
    assert count(tmp_path, SUITE.replace("number != 1", "True").replace("False", "True"), "again")[:2] == (0, "")


def test_an_interrupted_command_continues_with_the_next_file(tmp_path, monkeypatch):
    table = load("faults")
    ran, holds = [], [True]

    def pytest_ends(command, env):
        ran.append(command[-1].name)
        Path(command[-2].removeprefix("--junitxml=")).write_text("<testsuites/>")
        return subprocess.CompletedProcess(command, 2 if len(ran) == 2 else 0)

    monkeypatch.setattr(table.subprocess, "run", pytest_ends)
    monkeypatch.setattr(table, "commit", lambda: "abc")
    monkeypatch.setattr(table, "git", lambda *words: subprocess.CompletedProcess(words, 0 if holds[0] else 1))
    monkeypatch.setattr(sys, "argv", ["faults.py", "test_a.py", "test_b.py", "--reports", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"^pytest ended with exit code 2: run the command again to continue with test_b\.py$"):
        table.main()
    table.main()
    assert ran == ["test_a.py", "test_b.py", "test_b.py"]
    holds[0] = False  # something differs from abc
    table.main()
    table.main()
    assert ran[3:] == ["test_a.py", "test_b.py"] * 2


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """The functions of the script in a small project of its own, with one commit."""
    table = load("faults")
    monkeypatch.setattr(table, "PROJECT", tmp_path)
    for name in (
        "workflow/a.py",
        "docs/a.md",
        "README.md",
        "benchmarks/b.py",
        "tests/helpers/h.py",
        "tests/x/conftest.py",
        "tests/x/test_a.py",
        "tests/x/test_b.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1\n")
    table.git("init", "-q")
    table.git("add", "-A")
    table.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    return table


@pytest.mark.parametrize(
    ("changed", "holds"),
    [
        (None, True),
        ("docs/a.md", True),
        ("README.md", True),
        ("benchmarks/b.py", True),
        ("tests/x/test_b.py", True),
        ("tests/x/test_a.py", False),
        ("tests/x/conftest.py", False),
        ("tests/helpers/h.py", False),
        ("workflow/a.py", False),
    ],
)
def test_a_report_holds_until_something_changes_that_its_tests_depend_on(clone, changed, holds):
    before = clone.commit()
    if changed:
        (clone.PROJECT / changed).write_text("2\n")
    assert clone.unchanged(before, clone.PROJECT / "tests/x/test_a.py") is holds
    assert clone.commit() == (f"{before}-dirty" if changed else before)
    assert not clone.unchanged("unknown", clone.PROJECT / "tests/x/test_a.py")


def test_the_table_names_every_commit(clone):
    reports = [Path("results/aaa/test_a.xml"), Path("results/bbb/test_b.xml"), Path("results/aaa/test_c.xml")]
    assert clone.commits(reports) == "aaa (test_b.py: bbb)"
    assert clone.commits(reports[:1]) == "aaa"


def test_a_page_without_a_place_is_left(tmp_path):
    (tmp_path / "page.md").write_text("no place\n")
    code, output, page = count(tmp_path, SUITE)
    assert (code, page) == (1, "no place\n")
    assert "page.md has no place for the faults" in output
