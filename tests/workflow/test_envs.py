import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hardpair.staleness import code_hash, fingerprint
from local_imports import local_files, modules

PROJECT = Path(__file__).parents[2]
ENVIRONMENTS = {path.name: yaml.safe_load(path.read_text()) for path in (PROJECT / "envs").glob("*.yaml")}
BY_NAME = ("losses", "samplers", "networks", "figures")  # folders whose modules are imported by name
BROUGHT = {"torchvision": "torch"}  # a build of torchvision fits one version of torch, and its own requirement does not say so


def test_setup_says_first_how_much_it_installs():
    command = ["make", "--dry-run", "--no-print-directory", "--what-if=requirements.lock", "setup"]
    plan = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    first, *others = plan.stdout.splitlines()
    assert first == 'echo "installing the tested versions into .venv (6.4 GB on Linux), which takes a few minutes"'
    assert "6.4 GB" in (PROJECT / "docs" / "install.md").read_text()
    assert [line for line in others if "uv pip install" in line and "--quiet" not in line], "uv shows its progress"


def rules() -> dict[str, str]:
    """The environment of each rule that runs a command."""
    text = "\n".join(path.read_text() for path in (PROJECT / "workflow" / "rules").glob("*.smk"))
    result = {}
    for name, body in re.findall(r"^(?:rule|checkpoint) (\w+):\n((?:[ \t].*\n|\n)*)", text, re.M):
        if "shell:" in body:
            result[name] = re.search(r'conda:\s*"\.\./\.\./envs/([\w.]+)"', body)[1]
    return result


def needed(environment: str) -> set[str]:
    """Distributions that the scripts of an environment's rules import, and what has to be of one version with them."""
    scripts = [code_hash.SCRIPTS / f"{rule}.py" for rule, name in rules().items() if name == environment]
    if environment == rules()["prepare_data"]:  # which alone reads images
        scripts += (code_hash.SCRIPTS / "hardpair" / "data" / "sources").glob("*.py")
    files = local_files(*scripts)
    by_name = (path for file in files if file.parent.name in BY_NAME for path in file.parent.glob("*.py"))
    names = {name.partition(".")[0] for path in local_files(*files, *by_name) for name in modules(path)}
    local = {path.stem for path in code_hash.SCRIPTS.glob("*.py")} | {"hardpair"}
    distributions = packages_distributions()
    third_party = {canonicalize_name(distributions[name][0]) for name in names - set(sys.stdlib_module_names) - local}
    return third_party | {BROUGHT[name] for name in third_party & set(BROUGHT)}


def pinned(environment: str) -> dict[str, str]:
    """Version of each distribution that pip installs into an environment."""
    (pip,) = (entry["pip"] for entry in ENVIRONMENTS[environment]["dependencies"] if isinstance(entry, dict))
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", pin) for pin in pip), "exact pins, names as in the lock"
    assert pip == sorted(set(pip))
    return dict(pin.split("==") for pin in pip)


def python_of(environment: str) -> str:
    (python,) = (entry for entry in ENVIRONMENTS[environment]["dependencies"] if str(entry).startswith("python"))
    return re.fullmatch(r"python=(\d+\.\d+)", python)[1]


def locked(python: str) -> dict[str, str]:
    """Version of each distribution that requirements.lock has for a Python on Linux."""
    where = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux", "platform_machine": "x86_64"}
    lines = re.findall(r"^([A-Za-z0-9].*?)\s*\\?$", (PROJECT / "requirements.lock").read_text(), re.M)
    entries = [entry for entry in map(Requirement, lines) if entry.marker is None or entry.marker.evaluate(where)]
    versions = {canonicalize_name(entry.name): str(entry.specifier).removeprefix("==") for entry in entries}
    assert len(versions) == len(entries) > 50, "one version of each"
    return versions


def test_every_rule_has_an_environment_and_every_environment_a_rule():
    assert set(rules().values()) == set(ENVIRONMENTS)
    assert len(rules()) > 10


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_has_just_what_its_scripts_import(environment):
    assert set(pinned(environment)) == needed(environment)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_versions_are_those_of_the_lock(environment):
    versions = locked(python_of(environment))
    assert pinned(environment) == {name: versions[name] for name in pinned(environment)}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_beside_its_pins_an_environment_has_only_python_and_pip(environment):
    content = ENVIRONMENTS[environment]
    assert set(content) == {"channels", "dependencies"}
    assert content["channels"] == ["conda-forge", "nodefaults"]
    assert [entry for entry in content["dependencies"] if isinstance(entry, str)] == [f"python={python_of(environment)}", "pip"]


def test_all_environments_have_one_python_that_the_project_supports():
    (python,) = {python_of(environment) for environment in ENVIRONMENTS}
    least = re.search(r'requires-python = ">=(\d+\.\d+)"', (PROJECT / "pyproject.toml").read_text())[1]
    assert tuple(map(int, python.split("."))) >= tuple(map(int, least.split(".")))


def test_packages_whose_version_a_run_records_are_where_runs_are_trained():
    assert set(fingerprint.PACKAGES) <= set(pinned(rules()["train"]))
    assert rules()["train"] == rules()["run_trial"] == rules()["evaluate"]
