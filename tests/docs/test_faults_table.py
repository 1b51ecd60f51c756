"""The table of docs/faults.md is what pytest reports, here for a small suite."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

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
    monkeypatch.syspath_prepend(PROJECT / "benchmarks")
    spec = importlib.util.spec_from_file_location("faults_table", PROJECT / "benchmarks/faults.py")
    spec.loader.exec_module(table := importlib.util.module_from_spec(spec))
    ran, commit = [], ["abc"]

    def pytest_ends(command, env):
        ran.append(command[-1].name)
        Path(command[-2].removeprefix("--junitxml=")).write_text("<testsuites/>")
        return subprocess.CompletedProcess(command, 2 if len(ran) == 2 else 0)

    monkeypatch.setattr(table.subprocess, "run", pytest_ends)
    monkeypatch.setattr(table, "commit", lambda: commit[0])
    monkeypatch.setattr(sys, "argv", ["faults.py", "test_a.py", "test_b.py", "--reports", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"^pytest ended with exit code 2: run the command again to continue with test_b\.py$"):
        table.main()
    table.main()
    assert ran == ["test_a.py", "test_b.py", "test_b.py"]
    commit[0] = "abc-dirty"
    table.main()
    table.main()
    assert ran[3:] == ["test_a.py", "test_b.py"] * 2


def test_a_page_without_a_place_is_left(tmp_path):
    (tmp_path / "page.md").write_text("no place\n")
    code, output, page = count(tmp_path, SUITE)
    assert (code, page) == (1, "no place\n")
    assert "page.md has no place for the table" in output
