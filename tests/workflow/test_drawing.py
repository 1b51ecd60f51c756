"""The drawing of a study's steps."""

import json
import shutil
import subprocess

import numpy as np
import pytest

import draw_dag

PHASES = {"split_data": "data", "train ce": "train", "train dfl": "train", "train ce_sampler": "train", "train dfl_sampler": "train"}
PHASES |= {"evaluate": "evaluate", "compare": "evaluate", "plot_figure": "report", "write_report": "report"}
EDGES = {("evaluate", "compare"), ("evaluate", "plot_figure"), ("compare", "write_report"), ("plot_figure", "write_report")}
EDGES |= {edge for step in PHASES if step.startswith("train ") for edge in (("split_data", step), (step, "evaluate"))}


@pytest.mark.parametrize("target", ["all", "catalog_default"])
def test_what_only_needs_others_is_no_step(target):
    jobs = f"flowchart TB\n    id0[{target}]\n    id1[write_report]\n    id2[train\\nvariant: ce]\n    id2 --> id1\n    id1 --> id0\n"
    assert draw_dag.steps_of(jobs) == ({"train ce": "train", "write_report": "report"}, {("train ce", "write_report")})


@pytest.mark.skipif(not shutil.which("dot"), reason="graphviz is not installed")
def test_no_arrow_crosses_the_title_of_a_frame():
    drawing = draw_dag.drawn(PHASES, EDGES, dot=True)
    graph = json.loads(subprocess.run(["dot", "-Tjson"], input=drawing, capture_output=True, text=True, check=True).stdout)
    titles = [node for node in graph["objects"] if node["name"].startswith("title_")]
    assert {node["label"] for node in titles} == set(PHASES.values())
    assert not [frame for frame in graph["objects"] if frame["name"].startswith("cluster") and frame.get("label")]
    assert len(graph["edges"]) == len(EDGES)
    share = np.linspace(0, 1, 50)[:, None]
    for edge in graph["edges"]:
        end, *points = (np.array(point.removeprefix("e,").split(","), float) for point in edge["pos"].split(" "))
        parts = zip(points[:-3:3], points[1::3], points[2::3], points[3::3], strict=True)
        line = np.concatenate([a * (1 - share) ** 3 + 3 * b * share * (1 - share) ** 2 + 3 * c * share**2 * (1 - share) + d * share**3
                               for a, b, c, d in parts])  # fmt: skip
        for node in titles:
            middle = np.array(node["pos"].split(","), float)
            half = 36 * np.array([float(node["width"]), float(node["height"])])
            assert not (np.abs(np.vstack([line, end]) - middle) < half).all(1).any(), node["label"]
