"""Training as on a GPU, with tensors that have a shape, a type and the device cuda, but no values: what mixes devices fails here.

What depends on values (numbers, tests of them, counts) is made up; kernels, streams, captures and random states of a GPU are not
there. tests/training/test_cuda.py runs all that, where there is a GPU.
"""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from hardpair.training import checkpoint, inference, loop, optimiser, step
from hardpair.training.cuda_graph import GraphedStep
from hardpair.training.images import Images
from hardpair.training.recipe import RunSettings
from small_runs import CE, DFL, RECIPE, SAMPLER, UNIFORM

CUDA = torch.device("cuda", 0)
LOSSES = {
    "cross-entropy": CE,
    "label smoothing": {"kind": "label_smoothing", "smoothing": 0.1},
    "focal": DFL,
    "focal over drawn images": DFL | {"scale_over": "drawn"},
    "focal in float64": DFL | {"gamma": 8.0},
    "class-balanced": {"kind": "class_balanced", "beta": 0.999},
    "balanced softmax": {"kind": "balanced_softmax", "tau": 1.0},
    "LDAM": {"kind": "ldam", "margin_max": 0.5, "scale": 30, "defer": 0.5, "beta": 0.999},
}
SAMPLERS = {"uniform": UNIFORM, "focal": SAMPLER, "with factors": SAMPLER | {"unbias": 0.5}, "class-balanced": {"kind": "class_balanced"}}
COMBINATIONS = [(loss, "with factors") for loss in LOSSES] + [("cross-entropy", sampler) for sampler in SAMPLERS]


@contextlib.contextmanager
def autocast(device, precision):
    """As ``precision.autocast``, which torch switches off for cuda where there is no GPU."""
    before = torch.is_autocast_enabled(device.type)
    torch.set_autocast_dtype(device.type, torch.bfloat16)
    torch.set_autocast_enabled(device.type, precision == "bf16")
    try:
        yield
    finally:
        torch.set_autocast_enabled(device.type, before)


def counts(values, weights=None, minlength=0):
    return torch.zeros(minlength, dtype=torch.int64 if weights is None else weights.dtype, device=values.device)


def to(module, device=None, memory_format=torch.preserve_format):
    """``nn.Module.to`` with new parameters and buffers, since those without values cannot be exchanged in place."""
    for part in module.modules():
        for tensors in (part._parameters, part._buffers):
            for name, tensor in [item for item in tensors.items() if item[1] is not None]:
                layout = memory_format if tensor.dim() == 4 else torch.preserve_format
                moved = tensor.detach().to(device=device or tensor.device, memory_format=layout)
                tensors[name] = torch.nn.Parameter(moved) if tensors is part._parameters else moved
    return module


def backward(loss):
    """Gradients of all leaves of the graph; torch's own engine starts a thread for the GPU, which is not there."""
    nodes, seen = [loss.grad_fn], set()
    while nodes:
        node = nodes.pop()
        if (leaf := getattr(node, "variable", None)) is not None:
            leaf.grad = torch.zeros_like(leaf)
        seen.add(node)
        nodes += [parent for parent, _ in node.next_functions if parent is not None and parent not in seen]


def sgd(parameters, gradients, buffers, *, lr, momentum, weight_decay, **_):
    """As torch's fused kernel, which runs on a GPU alone; the rate must lie on it."""
    for parameter, gradient, buffer in zip(parameters, gradients, buffers, strict=True):
        assert lr.device == parameter.device
        parameter.sub_(lr * buffer.mul_(momentum).add_(gradient + weight_decay * parameter))


def adamw(parameters, gradients, means, squares, _, counts, *, lr, capturable, **options):
    """As torch's fused kernel; all that a capture reads or changes must lie on the GPU."""
    assert capturable
    for parameter, gradient, mean, square, count in zip(parameters, gradients, means, squares, counts, strict=True):
        assert lr.device == count.device == parameter.device
        parameter.sub_(lr * mean.add_(gradient) / square.add_(gradient * gradient).sqrt() / count.add_(1))


class Replayed(GraphedStep):
    """Its capture only leaves out the recording of kernels."""

    def __init__(self, step, size, **options):
        super().__init__(step, size, capture=lambda step: step, **options)


@pytest.fixture
def fake(monkeypatch):
    """The mode in which tensors have no values, and answers for what asks for them."""
    for module in (step, inference):
        monkeypatch.setattr(module, "autocast", autocast)
    for name in ("get_rng_state", "set_rng_state"):
        monkeypatch.setattr(torch.cuda, name, lambda *_: torch.zeros(16, dtype=torch.uint8))
    monkeypatch.setattr(loop, "own_stream", lambda device: contextlib.nullcontext())
    monkeypatch.setattr(loop, "GraphedStep", Replayed)
    monkeypatch.setattr(torch.nn.Module, "to", to)
    monkeypatch.setattr(torch.Tensor, "backward", backward)
    monkeypatch.setattr(optimiser, "sgd", sgd)
    monkeypatch.setattr(optimiser, "adamw", adamw)
    for holder in (torch, torch.Tensor):
        monkeypatch.setattr(holder, "bincount", counts)
    made_up = {"item": lambda self: 1.0, "unique": lambda self: self, "tolist": lambda self: [0] * len(self)}
    made_up |= {
        "__bool__": lambda self: True,
        "__int__": lambda self: 0,
        "data_ptr": lambda self: id(self),
        "numpy": lambda self: np.zeros(self.shape, np.int64),
    }
    for name, answer in made_up.items():
        monkeypatch.setattr(torch.Tensor, name, answer)
    monkeypatch.setattr(loop, "check_drawn", lambda *_: None)  # looks at values, on the CPU
    monkeypatch.setattr(torch, "set_rng_state", lambda state: None)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:  # states of generators have values
        yield mode


def training(loss=CE, sampler=UNIFORM, precision="fp32", **recipe):
    """A training on cuda: 200 images of 8×8 pixels, 30 to validate."""
    pixels, labels = torch.zeros(230, 3, 8, 8, dtype=torch.uint8, device=CUDA), torch.zeros(230, dtype=torch.int64, device=CUDA)
    images = Images(pixels, labels, torch.zeros(3, device=CUDA), torch.ones(3, device=CUDA), list("0123456789"))
    split = {"training": torch.arange(200), "validation": torch.arange(200, 230)}
    return loop.Training(images, split, RunSettings(loss, sampler, replace(RECIPE, **recipe), precision), 0)


def devices(training):
    """Where the tensors lie that a step reads or writes."""
    return {tensor.device for part in checkpoint._parts(training).values() for tensor in part.values()} - {torch.device("cpu")}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(("loss", "sampler"), COMBINATIONS)
def test_a_run_mixes_no_devices(fake, loss, sampler, precision):
    run = training(LOSSES[loss], SAMPLERS[sampler], precision)
    run.run()
    assert run.take_step.replay is not None
    assert devices(run) == {CUDA}
    assert {value.device for value in run.history.last.values()} == {torch.device("cpu")}
    assert len(run.history.epochs) == RECIPE.epochs


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_each_optimiser_lies_on_the_device_and_reads_the_rate_there(fake, optimizer, monkeypatch):
    rates, fill = [], torch.Tensor.fill_
    monkeypatch.setattr(torch.Tensor, "fill_", lambda self, value: (rates.append((self.device, value)), fill(self, value))[1])
    run = training(optimizer=optimizer, schedule="cosine", clip_gradient=1.0)
    run.run()
    assert devices(run) == {CUDA}
    on_device = [value for device, value in rates if device == CUDA and type(value) is float and value]
    assert len(set(on_device)) == 4 * RECIPE.epochs, "a rate for each of 4 steps an epoch"


def test_the_network_computes_in_bf16_where_it_is_to(fake):
    run, types = training(precision="bf16"), []
    run.network.output.register_forward_hook(lambda module, inputs, output: types.append(output.dtype))
    run.draw_epoch()
    run.take_step(64)
    assert types == [torch.bfloat16]
    assert run.infer(run.validation, lambda: None).dtype == torch.float32


def test_a_saved_state_lies_on_the_cpu_and_goes_back_to_the_device(fake):
    first, again, states = training(DFL, SAMPLER), training(DFL, SAMPLER), []
    first.run(after_step=lambda run: states.append(checkpoint.state_of(run)))
    for tensors, values in states:
        assert {tensor.device for tensor in tensors.values()} == {torch.device("cpu")}
        tensors |= {name: getattr(first, name).get_state() for name in ("order", "augmentation")}
        checkpoint.restore(again, tensors, values | {"history": dict(values["history"])})
        assert devices(again) == {CUDA}
    again.run()


MISTAKES = {
    "a buffer of the loss": lambda run: run.loss._buffers.update(class_weight=run.loss.class_weight.cpu()),
    "pixels": lambda run: setattr(run.batches, "images", replace(run.images, pixels=run.images.pixels.cpu())),
    "labels": lambda run: setattr(run.batches, "images", replace(run.images, labels=run.images.labels.cpu())),
    "a layer": lambda run: run.network.hidden.to("cpu"),
    "labels of refreshes": lambda run: setattr(run, "labels", run.labels.cpu()),
    "labels of validation": lambda run: setattr(run, "images", replace(run.images, labels=run.images.labels.cpu())),
    "momentum": lambda run: run.optimiser.buffers.__setitem__(0, run.optimiser.buffers[0].cpu()),
    "the place in the epoch": lambda run: setattr(run.batches, "_offsets", run.batches._offsets.cpu()),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_left_on_the_cpu_fails(fake, mistake):
    run = training(LOSSES["class-balanced"])
    MISTAKES[mistake](run)
    with pytest.raises(RuntimeError, match="same device"):
        run.run()
