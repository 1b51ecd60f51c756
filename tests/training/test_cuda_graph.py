"""The captured step, with a capture that records a function instead of kernels; test_cuda.py has the real one."""

import contextlib
import functools
import gc
import random
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from hardpair import losses, plugins
from hardpair.training import cuda_graph, loop, model
from hardpair.training.cuda_graph import WARM_UP, GraphedStep
from hardpair.training.images import load_images, load_split
from hardpair.training.python_side import PythonSide
from hardpair.training.random_streams import seed_globals
from hardpair.training.recipe import Recipe, RunSettings
from prepared_data import prepare

torch.set_num_threads(1)
RECIPE = Recipe(3, 16, 0.02, 0.9, 5e-4, (0.5,), 0.1, 0.5, 1)


def recorder(events):
    """A capture that notes when it captures and when it replays."""

    def capture(step):
        events.append("captured")
        return lambda: (events.append("replayed"), step())

    return capture


def test_a_step_is_captured_once_when_it_is_warm_and_other_sizes_stay_eager():
    events = []
    step = GraphedStep(events.append, 4, recorder(events))
    for size in [4, 3, 4, 4, 4, 4, 3, 4]:
        step(size)
    assert WARM_UP == 3
    assert events == [4, 3, 4, 4, "captured", "replayed", 4, "replayed", 4, 3, "replayed", 4]


def test_a_step_that_cannot_be_captured_stays_eager_and_warns_once(capsys):
    def refuse(step):
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    sizes = []
    step = GraphedStep(sizes.append, 4, refuse)
    for _ in range(6):
        step(4)
    assert sizes == [4] * 6
    message = "the step cannot be captured and stays eager, which is slower: operation not permitted when stream is capturing\n"
    assert capsys.readouterr().err == message


def test_a_step_that_draws_on_the_cpu_stays_eager_and_draws_as_though_no_capture_had_been_tried(capsys):
    drawn = []

    def step(size):
        drawn.append((random.random(), np.random.rand(), torch.rand(()).item()))  # noqa: NPY002

    def draws():
        drawn.clear()
        seed_globals(0, "plugins")
        for _ in range(6):
            yield

    for _ in draws():
        step(4)
    eager = list(drawn)
    graphed = GraphedStep(step, 4, lambda step: (step(), drawn.pop(), step)[-1])
    for _ in draws():
        graphed(4)
    assert drawn == eager
    assert capsys.readouterr().err == "the step cannot be captured and stays eager, which is slower: it draws random numbers on the CPU\n"


RAMP = """
import torch.nn.functional as F
from hardpair.losses import ImageLoss

class Loss(ImageLoss):
    def __init__(self, counts):
        super().__init__(counts)
        self.now = {{}}

    def begin_epoch(self, share):
        {now} = share

    def shown(self):
        return {now}

    def forward(self, logits, labels):
        return (1 + {now}) * F.cross_entropy(logits, labels, reduction="none")
"""


class Changing(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("limit", torch.zeros(()))
        self.share, self.now, self.order, self.place = 0.0, {"share": 0.0}, [0], torch.zeros(())
        self.inner, self.hard = SimpleNamespace(limits=np.zeros(2)), {0}


CHANGES = {
    "an attribute": lambda loss: setattr(loss, "share", loss.share + 0.5),
    "a buffer replaced": lambda loss: setattr(loss, "limit", loss.limit + 1),
    "a layer added": lambda loss: loss.add_module("more", nn.Identity()),
    "a value in a map": lambda loss: loss.now.update(share=0.5),
    "a value in a list": lambda loss: loss.order.append(1),
    "a value in a set": lambda loss: loss.hard.add(1),
    "a tensor that is no buffer": lambda loss: loss.place.fill_(0.5),
    "a value in an array of an object": lambda loss: loss.inner.limits.fill(0.5),
    "another type": lambda loss: setattr(loss, "share", 0),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_step_is_captured_again_when_its_loss_has_other_attributes_or_tensors(change):
    events, loss = [], Changing()
    step = GraphedStep(lambda size: None, 4, recorder(events), {"loss": loss})
    for _ in range(WARM_UP + 2):
        step(4)
    loss.limit.add_(1)  # in place, where a replay reads it
    step.renew()
    step(4)
    assert events == ["captured", "replayed", "replayed", "replayed"]
    CHANGES[change](loss)
    step.renew()
    step(4)
    step.renew()
    step(4)
    assert events[4:] == ["captured", "replayed", "replayed"]


@pytest.mark.parametrize("place", ["global T; T", "type(self).T", "Base.T", "Schedule.T", "Schedule.Inner.T"])
@pytest.mark.parametrize("bare", [False, True], ids=["its functions", "its base's functions"])
def test_a_step_is_captured_again_when_a_plugin_has_another_global_or_attribute_of_a_class(place, bare, tmp_path):
    text = (
        f"""
from hardpair.losses import ImageLoss

T = 1.0

class Schedule:
    T = 1.0

    class Inner:
        T = 1.0

class Base(ImageLoss):
    T = 1.0

    def __init__(self, counts):
        super().__init__(counts)

    def begin_epoch(self, share):
        {place} = 1 + share

class Loss(Base):
    T = 1.0
"""
        + "    def forward(self): ...\n" * (not bare)
    )
    (tmp_path / "mine.py").write_text(text)
    plugins.use([tmp_path / "mine.py"])
    events, loss = [], losses.build({"kind": "mine"}, torch.ones(2))
    plugins.use([])
    step = GraphedStep(lambda size: None, 4, recorder(events), {"loss": loss})
    for _ in range(WARM_UP + 1):
        step(4)
    for share, captured in ((0.0, []), (0.5, ["captured"]), (0.5, [])):
        events.clear()
        loss.begin_epoch(share)
        step.renew()
        step(4)
        assert events == [*captured, "replayed"]


def follow(module):
    """A buffer that follows the steps, replaced by a new tensor each time."""
    module.limit = 0.9 * module.limit + 0.1
    module.now["share"] += 1
    module.order.append(len(module.order))
    module.hard.add(len(module.hard))


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("name", ["loss", "network"])
def test_a_step_that_replaces_a_tensor_stays_eager_as_though_no_capture_had_been_tried(name, waits, capsys):
    plain, module = Changing(), Changing()

    def capture(step):
        step()
        module.limit = torch.full((), float("nan"))  # no kernel has written to it
        if waits:
            raise RuntimeError("operation not permitted when stream is capturing")
        return step

    step = GraphedStep(lambda size: follow(module), 4, capture, {name: module, "other": Changing()})
    for _ in range(WARM_UP + 3):
        step(4)
        follow(plain)
        assert module.limit == plain.limit
        assert (module.now, module.order, module.hard) == (plain.now, plain.order, plain.hard)
    reason = "operation not permitted" if waits else f"it replaces a tensor or an attribute of the {name}"
    assert capsys.readouterr().err.count(reason) == 1


@pytest.mark.parametrize("network", ["cnn", "resnet18"])
def test_no_step_of_a_network_of_the_workflow_changes_what_a_replay_does_not_read(network):
    built = model.build(10, 16, 0.5, 0, None, {"kind": network}).train()
    before = PythonSide(built)
    built(torch.rand(4, 3, 16, 16)).sum().backward()
    assert PythonSide(built) == before


@pytest.mark.parametrize("kept", ["float", "map"])
def test_a_loss_that_changes_with_the_epoch_is_captured_in_each(prepared, kept, tmp_path):
    """A replay computes with the share that Python had at the capture."""
    (tmp_path / "ramp.py").write_text(RAMP.format(now={"float": "self.share", "map": 'self.now["share"]'}[kept]))
    plugins.use([tmp_path / "ramp.py"])

    def capture(step):
        captured.append(share := fast.loss.shown())

        def replay():
            now = fast.loss.shown()
            fast.loss.begin_epoch(share)
            step()
            fast.loss.begin_epoch(now)

        return replay

    try:
        settings, captured = RunSettings({"kind": "ramp"}, {"kind": "uniform"}, RECIPE), []
        eager, fast = loop.Training(*prepared, settings, 0).run(), loop.Training(*prepared, settings, 0)
        fast.take_step = GraphedStep(fast.eager_step, 16, capture, {"loss": fast.loss})
        history = fast.run()
    finally:
        plugins.use([])
    assert captured == [0, 1 / 3, 2 / 3]
    assert history.epochs == eager.epochs


def test_a_failed_capture_leaves_no_gradients_and_the_next_step_is_that_of_an_eager_run(prepared):
    def refuse(step):
        step_on.network.output.bias.grad = torch.full((10,), float("nan"))  # of a kernel that never ran
        torch.rand(3)
        raise RuntimeError("operation not permitted when stream is capturing")

    def training():
        return loop.Training(*prepared, RunSettings({"kind": "cross_entropy"}, {"kind": "uniform"}, RECIPE), 0)

    eager, step_on = training().run(), training()
    step_on.take_step = GraphedStep(step_on.eager_step, 16, refuse, undo=step_on.optimiser.forget)
    history = step_on.run()
    assert history.epochs == eager.epochs
    assert all(torch.equal(history.last[name], eager.last[name]) for name in eager.last)


def test_after_a_failed_capture_the_gpu_s_generator_has_the_state_from_before(monkeypatch):
    """The real generator of a GPU and a capture of it, in their places."""

    class Generator:
        def __init__(self):
            self.state = {"offset": 4, "capturing": False}

        def clone_state(self):
            return dict(self.state)

        def graphsafe_set_state(self, state):
            self.state = state

    generator = Generator()

    @contextlib.contextmanager
    def graph(captured, stream):
        generator.state |= {"offset": 0, "capturing": True}
        yield

    for name, value in {"default_generators": [generator], "graph": graph}.items():
        monkeypatch.setattr(torch.cuda, name, value)
    for name, value in {"current_device": 0, "CUDAGraph": SimpleNamespace(replay=None), "current_stream": None}.items():
        monkeypatch.setattr(torch.cuda, name, lambda value=value: value)

    def item():
        raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(RuntimeError, match="not permitted"):
        cuda_graph.cuda_graph(item)
    assert generator.state == {"offset": 4, "capturing": False}


@pytest.mark.parametrize("deterministic", [False, True])
def test_cudnn_measures_its_algorithms_for_the_captured_size_alone(deterministic, monkeypatch):
    monkeypatch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: deterministic)
    measured = []
    step = GraphedStep(lambda size: measured.append((size, torch.backends.cudnn.benchmark)), 4, lambda step: step)
    for size in (4, 3, 4, 4, 4, 3):
        step(size)
    assert measured == [(size, size == 4 and not deterministic) for size in (4, 3, 4, 4, 4, 3)]
    assert not torch.backends.cudnn.benchmark


@pytest.mark.parametrize("captures", [True, False])
def test_a_run_is_freed_when_nothing_refers_to_it(prepared, captures):
    """Several runs of a trial would else keep their graphs and the memory of these until Python looks for cycles."""

    def refuse(eager):
        raise RuntimeError("operation not permitted when stream is capturing")

    def run():
        training = loop.Training(*prepared, RunSettings({"kind": "cross_entropy"}, {"kind": "uniform"}, RECIPE), 0)
        step, modules = functools.partial(training.eager_step, 16), {"loss": training.loss, "network": training.network}
        capture = (lambda eager: step) if captures else refuse
        training.take_step = GraphedStep(training.eager_step, 16, capture, modules, undo=training.optimiser.forget)
        training.run()
        assert training.take_step.refused != captures
        return [weakref.ref(part) for part in (training, training.network, training.take_step)]

    gc.disable()
    try:
        assert [reference() for reference in run()] == [None] * 3
    finally:
        gc.enable()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = prepare(tmp_path_factory.mktemp("data"), training=100, validation=20)
    return load_images(folder, "train", torch.device("cpu")), load_split(folder / "split.json", folder)


@pytest.mark.parametrize("scale", ["none", "dynamic"])
def test_replayed_steps_find_all_that_changes_where_it_was(prepared, scale):
    """What a replay reads is what the capture saw: batches, scale and place in the epoch must change in place."""
    focal = {"kind": "focal", "gamma": 2, "scale": scale, "scale_over": "training", "scale_max": None, "detach_weight": False}

    def training():
        sampler = {"kind": "focal", "gamma": 2, "unbias": 0, "factor_max": 100}
        return loop.Training(*prepared, RunSettings(focal, sampler, RECIPE), 0)

    eager, addresses = training().run(), []

    def capture(step):
        """Replays with the tensors of the moment of capture."""
        batches, loss = fast.batches, fast.loss
        tensors = [*batches._plan, batches._taken, batches.losses, batches.correct, loss.scale, *fast.optimiser.buffers]
        addresses.extend((tensor, tensor.data_ptr()) for tensor in tensors)
        return step

    fast = training()
    fast.take_step = cuda_graph.GraphedStep(fast.eager_step, 16, capture)
    history = fast.run()
    assert fast.take_step.replay is not None
    assert history.epochs == eager.epochs
    assert all(torch.equal(history.last[name], eager.last[name]) for name in eager.last)
    now = [*fast.batches._plan, fast.batches._taken, fast.batches.losses, fast.batches.correct, fast.loss.scale, *fast.optimiser.buffers]
    assert all(tensor is before and tensor.data_ptr() == place for tensor, (before, place) in zip(now, addresses, strict=True))
