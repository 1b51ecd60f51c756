"""Training on a GPU against the same training on the CPU; skipped where there is none."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hardpair import plugins
from hardpair.config.schema import CNN
from hardpair.device import configure
from hardpair.training import checkpoint, loop
from hardpair.training.images import load_images, load_split
from hardpair.training.recipe import Recipe, RunSettings
from prepared_data import prepare

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
RECIPE = Recipe(4, 64, 0.02, 0.9, 5e-4, lr_drops=(0.5,), lr_factor=0.1, dropout=0.5, refresh_every=2)
CE, UNIFORM = {"kind": "cross_entropy"}, {"kind": "uniform"}
DFL = {"kind": "focal", "gamma": 2, "scale": "dynamic", "scale_over": "training", "scale_max": None, "detach_weight": False}
SAMPLER = {"kind": "focal", "gamma": 2, "unbias": 0, "factor_max": 100}

WAITS = """
import torch.nn.functional as F
from hardpair.losses import ImageLoss

class Loss(ImageLoss):
    def forward(self, logits, labels):
        values = F.cross_entropy(logits, labels, reduction="none")
        return values * (2 if values.mean().item() > 2 else 1)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Prepared data of 1,030 training images, 1,000 of them to train on (fifteen batches of 64 and one of 40)."""
    return prepare(tmp_path_factory.mktemp("data"), training=1000, validation=30, size=32)


def trained(folder, device, loss=CE, sampler=UNIFORM, precision="fp32", captured=True, deterministic=True, network=CNN, **recipe):
    device = torch.device(device)
    configure(device, 1, deterministic)
    images, split = load_images(folder, "train", device), load_split(folder / "split.json", folder)
    training = loop.Training(images, split, RunSettings(loss, sampler, replace(RECIPE, **recipe), precision, network=network), 0)
    if not captured:
        training.take_step = training.eager_step
    history = training.run()
    assert not captured or training.take_step.replay is not None
    return history


@pytest.mark.parametrize(("loss", "sampler"), [(CE, UNIFORM), (DFL, UNIFORM), (CE, SAMPLER), (DFL, SAMPLER)])
def test_captured_steps_train_as_eager_ones_with_dropout_and_as_the_cpu_without(folder, loss, sampler):
    def losses(device, **options):
        return [row["train_loss"] for row in trained(folder, device, loss, sampler, **options).epochs]

    np.testing.assert_allclose(losses("cuda"), losses("cuda", captured=False), rtol=1e-5)
    np.testing.assert_allclose(losses("cuda", dropout=0.0), losses("cpu", captured=False, dropout=0.0), rtol=1e-2)


@pytest.mark.parametrize("network", ["cnn", "resnet18"])
def test_captured_steps_of_other_recipes_and_networks_train_as_eager_ones(folder, network):
    """Rates that change from step to step, counts of steps and statistics of batches lie where a captured step finds them."""
    recipe = {"optimizer": "adamw", "learning_rate": 0.001, "schedule": "cosine", "warmup_epochs": 1, "clip_gradient": 1.0, "epochs": 2}
    first, second = (trained(folder, "cuda", captured=captured, network={"kind": network}, **recipe) for captured in (True, False))
    np.testing.assert_allclose(*([row["train_loss"] for row in history.epochs] for history in (first, second)), rtol=1e-3)
    statistics = [name for name in first.last if name.endswith("num_batches_tracked")]
    assert all(torch.equal(first.last[name], second.last[name]) for name in statistics)
    assert len(statistics) == (20 if network == "resnet18" else 0)


def test_a_loss_that_waits_for_the_device_trains_eagerly(folder, tmp_path, capsys):
    (tmp_path / "waits.py").write_text(WAITS)
    plugins.use([tmp_path / "waits.py"])
    try:
        eager = trained(folder, "cuda", {"kind": "waits"}, captured=False)
        device = torch.device("cuda")
        images, split = load_images(folder, "train", device), load_split(folder / "split.json", folder)
        training = loop.Training(images, split, RunSettings({"kind": "waits"}, UNIFORM, RECIPE), 0)
        history = training.run()
    finally:
        plugins.use([])
    assert training.take_step.refused
    assert capsys.readouterr().err.count("cannot be captured") == 1
    assert history.epochs == eager.epochs


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_captured_steps_train_as_eager_ones_where_cudnn_takes_its_fastest_algorithms(folder, precision):
    """The default, in which bits may differ from run to run."""
    runs = [trained(folder, "cuda", DFL, SAMPLER, precision, captured, deterministic=False, dropout=0.0) for captured in (True, False)]
    first, second = ([row["train_loss"] for row in history.epochs] for history in runs)
    np.testing.assert_allclose(first, second, rtol=0.02)


def test_deterministic_runs_are_the_same_to_the_bit(folder):
    first, second = (trained(folder, "cuda", DFL, SAMPLER, "bf16") for _ in range(2))
    assert first.epochs == second.epochs
    assert all(torch.equal(first.last[name], second.last[name]) for name in first.last)


def test_a_saved_state_resumes_to_the_same_bits(folder):
    device = torch.device("cuda")
    configure(device, 1, True)
    images, split = load_images(folder, "train", device), load_split(folder / "split.json", folder)
    states = []
    first, again = (loop.Training(images, split, RunSettings(DFL, SAMPLER, RECIPE, "bf16"), 0) for _ in range(2))
    uninterrupted = first.run(after_step=lambda training: states.append(checkpoint.state_of(training)))
    checkpoint.restore(again, *states[21])
    history = again.run()
    assert history.epochs == uninterrupted.epochs
    assert all(torch.equal(history.last[name], uninterrupted.last[name]) for name in uninterrupted.last)
