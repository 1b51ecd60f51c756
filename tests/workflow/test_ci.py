"""Continuous integration and pre-commit run what `.ci/run` runs, in the versions of requirements.lock."""

import re
import tomllib

from hardpair.files import yaml_text
from workspace import PROJECT

CI = yaml_text.load((PROJECT / ".github/workflows/ci.yml").read_text())
STEPS = [step for job in CI["jobs"].values() for step in job["steps"]]
LINTERS = {"ruff-check": "ruff check", "ruff-format": "ruff format", "snakefmt": "snakefmt"}


def test_continuous_integration_runs_the_checks_of_the_project():
    assert CI["on"].keys() == {"push", "pull_request"}
    assert ".ci/run" in [step.get("run") for step in STEPS]
    assert (PROJECT / ".ci/run").stat().st_mode & 0o100


def test_it_may_only_read_and_names_versions_of_what_it_uses():
    assert CI["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in CI["jobs"].values())
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@(v\d+|[0-9a-f]{40})", name) for name in used)


def test_it_has_the_oldest_python_that_the_project_supports():
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (PROJECT / "pyproject.toml").read_text())[1]
    assert CI["jobs"]["check"]["strategy"]["matrix"]["python"][0] == oldest


def test_an_installed_package_has_no_older_versions_than_those_of_the_lock():
    """But for patches, and for torch: its builds for other systems and GPUs may be older."""
    required = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    locked = re.findall(r"^([\w-]+)==(\d+\.\d+)", (PROJECT / "requirements.lock").read_text(), re.M)
    lowest = {name: min(version for other, version in locked if other == name) for name, _ in locked}  # another for each Python
    assert len(required) > 10
    assert f'min_version("{lowest["snakemake"]}")' in (PROJECT / "Snakefile").read_text()
    for text in required:
        name, least = re.fullmatch(r"([\w-]+)(?:\[\w+\])?>=(\d+\.\d+)", text).groups()
        assert name.startswith("torch") or least == lowest[name], text


def test_pre_commit_has_the_linters_of_the_checks_in_the_versions_of_the_lock():
    hooks = yaml_text.load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {hook["id"] for repository in hooks for hook in repository["hooks"]} == LINTERS.keys()
    checks = (PROJECT / ".ci/run").read_text()
    assert all(re.search(rf"^{command}\b", checks, re.M) for command in LINTERS.values())
    locked = dict(re.findall(r"^([\w-]+)==([\w.]+)", (PROJECT / "requirements.lock").read_text(), re.M))
    for repository in hooks:
        [name] = {hook["id"].partition("-")[0] for hook in repository["hooks"]}
        assert repository["rev"] == f"v{locked[name]}"
