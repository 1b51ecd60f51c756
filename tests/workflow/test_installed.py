"""The workflow as pip installs it: the same files in the same places, its command, and modules that are fetched by an address."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from hardpair.staleness.code_hash import code_hash
from workspace import PROJECT, Workspace, environment

FILES = ("Snakefile", "config/*.yaml", "envs/*", "profiles/*/*", "workflow/Snakefile", "workflow/r*/*", "workflow/scripts/**/*")
MODULE = """
module hardpair:
    snakefile: gitfile("{repository}", path="workflow/Snakefile", ref="HEAD")
    config: {{"study": "mine", "seeds": [0]}}

use rule * from hardpair
"""


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for pattern in FILES for path in folder.glob(pattern) if path.is_file() and path.parent.name != "__pycache__"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The contents of a wheel that was built from a copy of the project: ``site``, as a folder of packages, and ``source``."""
    pytest.importorskip("setuptools")
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    Workspace.fresh(source)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(source / "dist")], cwd=source, env=environment(), capture_output=True, check=True)
    [wheel] = (source / "dist").glob("hardpair-*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    return SimpleNamespace(site=site, source=source)


def run(installed, folder: Path, *command: str) -> subprocess.CompletedProcess:
    """Run a command in a folder with the installed packages."""
    variables = environment() | {"PYTHONPATH": str(installed.site)}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def hardpair(installed, folder: Path, *words: str) -> subprocess.CompletedProcess:
    """Run the command `hardpair` as pip makes it from the entry point."""
    [entry] = re.findall(r"^hardpair = (.+)$", next(installed.site.glob("*.dist-info/entry_points.txt")).read_text(), re.M)
    module, _, function = entry.partition(":")
    return run(installed, folder, sys.executable, "-c", f"from {module} import {function}; {function}()", *words)


def test_an_installed_workflow_has_the_files_of_a_clone(installed):
    assert files(installed.site / "hardpair_workflow") == files(installed.source)
    assert len(files(installed.source)) > 150
    assert {path.name for path in installed.site.iterdir() if "." not in path.name} == {"hardpair", "hardpair_workflow"}


def test_its_code_makes_nothing_stale(installed, tmp_path):
    done = run(installed, tmp_path, sys.executable, "-c", "from hardpair.staleness.code_hash import *; print(code_hash('train.py'))")
    assert done.stdout.strip() == code_hash("train.py"), done.stderr


def test_its_command_runs_the_workflow_in_any_folder(installed, tmp_path):
    done = hardpair(installed, tmp_path, "snakemake", "--dry-run", "--configfile", "config/demo.yaml")
    assert done.returncode == 0, done.stderr
    assert "Train dfl with seed 1" in done.stdout


def test_its_command_runs_the_scripts_and_lists_them(installed, tmp_path):
    assert hardpair(installed, tmp_path, "split_data", "--help").stdout.startswith("usage: split_data.py")
    assert "split_data" in hardpair(installed, tmp_path, "--help").stdout
    wrong = hardpair(installed, tmp_path, "splitdata")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "split_data" in wrong.stderr


def test_a_module_that_is_fetched_by_its_address_uses_what_is_installed(installed, tmp_path):
    if shutil.which("git") is None:
        pytest.skip("there is no git")
    for command in (
        ["init", "-q"],
        ["add", "Snakefile", "workflow"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "all"],
    ):
        subprocess.run(["git", *command], cwd=installed.source, check=True)
    (tmp_path / "Snakefile").write_text(MODULE.format(repository=installed.source))
    done = run(installed, tmp_path, "snakemake", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "Train dfl with seed 0" in done.stdout
    assert "Train dfl with seed 1" not in done.stdout
    missing = subprocess.run(
        ["snakemake", "--dry-run"], cwd=tmp_path, env=environment() | {"PYTHONPATH": os.devnull}, capture_output=True, text=True
    )
    assert missing.returncode != 0
    assert "the package hardpair is missing" in missing.stderr
