"""The commands train and evaluate, called in this process on tiny generated images."""

import csv
import json
import sys

import numpy as np
import pytest
import torch

import evaluate
import train

torch.set_num_threads(1)
RECIPE = {"epochs": 3, "batch_size": 64, "learning_rate": 0.02, "refresh_every": 2}
SETTINGS = {"loss": {"kind": "focal", "scale": "dynamic"}, "sampler": {"kind": "focal"}, "precision": "fp32"}


def call(script, *arguments):
    """Run a script's ``main`` with these arguments."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [f"{script.__name__}.py", *map(str, arguments), "--gpus", "0"])
        script.main()


def train_into(folder, data, *arguments, settings=SETTINGS, recipe=RECIPE, split="split.json"):
    required = ("--settings", json.dumps(settings), "--recipe", json.dumps(recipe), "--output-dir", folder)
    call(train, "--data", data, "--split", data / split, *required, *arguments)
    return json.loads((folder / "run.json").read_text())


def evaluate_into(folder, run, data, *arguments, **settings):
    call(evaluate, "--run", run, "--data", data, "--settings", json.dumps(settings), "--output-dir", folder, *arguments)
    return json.loads((folder / "metrics.json").read_text()), np.load(folder / "predictions.npz")


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
