"""The README's command on four GPUs: four jobs at once, each on a device of its own."""

import pandas as pd

from workspace import Workspace

DEVICES = {f"GPU-four-{letter}" for letter in "abcd"}  # names that no machine has, so that all is computed on the CPU
STUDY = """
study: four
data: {kind: synthetic, name: synthetic, validation: 100, synthetic: {train: 300, test: 100, size: 8}}
plugins: [meeting.py]
variants:
  - {name: ce, loss: {kind: meeting}}
  - {name: dfl, loss: {kind: meeting, gamma: 2}}
  - {name: ce_sampler, loss: {kind: meeting}, sampler: {kind: focal, gamma: 2}}
  - {name: dfl_sampler, loss: {kind: meeting, gamma: 2}, sampler: {kind: focal, gamma: 2}}
seeds: [0]
recipe: {epochs: 1}
search: {rounds: 1, batch: 4, epochs: 1}
"""
# Training begins when four jobs of the same script are there, which none could see if fewer ran at once.
MEETING = """
import os, sys, time
from pathlib import Path
import torch.nn.functional as F
from hardpair.losses import ImageLoss

class Loss(ImageLoss):
    def __init__(self, counts, gamma=0):
        super().__init__(counts)
        self.gamma = gamma
        if Path(sys.argv[0]).stem == "try_plugins":
            return
        place = Path("meeting", Path(sys.argv[0]).stem)
        place.mkdir(parents=True, exist_ok=True)
        (place / str(os.getpid())).write_text(os.environ["CUDA_VISIBLE_DEVICES"])
        until = time.monotonic() + 120
        while len(list(place.iterdir())) < 4:
            if time.monotonic() > until:
                raise RuntimeError("fewer than four jobs are at work at once")
            time.sleep(0.05)

    def forward(self, logits, labels):
        cross_entropy = F.cross_entropy(logits, labels, reduction="none")
        return (1 - (-cross_entropy).exp()) ** self.gamma * cross_entropy
"""


def test_the_command_of_the_readme_fills_four_gpus_with_distinct_jobs(tmp_path):
    study = Workspace.fresh(tmp_path)
    (tmp_path / "four.yaml").write_text(STUDY)
    (tmp_path / "meeting.py").write_text(MEETING)
    study.edit("workflow/scripts/hardpair/device.py", "        gpu.give_back()\n", "")  # a job on a GPU holds it to its end
    visible = f"CUDA_VISIBLE_DEVICES={','.join(sorted(DEVICES))}"
    command = ["snakemake", "--cores", "4", "--resources", "gpu=4", "--configfile", "four.yaml"]
    study.run("env", visible, *command, "--", "results/four/comparison.md")  # figures and report take no GPU
    for script in ("run_trial", "train"):
        devices = [path.read_text() for path in (tmp_path / "meeting" / script).iterdir()]
        assert len(devices) == 4
        assert set(devices) == DEVICES, script
    results = tmp_path / "results" / "four"
    assert len(list(results.glob("runs/*/seed0/metrics.json"))) == 4
    assert pd.read_csv(results / "runs.csv")["variant"].nunique() == 4
