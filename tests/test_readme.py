"""The README's own examples, run as they stand."""

import json
import re

import pytest
import yaml

from workspace import PROJECT, Workspace

README = (PROJECT / "README.md").read_text(encoding="utf-8")


def blocks(heading: str, language: str) -> list[str]:
    """Code blocks of one language below a heading."""
    [section] = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", README, re.M | re.S)
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.M | re.S)


def test_one_model_without_snakemake(tmp_path):
    [commands] = blocks("One model, without Snakemake", "bash")
    study = Workspace.fresh(tmp_path)
    study.run("bash", "-euc", commands)
    measured = json.loads((tmp_path / "results/one/run/metrics.json").read_text())
    assert measured["models"]["last"]["accuracy"] > 0.2


def test_your_own_loss(finished, tmp_path):
    [code], [entry] = blocks("Your own loss", "python"), blocks("Your own loss", "yaml")
    study = finished.copy(tmp_path)
    name = re.match(r"# (\S+)\n", code)[1]
    (study.folder / name).write_text(code)
    assert study.stale() == set()
    study.edit("config/schema.yaml", "\n  sampler:\n    type: object", f"{entry}\n  sampler:\n    type: object")
    [use] = re.findall(r"and use it: `(\{.*?\}\})`", README)
    assert yaml.safe_load(use)["loss"]["kind"] == "poly1"
    study.edit("tiny.yaml", "contrasts: [[", f"  - {use}\ncontrasts: [[")
    trained = {job for job in study.stale() if job.startswith("Train")}
    assert trained == {"Train poly1 with seed 0", "Train poly1 with seed 1"}
    study.snakemake("--", "results/tiny/runs/poly1/seed0/metrics.json")


def test_an_overlay_of_your_own_resolves():
    from hardpair.config import resolve

    [overlay] = blocks("The study", "yaml")
    base = yaml.safe_load((PROJECT / "config/config.yaml").read_text())
    config = resolve(base | yaml.safe_load(overlay))
    assert [variant["name"] for variant in config["variants"]] == ["ce", "gamma1", "gamma3"]


def test_the_rule_graph_is_that_of_the_workflow(finished):
    [chart] = blocks("The study", "mermaid")
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", chart))
    shown = {(names[a], names[b]) for a, b in re.findall(r"(id\d+) --> (id\d+)", chart)}
    graph = finished.run("snakemake", "--rulegraph", "mermaid-js").stdout
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", graph))
    assert shown == {(names[a], names[b]) for a, b in re.findall(r"(id\d+) --> (id\d+)", graph)}


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?://)([^)]+)\)", README))
def test_links_lead_somewhere(target):
    assert (PROJECT / target).exists()
