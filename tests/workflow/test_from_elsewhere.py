"""The workflow from another folder than its own: by --snakefile, by --directory, and as a module of another workflow."""

import json

import pytest
import yaml

from workspace import TINY, Workspace

NOTHING = "Nothing to be done"
LOSS = """
from hardpair.losses import ImageLoss


class Loss(ImageLoss):
    def forward(self, logits, labels):
        return 2 * (logits.logsumexp(1) - logits.gather(1, labels[:, None])[:, 0])
"""
MODULE = """
configfile: "config/config.yaml"

rule all:
    input:
        "answer.md"

module hardpair:
    snakefile: "{workflow}"
    config: config["hardpair"]

use rule * from hardpair as hardpair_*

rule answer:
    input:
        "results/tiny/comparison.md"
    output:
        "answer.md"
    shell:
        "cp {{input}} {{output}}"

onstart:
    hardpair.onstart()

onsuccess:
    hardpair.onsuccess()

onerror:
    hardpair.onerror()
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The project in a folder of its own, whose name is no plain word."""
    return Workspace.fresh(tmp_path_factory.mktemp("a clone of ")).folder


@pytest.fixture
def results(finished, tmp_path):
    """A finished study without the project that made it: results, images and its overlay."""
    return finished.copy_results(tmp_path)


def test_results_of_a_clone_that_was_moved_stay_fresh_and_are_worked_on_from_elsewhere(results, clone):
    done = results.snakemake("--snakefile", str(clone / "Snakefile"), "--dry-run")
    assert NOTHING in done.stdout + done.stderr
    assert results.stale("--snakefile", str(clone / "Snakefile"), "--forcerun", "assemble_figure") == {
        "Assemble the final figure",
        "Write the report",
    }


def test_a_working_directory_can_be_named(results, clone):
    done = Workspace(clone).run(
        *("snakemake", "--dry-run", "--directory", str(results.folder), "--configfile", str(results.folder / "tiny.yaml"))
    )
    assert NOTHING in done.stdout + done.stderr


def test_another_workflow_can_use_it_as_a_module(clone, tmp_path):
    """From its own folder, with its own config, and with a loss of its own; its default target stays."""
    study = yaml.safe_load(TINY) | {"seeds": [0], "search": {"enabled": False}, "plugins": ["own.py"], "contrasts": [["dfl", "ce"]]}
    study["recipe"]["epochs"] = 1
    study["variants"] = [{"name": "ce"}, {"name": "dfl", "loss": {"kind": "own"}}]
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text(yaml.safe_dump({"other": 1, "hardpair": study}))
    (tmp_path / "own.py").write_text(LOSS)
    (tmp_path / "Snakefile").write_text(MODULE.format(workflow=clone / "workflow/Snakefile"))
    other = Workspace(tmp_path)
    done = other.run("snakemake", "--cores", "2")
    assert "study tiny: 2 of 2 runs to train" in done.stderr
    assert (tmp_path / "answer.md").exists()
    assert "table:  results/tiny/comparison.md" in done.stderr, "onsuccess was called"
    assert json.loads((tmp_path / "results/tiny/runs/dfl/seed0/run.json").read_text())["settings"]["loss"] == {"kind": "own"}
    assert (tmp_path / "results/tiny/registration.json").exists(), "onstart was called"
    done = other.run("snakemake", "--dry-run")
    assert NOTHING in done.stdout + done.stderr
    assert "Compare the runs" in other.run("snakemake", "--dry-run", "--forcerun", "hardpair_compare").stdout
    snakefile = (tmp_path / "Snakefile").read_text()
    (tmp_path / "Snakefile").write_text(snakefile.replace("    config: ", '    prefix: "p"\n    config: '))
    done = other.run("snakemake", "--dry-run", check=False)
    assert done.returncode != 0
    assert "module: prefix and replace_prefix are not supported" in done.stderr
