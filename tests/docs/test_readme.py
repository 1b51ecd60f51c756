"""The examples of the README and of the pages that it sends readers to first, run as they stand."""

import itertools
import json
import re
from pathlib import Path

import pytest
import yaml

from hardpair.files import paths
from workspace import PROJECT, Workspace

README = (PROJECT / "README.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """Code blocks of one language on a page."""
    text = (PROJECT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def test_one_model_without_snakemake(tmp_path):
    [commands] = blocks("one-model", "bash")
    study = Workspace.fresh(tmp_path)
    study.run("bash", "-euc", commands)
    measured = json.loads((tmp_path / "results/one/run/metrics.json").read_text())
    assert measured["models"]["last"]["accuracy"] > 0.2


def test_your_own_loss(finished, tmp_path):
    [code], [use, _] = blocks("own-loss", "python"), blocks("own-loss", "yaml")
    study = finished.copy(tmp_path)
    (study.folder / re.match(r"# (\S+)\n", code)[1]).write_text(code)
    use = yaml.safe_load(use)
    study.edit("tiny.yaml", "contrasts: [[", f"  - {json.dumps(use['variants'][1])}\nplugins: {use['plugins']}\ncontrasts: [[")
    trained = {job for job in study.stale() if job.startswith("Train")}
    assert trained == {"Train poly1 with seed 0", "Train poly1 with seed 1"}
    study.snakemake("--", "results/tiny/runs/poly1/seed0/run.json")
    record = json.loads((study.folder / "results/tiny/runs/poly1/seed0/run.json").read_text())
    assert record["settings"]["loss"] == {"kind": "poly1", "epsilon": 2}
    study.edit("poly1.py", "1 - torch.exp", "2 - torch.exp")
    assert "Train poly1 with seed 0" in study.stale("--", "results/tiny/runs/poly1/seed0/run.json")


@pytest.mark.parametrize(("page", "variant"), [("running", "gamma3"), ("own-loss", "poly1")])
def test_an_overlay_of_your_own_stands_by_itself(page, variant, tmp_path, monkeypatch):
    from hardpair import plugins
    from hardpair.config.resolve import resolve
    from hardpair.config.written import overlaid

    monkeypatch.chdir(tmp_path)
    for code in blocks(page, "python"):
        Path(re.match(r"# (\S+)\n", code)[1]).write_text(code)
    studies = ["cifar10"]
    for overlay in map(yaml.safe_load, blocks(page, "yaml")):
        config = resolve(overlaid(yaml.safe_load((PROJECT / "config/config.yaml").read_text()), overlay))
        plugins.use([])
        assert config["variants"][-1]["name"] == variant
        assert config["study"] == overlay["study"]
        assert config["study"] not in studies, "its results are not to mix with those of another study"
        studies.append(config["study"])
    assert len(studies) > 1


def follows(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which node can be reached from which."""
    while more := {(a, d) for a, b in edges for c, d in edges if b == c} - edges:
        edges = edges | more
    return edges


def test_the_rule_graph_is_that_of_the_workflow(finished):
    """It shows each rule after those that it needs; edges that follow from others are left out."""
    [chart] = blocks("running", "mermaid")
    shown = set()
    for line in chart.splitlines()[1:]:
        chain = [part.split(" & ") for part in re.split(" <?--> ", line.strip())]
        shown |= {(a, b) for before, after in itertools.pairwise(chain) for a in before for b in after}
        shown |= {(b, a) for a, b in re.findall(r"(\w+) <--> (\w+)", line)}
    graph = finished.run("snakemake", "--rulegraph", "mermaid-js").stdout
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", graph))
    edges = {(names[a], names[b]) for a, b in re.findall(r"(id\d+) --> (id\d+)", graph) if names[b] != "all"}
    assert follows(shown) == follows(edges)


def test_it_is_short_and_its_pictures_are_small():
    assert len(README.split()) <= 900
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (PROJECT / picture).stat().st_size < 300_000


def test_what_the_demo_prints_is_what_it_shows():
    shown = re.search(r"and the results:\n\n```\n(.*?)```", README, re.S)[1]
    lines = [f"{f'{name}:':<8}results/demo/{file}" for name, file in paths.RESULT.items()]
    assert shown.splitlines() == [*lines, "runs:   make runs STUDY=demo"]


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?://)([^)]+)\)", README))
def test_links_lead_somewhere(target):
    assert (PROJECT / target.partition("#")[0]).exists()
