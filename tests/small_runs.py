"""Runs of a second on generated images, for tests of training."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from hardpair import dataset, loop
from hardpair.files import write_json
from hardpair.settings import Recipe
from hardpair.sources import synthetic

torch.set_num_threads(1)
CE, UNIFORM = {"kind": "cross_entropy"}, {"kind": "uniform"}
DFL = {"kind": "focal", "gamma": 2, "scale": "dynamic", "scale_over": "training", "scale_max": None, "detach_weight": False}
SAMPLER = {"kind": "focal", "gamma": 2, "unbias": 0, "factor_max": 100}
RECIPE = Recipe(
    epochs=4,
    batch_size=64,
    learning_rate=0.02,
    momentum=0.9,
    weight_decay=5e-4,
    lr_drops=(0.5, 0.8),
    lr_factor=0.1,
    dropout=0.5,
    refresh_every=2,
)


def prepared(folder: Path) -> Path:
    """Prepared data of 230 training images of 8×8 pixels, 200 of them to train on (three batches of 64 and one of 8)."""
    about, parts = synthetic.generate(train=230, test=100, size=8, separation=2.0)
    dataset.save(folder, {"kind": "synthetic", "name": "tiny"} | about, parts)
    order = np.random.default_rng(0).permutation(230)
    sha256 = json.loads((folder / "dataset.json").read_text())["sha256"]
    write_json(folder / "split.json", {"data_sha256": sha256, "training": order[:200].tolist(), "validation": order[200:].tolist()})
    return folder


def training_of(images, split, loss=CE, sampler=UNIFORM, seed=0, stop_after=None, **changes):
    return loop.Training(images, split, loss, sampler, replace(RECIPE, **changes), seed, "fp32", stop_after)


def course_of(*args, **changes):
    return training_of(*args, **changes).run()


def same_weights(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
