"""Networks other than the study's: what they compute, and that training, checkpoints and saved models hold all of them."""

import json
import re
import subprocess
import sys
from collections import OrderedDict

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torchvision import models

from hardpair import networks, plugins
from hardpair.errors import UserError
from hardpair.training import checkpoint, model, saved_model
from hardpair.training.batches import Batches
from hardpair.training.inference import infer
from hardpair.training.network_contract import try_network
from in_process import RECIPE, evaluate_into, train_into
from small_runs import CE, same_weights, training_of
from workspace import PROJECT

RESNET, CONVNEXT = {"kind": "resnet18"}, {"kind": "torchvision", "name": "convnext_tiny"}
LDAM = {"kind": "ldam", "margin_max": 0.5, "scale": 30, "defer": 0.5, "beta": 0.999}
OWN = """
import torch.nn.functional as F
from torch import nn


class Network(nn.Module):
    def __init__(self, classes, size, width=4):
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width)
        self.dropout, self.last = nn.Dropout(0.3), nn.Linear(width, classes)

    def forward(self, images):
        x = F.relu(self.norm(self.convolution(images)))
        return self.last(self.dropout(x.mean((2, 3))))
"""


@pytest.fixture
def own(tmp_path):
    """A small network of one's own with BatchNorm and dropout."""
    path = tmp_path / "narrow.py"
    path.write_text(OWN)
    plugins.use([path])
    yield {"kind": "narrow", "width": 4}
    plugins.use([])


def test_resnet18_is_the_network_of_he_et_al_for_small_pictures():
    network, images = model.build(10, 32, 0.5, seed=3, network=RESNET), torch.randn(2, 3, 32, 32)
    assert sum(parameter.numel() for parameter in network.parameters()) == 11_173_962 == model.parameter_count(RESNET, 10, 32)
    with torch.no_grad():
        for buffer in network.buffers():
            if buffer.dim():
                buffer.uniform_(0.5, 1.5)
    state = network.eval().state_dict()

    def normalised(x, name):
        return F.batch_norm(x, *(state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")))

    def block(x, name, stride):
        inner = F.relu(normalised(F.conv2d(x, state[f"{name}.conv1.weight"], stride=stride, padding=1), f"{name}.bn1"))
        inner = normalised(F.conv2d(inner, state[f"{name}.conv2.weight"], padding=1), f"{name}.bn2")
        if f"{name}.downsample.0.weight" in state:
            x = normalised(F.conv2d(x, state[f"{name}.downsample.0.weight"], stride=stride), f"{name}.downsample.1")
        return F.relu(x + inner)

    x = F.relu(normalised(F.conv2d(images, state["conv1.weight"], padding=1), "bn1"))
    for stage, stride in ((1, 1), (2, 2), (3, 2), (4, 2)):
        x = block(block(x, f"layer{stage}.0", stride), f"layer{stage}.1", 1)
    with torch.no_grad():
        torch.testing.assert_close(network(images), F.linear(x.mean((2, 3)), state["fc.weight"], state["fc.bias"]))
    assert x.shape[-1] == 4, "no pooling behind the first convolution"
    spread = network.conv1.weight.std().item()
    assert spread == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.1), "Kaiming's, over the outputs"


@pytest.mark.parametrize("name", ["convnext_tiny", "vit_b_16", "mobilenet_v3_small"])
def test_a_classifier_of_torchvision_is_that_of_its_name(name):
    settings, options = {"kind": "torchvision", "name": name}, {"image_size": 32} if name == "vit_b_16" else {}
    ours = model.build(7, 32, 0.5, seed=5, network=settings)
    torch.manual_seed(model.derive(5, "initialisation"))
    theirs = models.get_model(name, num_classes=7, **options)
    assert same_weights(OrderedDict((f"network.{key}", value) for key, value in theirs.state_dict().items()), ours.state_dict())
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(ours.eval()(images), theirs.to(memory_format=torch.channels_last).eval()(images))


def test_a_loss_of_cosines_replaces_the_last_linear_layer():
    plain, cosines = (model.build(7, 32, 0.5, seed=5, cosine_scale=scale, network=RESNET) for scale in (None, 30))
    torch.testing.assert_close(cosines.fc.weight, F.normalize(plain.fc.weight))
    assert torch.equal(plain.layer4[1].conv2.weight, cosines.layer4[1].conv2.weight)
    with torch.no_grad():
        assert cosines.eval()(torch.randn(3, 3, 32, 32)).abs().max() <= 30
    with pytest.raises(UserError, match=r"needs a network with a last nn\.Linear of 7 outputs, which this one lacks"):
        model.build(7, 64, 0.5, seed=0, cosine_scale=30, network={"kind": "torchvision", "name": "squeezenet1_1"})


def test_an_image_that_is_left_over_joins_the_step_before_where_batches_are_normalised(small_images, small_split, own):
    split = small_split | {"training": small_split["training"][:193]}
    sizes = {kind: training_of(small_images, split, network={"kind": kind}).batches.sizes for kind in ("cnn", "resnet18")}
    assert sizes == {"cnn": [64, 64, 64, 1], "resnet18": [64, 64, 65]}
    training = training_of(small_images, split, network=own, epochs=2)
    seen, next_batch = [], training.batches.next_batch

    def taken(size):
        images, labels, factors = next_batch(size)
        seen.append(labels)
        return images, labels, factors

    training.batches.next_batch = taken
    history = training.run()
    assert [len(labels) for labels in seen] == [64, 64, 65] * 2
    every = small_images.labels[split["training"]].sort().values
    assert torch.equal(torch.cat(seen[:3]).sort().values, every)
    assert all(0 < row["train_loss"] < 10 for row in history.epochs)
    assert Batches(small_images, 1, 64, False, single=False).sizes == [1]


def test_a_run_is_the_plain_loop_with_batchnorm_and_dropout(small_images, small_split, own):
    ours, twin = (training_of(small_images, small_split, network=own, epochs=2, refresh_every=1) for _ in range(2))
    optimiser = torch.optim.SGD(twin.network.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
    state, history = torch.get_rng_state(), ours.run()
    torch.set_rng_state(state)
    for epoch in range(2):
        twin.draw_epoch()
        for group in optimiser.param_groups:
            group["lr"] = (0.02, 0.002)[epoch]
        for size in twin.batches.sizes:
            images, labels, _ = twin.batches.next_batch(size)
            optimiser.zero_grad()
            F.cross_entropy(twin.network.train()(images), labels).backward()
            optimiser.step()
            twin.batches.record(torch.zeros(()), torch.tensor(0), size)
    expected = twin.network.state_dict()
    assert expected.keys() == history.last.keys() == history.best.keys()
    for name, value in expected.items():
        torch.testing.assert_close(history.last[name], value, rtol=1e-4, atol=1e-6)
    assert history.last["norm.num_batches_tracked"] == 2 * 4, "none of a refresh or of validation"


def test_inference_changes_no_statistics_and_drops_nothing(small_images, small_split, own):
    training = training_of(small_images, small_split, network=own)
    before = {name: value.clone() for name, value in training.network.state_dict().items()}
    first, again = (infer(training.network, small_images, torch.arange(30), "fp32") for _ in range(2))
    assert torch.equal(first, again)
    assert same_weights(before, training.network.state_dict())
    assert training.network.training


@pytest.mark.parametrize("recipe", [{}, {"optimizer": "adamw", "learning_rate": 0.001, "warmup_epochs": 0.5, "schedule": "cosine"}])
def test_a_saved_state_leads_to_the_same_bits_from_every_pause(small_images, small_split, own, tmp_path, recipe):
    states = []

    def new():
        return training_of(small_images, small_split, network=own, **{"epochs": 2, **recipe})

    whole = new().run(after_step=lambda training: states.append(checkpoint.state_of(training)))
    assert len(states) > 8
    for state in states[::2]:
        checkpoint.save(tmp_path / "state", "mine", *state)
        again = new()
        checkpoint.restore(again, *checkpoint.load(tmp_path / "state", "mine"))
        history = again.run()
        assert history.epochs == whole.epochs
        assert same_weights(history.last, whole.last)
        assert same_weights(history.best, whole.best)


def test_a_part_that_a_constructor_puts_into_evaluation_mode_is_in_training_mode_from_the_first_step(small_images, small_split, tmp_path):
    """Not only from the first inference, which a resumed run has later."""
    source = "from hardpair.networks.cnn import Network as Cnn\n\n\nclass Network(Cnn):\n    def __init__(self, classes, size):\n"
    (tmp_path / "frozen.py").write_text(f"{source}        super().__init__(classes, size, 0.5)\n        self.eval()\n")
    plugins.use([tmp_path / "frozen.py"])
    training = training_of(small_images, small_split, network={"kind": "frozen"})
    assert all(part.training for part in training.network.modules())
    plugins.use([])


def test_the_outline_of_a_network_whose_constructor_needs_values_has_its_shapes(tmp_path):
    source = "import numpy as np\nfrom torch import nn\n\n\nclass Network(nn.Module):\n    def __init__(self, classes, size):\n"
    source += "        super().__init__()\n        self.last = nn.Linear(4, classes)\n        np.abs(self.last.weight.detach().numpy())\n"
    (tmp_path / "svd.py").write_text(source)
    plugins.use([tmp_path / "svd.py"])
    assert model.parameter_count({"kind": "svd"}, 5, 8) == 25
    plugins.use([])


@pytest.mark.parametrize("loss", [CE, LDAM], ids=["linear", "cosines"])
def test_a_trained_network_is_saved_evaluated_and_loaded_again(trained_data, tmp_path, loss):
    settings = {"loss": loss, "network": RESNET, "precision": "fp32"}
    record = train_into(tmp_path, trained_data, settings=settings, recipe=RECIPE | {"epochs": 1})
    assert record["settings"]["network"] == RESNET
    assert record["versions"]["torchvision"].startswith("0.")
    assert record["parameters"] == 11_173_962 - 10 * (loss is LDAM)
    _, arrays = evaluate_into(tmp_path, tmp_path, trained_data)
    network = saved_model.load(tmp_path, "last", record)
    assert isinstance(network, models.ResNet)
    pixels = np.load(trained_data / "test/images.npy")[:20]
    mean, std = (torch.tensor(record[key]).view(3, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        logits = network((torch.from_numpy(pixels) / 255 - mean) / std)
    np.testing.assert_allclose(arrays["last"][:20], logits, rtol=1e-3, atol=1e-3)
    for wrong in ({"kind": "cnn"}, CONVNEXT):
        with pytest.raises(UserError, match=r"is not the model of run\.json"):
            saved_model.load(tmp_path, "last", record | {"settings": {"network": wrong}})


def test_a_network_of_ones_own_is_loaded_by_its_file(trained_data, tmp_path):
    path, run = tmp_path / "narrow.py", tmp_path / "run"
    path.write_text(OWN)
    settings = {"network": {"kind": "narrow", "width": 5}, "precision": "fp32"}
    record = train_into(run, trained_data, "--plugins", path, settings=settings, recipe=RECIPE | {"epochs": 1})
    assert record["parameters"] == 3 * 9 * 5 + 5 + 2 * 5 + 5 * 10 + 10
    metrics, arrays = evaluate_into(tmp_path / "out", run, trained_data, "--plugins", path)
    labels = np.load(trained_data / "test/labels.npy")
    assert metrics["models"]["last"]["accuracy"] == pytest.approx((arrays["last"].argmax(1) == labels).mean())
    plugins.use([])
    with pytest.raises(UserError, match="was trained with the network narrow of your own: name its file with --plugins"):
        saved_model.load(run, "last", record)


def test_torchvision_is_imported_only_where_it_is_asked_for(trained_data, tmp_path):
    code = (
        "import sys, torch; torch.set_num_threads(1); import train; train.main(); "
        "print('torchvision' in sys.modules, 'torch._dynamo' in sys.modules)"
    )

    def loaded(settings, recipe):
        recipe = json.dumps(RECIPE | {"epochs": 1} | recipe)
        paths = ["--data", trained_data, "--split", trained_data / "split.json", "--output-dir", tmp_path / "run"]
        command = [sys.executable, "-c", code, *paths, "--recipe", recipe, "--settings", json.dumps(settings), "--gpus", "0"]
        environment = {"PYTHONPATH": str(PROJECT / "workflow/scripts"), "CUDA_VISIBLE_DEVICES": ""}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()

    assert loaded({}, {"optimizer": "adamw", "clip_gradient": 1}) == ["False", "False"]
    assert loaded({"network": RESNET}, {})[0] == "True"


def test_the_network_of_the_documentation_can_be_trained_with(tmp_path):
    [code] = re.findall(r"^```python\n(.*?)^```$", (PROJECT / "docs/own-network.md").read_text(encoding="utf-8"), re.M | re.S)
    (tmp_path / "narrow.py").write_text(code)
    plugins.use([tmp_path / "narrow.py"])
    try_network({"kind": "narrow", "width": 8}, classes=4, size=16, batch_size=32)
    plugins.use([])


def test_networks_with_and_without_batchnorm_are_told_apart():
    with torch.device("meta"):
        kinds = [{"kind": "cnn"}, RESNET, CONVNEXT, {"kind": "torchvision", "name": "densenet121"}]
        built = [networks.build(settings, 10, 32, 0.5) for settings in kinds]
    assert [networks.normalises_batches(network) for network in built] == [False, True, False, True]
