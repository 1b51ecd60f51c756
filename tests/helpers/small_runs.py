"""Runs of a second on the images of the fixtures ``small_images`` and ``small_split``, for tests of training."""

from dataclasses import replace

import torch

from hardpair.config.schema import CNN
from hardpair.training import loop
from hardpair.training.recipe import Recipe, RunSettings

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


def training_of(images, split, loss=CE, sampler=UNIFORM, seed=0, stop_after=None, network=CNN, observed=True, **changes):
    settings = RunSettings(loss, sampler, replace(RECIPE, **changes), network=network)
    return loop.Training(images, split, settings, seed, stop_after, observed)


def history_of(*args, **changes):
    return training_of(*args, **changes).run()


def same_weights(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
