"""Config files and command lines that are wrong, or read otherwise by Snakemake, in real calls of it."""

import re

import pytest

from workspace import Workspace


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Workspace.fresh(tmp_path_factory.mktemp("wrong"))


def refusal(study, *options):
    """The last line of a call of Snakemake, which fails without a traceback."""
    done = study.run("snakemake", "--cores", "1", "--dry-run", *options, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_a_key_that_is_there_twice_is_refused_before_anything_is_planned(study):
    text = (study.folder / "tiny.yaml").read_text()
    line = text.count("\n") + 1
    (study.folder / "twice.yaml").write_text(f"{text}recipe: {{epochs: 3}}\n")
    expected = refusal(study, "--configfile", "twice.yaml")
    assert re.fullmatch(rf'twice\.yaml, line {line}: the key "recipe" is there twice, first in line \d+: remove one of them', expected)


def test_a_mistake_in_the_config_of_the_workflow_is_named_with_its_line(tmp_path):
    study = Workspace.fresh(tmp_path)
    study.edit("config/config.yaml", "study: cifar10\n", "study: cifar10\n\tseeds: [0]\n")
    assert re.fullmatch(r"config/config\.yaml, line \d+: a tab stands where YAML takes only spaces: replace it", refusal(study))


def test_two_options_of_which_snakemake_would_drop_one_are_refused(study):
    expected = refusal(study, "--configfile", "tiny.yaml", "--config", "seeds=[0]", "--config", "baseline=ce")
    assert expected.startswith("--config is given twice, but Snakemake uses only the last")


@pytest.mark.parametrize("cores", ["0", "-1"])
def test_no_cores_are_refused(study, cores):
    done = study.run("snakemake", "--cores", cores, "--configfile", "tiny.yaml", check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"--cores is {cores}, so that no job could ever start: give at least 1"


def test_a_misspelt_target_is_answered_with_the_nearest(study):
    expected = refusal(study, "--configfile", "tiny.yaml", "--", "results/tiny/figure/final.png")
    assert expected.endswith("did you mean results/tiny/figures/final.png?")


def test_what_is_planned_is_what_is_written(study):
    overlay = """
study: no
variants: &all
  - {name: on}
  - &one {name: off, loss: &loss {kind: focal, gamma: 1E0}}
  - {<<: *one, name: 2020-01-01, loss: {<<: *loss, gamma: .5}}
baseline: on
contrasts: [[2020-01-01, on]]
claims: []
search: {enabled: false}
recipe: {epochs: +2, learning_rate: 1e-3}
"""
    (study.folder / "odd.yaml").write_text("\ufeff" + overlay, encoding="utf-8")
    options = ("--configfile", "tiny.yaml", "odd.yaml", "--config", "seeds=[010]", "recipe={batch_size: 1_0}")
    planned = study.run("snakemake", "--cores", "1", "--dry-run", "--printshellcmds", *options).stdout
    assert set(re.findall(r"^Job \d+: Train (.+)$", planned, re.M)) == {f"{name} with seed 10" for name in ("on", "off", "2020-01-01")}
    assert "python workflow/scripts/train.py " in planned
    dated = [line for line in planned.splitlines() if "scripts/train.py " in line and re.search(r"--variant '?2020-01-01'? ", line)]
    assert dated
    assert all('"gamma":0.5' in command for command in dated)
    [command] = {line.strip() for line in planned.splitlines() if "scripts/select_recipe.py " in line}
    assert all(part in command for part in ('"learning_rate":0.001', '"batch_size":10', '"epochs":2', "results/no/"))


def test_status_names_the_line_of_what_snakemake_refuses_without_one(study):
    (study.folder / "tab.yaml").write_text("study: tab\n\tseeds: [0]\n")
    for name, expected in {
        "tab.yaml": "tab.yaml, line 2: a tab stands",
        "tiny.yml": "tiny.yml does not exist: did you mean tiny.yaml?",
    }.items():
        done = study.run("make", "--silent", "--old-file=setup", "status", f"CONFIG={name}", check=False)
        assert f"study.py: {expected}" in done.stderr


def test_what_is_refused_when_a_study_starts_is_one_sentence_and_leaves_no_lock(tmp_path):
    study = Workspace.fresh(tmp_path)
    (tmp_path / "other.yaml").write_text("network: {kind: torchvision, name: resnet81}\n")
    done = study.run("snakemake", "--cores", "1", "--configfile", "tiny.yaml", "other.yaml", check=False)
    sentence = 'variant ce: network.name is "resnet81", which torchvision has no classifier of: did you mean resnet18?'
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, sentence)
    assert not list(tmp_path.glob(".snakemake/locks/*"))
    assert not (tmp_path / "results/tiny/runs").exists()
