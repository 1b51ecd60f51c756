"""A copy of the project in which tests run the real commands."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import loaded_python

PROJECT = Path(__file__).parents[2]
PARTS = ("Snakefile", "Makefile", "config", "envs", "profiles", "workflow")

# Everything that happens in a study, on images so small that it takes seconds.
TINY = """
study: tiny
data: {kind: synthetic, name: synthetic, validation: 100, synthetic: {train: 300, test: 100, size: 8}}
baseline: ce
variants:
  - {name: ce}
  - {name: dfl, loss: {kind: focal, gamma: 2, scale: dynamic}}
  - {name: ce_sampler, sampler: {kind: focal, gamma: 2}}
contrasts: [[dfl, ce]]
claims: [{name: helps, sentence: The loss helps., contrasts: [{better: dfl, than: ce}]}]
seeds: [0, 1]
recipe: {epochs: 2, refresh_every: 1}
search: {rounds: 2, batch: 2, epochs: 1}
"""


def environment() -> dict[str, str]:
    """This process's, with its Python first in PATH, no GPU, and a terminal of fixed width."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "200"}


class Workspace:
    """A folder that holds the project and the config ``tiny.yaml``.

    Attributes:
        overlays: files of the study's config.
    """

    overlays = ("tiny.yaml",)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def fresh(cls, folder: Path, project: Path = PROJECT) -> "Workspace":
        """The files of a project that commands need, without results."""
        folder.mkdir(exist_ok=True)
        for part in PARTS:
            source = project / part
            if source.is_dir():
                shutil.copytree(source, folder / part)
            else:
                shutil.copy(source, folder / part)
        (folder / "tiny.yaml").write_text(TINY)
        return cls(folder)

    def copy(self, folder: Path) -> "Workspace":
        """The same with results and Snakemake's memory, times of files kept."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Workspace(folder)

    def copy_results(self, folder: Path) -> "Workspace":
        """The study's results and images alone; commands then take the project from elsewhere."""
        for part in ("results", "resources"):
            shutil.copytree(self.folder / part, folder / part)
        shutil.copy(self.folder / "tiny.yaml", folder)
        return Workspace(folder)

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run a command in the folder, with this Python's environment first in PATH."""
        variables = loaded_python.first_in_path(environment())
        done = subprocess.run(command, cwd=self.folder, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise AssertionError(f"{command} failed:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
        return done

    def snakemake(self, *options: str, check: bool = True) -> subprocess.CompletedProcess:
        """``snakemake`` with the study."""
        return self.run("snakemake", "--cores", "2", "--configfile", *self.overlays, *options, check=check)

    def stale(self, *options: str) -> set[str]:
        """``planned`` jobs. Where they are those of all targets, the status must count the same as due."""
        jobs = self.planned(*options)
        if not options or options[0] == "--config":
            assert self.due(*options[1:]) == jobs, "the status differs"
        return jobs

    def planned(self, *options: str) -> set[str]:
        """Messages of the jobs that a run would start, but for the last, which makes nothing."""
        done = self.snakemake("--dry-run", *options)
        return set(re.findall(r"^Job \d+: (.+)$", done.stdout + done.stderr, re.M)) - {"Complete the study"}

    def due(self, *changes: str) -> set[str]:
        """Messages of the jobs that ``make status`` counts as due, with such changes of keys as ``--config`` makes."""
        script = PROJECT / "tests/helpers/due_jobs.py"
        return set(self.run("python", str(script), *self.overlays, "--", *changes).stdout.splitlines())

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace text in a file; it must be there."""
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new))
