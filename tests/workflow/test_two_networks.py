"""One study whose variants have other networks: it runs, compares, and predicts with each."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from workspace import Workspace

STUDY = """
study: tiny
data: {kind: synthetic, name: synthetic, validation: 60, synthetic: {train: 200, test: 100, size: 8}}
plugins: [narrow.py]
network: {kind: narrow}
baseline: own
variants:
  - {name: own}
  - {name: own_dfl, loss: {kind: focal, gamma: 2, scale: dynamic}}
  - {name: plain, network: {kind: cnn}}
  - {name: resnet, network: {kind: resnet18}, recipe: {optimizer: adamw, learning_rate: 0.001, schedule: cosine, warmup_epochs: 0.5}}
contrasts: [[own_dfl, own], [resnet, plain]]
claims: []
seeds: [0]
recipe: {epochs: 2, refresh_every: 1, batch_size: 139} # 140 images to train on: one is left over
search: {enabled: false}
"""
NETWORK = """
import torch.nn.functional as F
from torch import nn


class Network(nn.Module):
    def __init__(self, classes, size, width=4):
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width)
        self.last = nn.Linear(width, classes)

    def forward(self, images):
        return self.last(F.relu(self.norm(self.convolution(images))).mean((2, 3)))
"""

TABLES = ("--", "results/tiny/comparison.md")


def test_variants_of_one_study_may_have_other_networks(tmp_path):
    study = Workspace.fresh(tmp_path)
    (tmp_path / "tiny.yaml").write_text(STUDY)
    (tmp_path / "narrow.py").write_text(NETWORK.replace("return self.last(", "return self.lost("))
    refused = study.snakemake(check=False)
    assert "variant own: narrow.py, line 13: AttributeError" in refused.stdout + refused.stderr
    assert not (tmp_path / "results/tiny/runs").exists()
    (tmp_path / "narrow.py").write_text(NETWORK)
    study.snakemake(*TABLES)
    results = tmp_path / "results/tiny"
    records = {path.parent.parent.name: json.loads(path.read_text()) for path in results.glob("runs/*/*/run.json")}
    networks = {name: record["settings"].get("network") for name, record in records.items()}
    own = {"kind": "narrow", "width": 4}
    assert networks == {"own": own, "own_dfl": own, "plain": None, "resnet": {"kind": "resnet18"}}
    assert records["resnet"]["parameters"] == 11_173_962
    table = pd.read_csv(results / "runs.csv").drop_duplicates("variant").set_index("variant")
    assert table["network.kind"].fillna("").to_dict() == {"own": "narrow", "own_dfl": "narrow", "plain": "", "resnet": "resnet18"}
    assert "; networks narrow, cnn, resnet18." in (results / "comparison.md").read_text()
    assert study.stale(*TABLES) == set()
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "black.png")
    command = ["python", "workflow/scripts/predict.py", "--json", "--top", "10", "--run", "results/tiny/runs/own/seed0", "black.png"]
    assert "name its file with --plugins" in study.run(*command, check=False).stderr
    [predicted] = json.loads(study.run(*command, "--plugins", "narrow.py").stdout)
    assert sum(entry["probability"] for entry in predicted["classes"]) == pytest.approx(1)
    study.edit("narrow.py", "F.relu(", "F.gelu(")
    assert {job for job in study.stale() if job.startswith("Train")} == {"Train own with seed 0", "Train own_dfl with seed 0"}
    study.edit("narrow.py", "F.gelu(", "F.relu(")
    study.edit("tiny.yaml", "network: {kind: narrow}", "network: {kind: narrow, width: 4}")
    assert not {job for job in study.stale() if job.startswith(("Train", "Evaluate"))}, "the default, written out"
