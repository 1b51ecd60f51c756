"""The arguments that the command `hardpair` passes on."""

import os
import sys

import pytest

from hardpair.cli import main as main_module
from workspace import PROJECT


@pytest.fixture
def passed_on(tmp_path, monkeypatch):
    """Runs ``hardpair snakemake`` with these words in an empty folder, and returns the words that Snakemake gets."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        executed = []
        monkeypatch.setattr(sys, "argv", ["hardpair", "snakemake", *words])
        monkeypatch.setattr(os, "execv", lambda program, command: executed.append(command))
        monkeypatch.setenv("PATH", os.environ["PATH"])  # main changes it
        main_module.main()
        [[_, *command]] = executed
        assert command[:4] == ["-m", "snakemake", "--snakefile", str(PROJECT / "Snakefile")]
        return command[4:]

    return run


def test_files_of_the_workflow_are_found_by_their_short_names(passed_on):
    demo, slurm = str(PROJECT / "config/demo.yaml"), str(PROJECT / "profiles/slurm")
    assert passed_on("--configfile", "config/demo.yaml", "--profile", "profiles/slurm") == ["--configfile", demo, "--profile", slurm]
    assert passed_on("--configfile=config/demo.yaml", "--profile=profiles/slurm") == [f"--configfile={demo}", f"--profile={slurm}"]


def test_other_words_stay_as_they_are(passed_on, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/demo.yaml").touch()  # of the folder itself, which comes first
    words = ["--configfile=config/demo.yaml", "config/gone.yaml", "-n", "--cores=2", "--config", "study=config/fair.yaml", "--", "all"]
    assert passed_on(*words) == words
