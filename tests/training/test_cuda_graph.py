"""The captured step, with a capture that records a function instead of kernels; test_cuda.py has the real one."""

import pytest
import torch

from hardpair.training import cuda_graph, loop
from hardpair.training.cuda_graph import WARM_UP, GraphedStep
from hardpair.training.images import load_images, load_split
from hardpair.training.recipe import Recipe, RunSettings
from prepared_data import prepare

torch.set_num_threads(1)


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


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = prepare(tmp_path_factory.mktemp("data"), training=100, validation=20)
    return load_images(folder, "train", torch.device("cpu")), load_split(folder / "split.json", folder)


@pytest.mark.parametrize("scale", ["none", "dynamic"])
def test_replayed_steps_find_all_that_changes_where_it_was(prepared, scale):
    """What a replay reads is what the capture saw: batches, scale and place in the epoch must change in place."""
    focal = {"kind": "focal", "gamma": 2, "scale": scale, "scale_over": "training", "scale_max": None, "detach_weight": False}
    recipe = Recipe(3, 16, 0.02, 0.9, 5e-4, (0.5,), 0.1, 0.5, 1)

    def training():
        sampler = {"kind": "focal", "gamma": 2, "unbias": 0, "factor_max": 100}
        return loop.Training(*prepared, RunSettings(focal, sampler, recipe), 0)

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
