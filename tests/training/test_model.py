import hashlib
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from hardpair import plugins
from hardpair.errors import UserError
from hardpair.files.atomic import file_sha256
from hardpair.losses.cross_entropy import Loss
from hardpair.training import model, saved_model
from hardpair.training.model_size import parameter_count
from hardpair.training.optimiser import SGD
from hardpair.training.step import Learner, train_step

torch.set_num_threads(1)
CLASSES = list("abcdefghij")


def plain_network(size=8, classes=10, dropout=0.5):
    """The published description word for word: ReLU, then pool."""
    layers = []
    for inputs, outputs in ((3, 64), (64, 128), (128, 256)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(256 * (size // 8) ** 2, 1024), nn.ReLU(), nn.Dropout(dropout), nn.Linear(1024, classes)]
    return nn.Sequential(*layers)


class OneBatch:
    """What a step takes its images from, and where it records what it returns."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def next_batch(self, size):
        return self.images, self.labels, None

    def record(self, mean_loss, correct, size):
        self.recorded = mean_loss, correct


@pytest.mark.parametrize(("classes", "size"), [(2, 8), (10, 32), (100, 32), (3, 64)])
def test_parameters_are_counted_without_torch(classes, size):
    assert parameter_count(classes, size) == sum(weight.numel() for weight in plain_network(size, classes).parameters())


def images_and_labels(seed, count=16, size=8):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn((count, 3, size, size), generator=generator).to(memory_format=torch.channels_last)
    return images, torch.randint(10, (count,), generator=generator)


def test_the_network_has_the_published_number_of_parameters():
    assert sum(parameter.numel() for parameter in model.build(10, 32, 0.5, seed=0).parameters()) == 4_576_394


@pytest.mark.parametrize(("size", "classes"), [(8, 10), (16, 3), (32, 100)])
def test_pooling_first_computes_the_published_network_bit_for_bit(size, classes):
    network, twin = (
        model.build(classes, size, 0.5, seed=3).eval(),
        plain_network(size, classes).to(memory_format=torch.channels_last).eval(),
    )
    for ours, theirs in zip(network.parameters(), twin.parameters(), strict=True):
        theirs.data.copy_(ours.data)
    images, _ = images_and_labels(0, count=5, size=size)
    with torch.no_grad():
        logits = network(images)
        assert torch.equal(logits, twin(images))
    assert logits.shape == (5, classes)


def test_initialisation_is_the_default_of_torch_from_the_stream_of_the_seed():
    stream = int.from_bytes(hashlib.sha256(b"11/initialisation").digest()[:8], "big") >> 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream)
        twin = plain_network()
    for ours, theirs in zip(model.build(10, 8, 0.5, seed=11).parameters(), twin.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_vectors_of_classes_of_a_cosine_loss_start_with_length_one_and_directions_of_the_stream():
    plain, cosines = (model.build(10, 8, 0.5, seed=2, cosine_scale=scale).output.weight for scale in (None, 30))
    torch.testing.assert_close(cosines.norm(dim=1), torch.ones(10))
    torch.testing.assert_close(cosines, plain / plain.norm(dim=1, keepdim=True))


def test_building_a_network_leaves_the_global_stream_alone():
    before = torch.get_rng_state()
    model.build(10, 8, 0.5, seed=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_one_seed_gives_the_same_network_and_another_seed_another():
    first, again, other = (model.build(10, 8, 0.5, seed) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_dropout_acts_on_the_hidden_units_in_training_only():
    network, (images, _) = model.build(10, 8, 0.5, seed=0), images_and_labels(0)
    hidden = []
    network.output.register_forward_pre_hook(lambda module, inputs: hidden.append(inputs[0].detach()))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network.train()(images)
        network.eval()(images)
    dropped, undropped = hidden
    active = undropped > 0
    kept = dropped[active] > 0
    torch.testing.assert_close(dropped[active][kept], 2 * undropped[active][kept])
    assert 0.45 < kept.float().mean() < 0.55


def record_of(folder: Path) -> dict:
    return {"classes": CLASSES, "size": 8, "weights": {"last": file_sha256(folder / "last.safetensors")} if any(folder.iterdir()) else {}}


def write_model(folder: Path, size=8, seed=1):
    network = model.build(10, size, 0.5, seed)
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, folder / "last.safetensors")
    return network


def test_a_saved_model_answers_as_the_trained_one_and_is_in_evaluation_mode(tmp_path):
    network, (images, _) = write_model(tmp_path).eval(), images_and_labels(2)
    loaded = saved_model.load(tmp_path, "last", record_of(tmp_path))
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(images), network(images))


SCALED = """
import torch
from torch import nn

class Head(nn.Linear):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs, bias=False)
        self.scale = nn.Parameter(torch.tensor(10.0))

    def forward(self, x):
        return self.scale * super().forward(x)

class Network(nn.Module):
    def __init__(self, classes, size):
        super().__init__()
        self.last = Head(3 * size * size, classes)

    def forward(self, images):
        return self.last(images.flatten(1))
"""


def test_a_network_with_a_scale_of_its_own_stays_as_it_is_and_gets_no_cosines(tmp_path):
    """Weights with a scale and no bias are those of cosines elsewhere."""
    (tmp_path / "scaled.py").write_text(SCALED)
    plugins.use([tmp_path / "scaled.py"])
    try:
        settings, images = {"kind": "scaled"}, images_and_labels(2)[0]
        network = model.build(10, 8, 0.0, 1, network=settings)
        save_file(network.state_dict(), tmp_path / "last.safetensors")
        loaded = saved_model.load(tmp_path, "last", record_of(tmp_path) | {"settings": {"network": settings}})
        with torch.no_grad():
            assert torch.equal(loaded(images), network(images))
        with pytest.raises(UserError, match=r"^the loss puts scaled cosines in place of last, which has a scale already: choose another"):
            model.build(10, 8, 0.0, 1, cosine_scale=30.0, network=settings)
    finally:
        plugins.use([])


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(UserError, match=r"best\.safetensors is missing .*: delete .* and train the run again"):
        saved_model.load(tmp_path, "best", record_of(tmp_path))


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "other size", "other classes", "another run"])
def test_a_damaged_model_or_one_of_another_shape_is_refused_in_one_sentence(tmp_path, damage):
    write_model(tmp_path, size=16 if damage == "other size" else 8)
    record = record_of(tmp_path)
    if damage == "another run":
        write_model(tmp_path, seed=2)
    path = tmp_path / "last.safetensors"
    if damage in ("cut", "empty", "text"):
        path.write_bytes({"cut": path.read_bytes()[:1000], "empty": b"", "text": b"not weights at all, but a letter"}[damage])
    classes = CLASSES[:3] if damage == "other classes" else CLASSES
    with pytest.raises(UserError, match=r"last\.safetensors is not the model of run\.json: train the run again") as error:
        saved_model.load(tmp_path, "last", record | {"classes": classes})
    assert "\n" not in str(error.value)


def test_steps_are_those_of_torch_sgd_bit_for_bit_through_a_drop_of_the_learning_rate():
    network, twin = model.build(10, 8, 0.0, seed=0), model.build(10, 8, 0.0, seed=0)
    ours = SGD(network, learning_rate=0.1, momentum=0.9, weight_decay=5e-4)
    theirs = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, fused=True)
    for step in range(6):
        if step == 3:
            ours.learning_rate = theirs.param_groups[0]["lr"] = 0.01
        images, labels = images_and_labels(step)
        train_step(Learner(network, Loss(torch.ones(10)), ours, "fp32"), OneBatch(images, labels), len(labels))
        theirs.zero_grad()
        F.cross_entropy(twin(images), labels, reduction="none").mean().backward()
        theirs.step()
        assert all(torch.equal(a, b) for a, b in zip(network.parameters(), twin.parameters(), strict=True)), f"step {step}"


def test_sgd_is_the_textbook_update():
    layer = nn.Linear(3, 2).double()
    optimiser = SGD(layer, learning_rate=0.1, momentum=0.9, weight_decay=0.01)
    weight, velocity = layer.weight.detach().clone(), torch.zeros(2, 3, dtype=torch.float64)
    for step in range(4):
        gradient = torch.full((2, 3), float(step) - 1.5, dtype=torch.float64)
        layer.weight.grad, layer.bias.grad = gradient.clone(), torch.zeros(2, dtype=torch.float64)
        optimiser.step()
        velocity = 0.9 * velocity + gradient + 0.01 * weight
        weight = weight - 0.1 * velocity
        torch.testing.assert_close(layer.weight.detach(), weight, rtol=1e-12, atol=1e-12)
        assert layer.weight.grad is None


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_returns_loss_and_hits_from_before_its_update(precision):
    network, (images, labels) = model.build(10, 8, 0.0, seed=0), images_and_labels(4)
    with torch.no_grad():
        logits = network(images)
    labels[:5] = logits[:5].argmax(1)
    batch = OneBatch(images, labels)
    train_step(Learner(network, Loss(torch.ones(10)), SGD(network, 0.5, 0.9, 0.0), precision), batch, len(labels))
    loss, right = batch.recorded
    assert (loss.dtype, loss.shape, right.dtype, right.shape) == (torch.float32, (), torch.int64, ())
    torch.testing.assert_close(loss, F.cross_entropy(logits, labels), rtol=1e-6 if precision == "fp32" else 1e-2, atol=0)
    if precision == "fp32":
        assert right.item() == (logits.argmax(1) == labels).sum().item() >= 5
    assert not loss.requires_grad
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    with torch.no_grad():
        assert F.cross_entropy(network(images), labels) != loss
