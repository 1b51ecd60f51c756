"""Each phase's scripts in a clean environment that holds only what the phase's file in envs/ names."""

import functools
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
SITE = Path(metadata.distribution("torch").locate_file(""))


def closure(names: list[str]) -> set[str]:
    """Distributions of these names and all that they require on this machine, extras left out unless named."""
    distributions, waiting = set(), [(canonicalize_name(name), frozenset()) for name in names]
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in distributions:
            continue
        distributions.add((name, extras))
        for requirement in map(Requirement, metadata.requires(name) or []):
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras or {""}):
                waiting.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return {name for name, _ in distributions}


@functools.cache
def installed() -> tuple[dict[str, list[Path]], dict[Path, set[str]]]:
    """Files of each distribution that is installed here, and the distributions to which each file or folder belongs."""
    owners: dict[Path, set[str]] = {}
    files = {
        canonicalize_name(distribution.metadata["Name"]): list(map(Path, distribution.files or []))
        for distribution in metadata.distributions(path=[str(SITE)])
    }
    for name, paths in files.items():
        for path in paths:
            for step in [path, *path.parents][:-1]:
                owners.setdefault(step, set()).add(name)
    return files, owners


def linked(names: set[str], site: Path) -> None:
    """Make a folder hold the files of these distributions, each file or folder that belongs to one of them alone as one link."""
    files, owners = installed()
    for name in names:
        for path in files[name]:
            if ".." in path.parts:
                continue  # its command
            for step in [*reversed(path.parents[:-1]), path]:
                target = site / step
                if target.is_symlink():
                    break
                if owners[step] <= names:
                    target.symlink_to(SITE / step)
                    break
                target.mkdir(exist_ok=True)


@pytest.fixture(scope="module")
def command_of(finished) -> dict[str, str]:
    """The command of one job of each rule, and of each figure, from a dry run of everything."""
    output = finished.snakemake("--dry-run", "--forceall", "--printshellcmds").stdout
    printed = re.findall(r"^Shell command: (python workflow/scripts/(\w+)\.py( \w+)?.*)$", output, re.M)
    return {script + figure: command for command, script, figure in printed}


@pytest.fixture(scope="module")
def environments(tmp_path_factory):
    """A clean environment for each file in envs/, made of links to what is installed here."""
    folders = {}
    for file in (PROJECT / "envs").glob("*.yaml"):
        folder = tmp_path_factory.mktemp(file.stem) / "env"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        (pins,) = (entry["pip"] for entry in yaml.safe_load(file.read_text())["dependencies"] if isinstance(entry, dict))
        (site,) = folder.glob("lib/python3*/site-packages")
        linked(closure([pin.partition("==")[0] for pin in pins]), site)
        folders[file.stem] = folder
    return folders


# By phase. Of the figures three, which draw on everything that the others import; test_envs.py looks at the imports of all.
PHASES = {
    "data": ["prepare_data", "split_data"],
    "search": ["propose_trials", "select_recipe"],
    "train": ["run_trial", "train", "evaluate"],
    "report": ["compare", "plot_figure search", "plot_figure hardest", "assemble_figure", "write_report"],
}


def test_every_phase_runs_with_no_more_than_its_environment_has(finished, command_of, environments, tmp_path):
    study = finished.copy(tmp_path)
    for phase, scripts in PHASES.items():
        clean = {"PATH": f"{environments[phase] / 'bin'}:/usr/bin:/bin", "HOME": os.environ["HOME"], "CUDA_VISIBLE_DEVICES": ""}
        for script in scripts:
            command = command_of[script]
            done = subprocess.run(command, shell=True, cwd=study.folder, env=clean, capture_output=True, text=True, check=False)
            log = study.folder / re.search(r" 2> (\S+)", command)[1]
            assert done.returncode == 0, f"{script} with envs/{phase}.yaml: {done.stderr}{log.read_text()}"


def test_an_environment_that_lacks_a_package_is_found_out(finished, command_of, environments, tmp_path):
    study = finished.copy(tmp_path)
    clean = {"PATH": f"{environments['data'] / 'bin'}:/usr/bin:/bin"}
    command = command_of["propose_trials"]
    assert subprocess.run(command, shell=True, cwd=study.folder, env=clean, check=False).returncode != 0
    assert "lacks the Python package 'optuna'" in (study.folder / re.search(r" 2> (\S+)", command)[1]).read_text()
