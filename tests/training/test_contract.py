"""Plugins that break what a loss or a sampler must keep to, and what they are answered; those that keep to it give the same bits again."""

import random
import re

import numpy as np
import pytest
import torch

from hardpair import plugins
from hardpair.errors import UserError
from hardpair.training import checkpoint, contract
from small_runs import CE, UNIFORM, same_weights, training_of

LOSS = """
import random
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from hardpair.losses import ImageLoss

EPOCHS = 0

def count():
    global EPOCHS
    EPOCHS += 1

class Loss(ImageLoss):
    def __init__(self, counts):
        super().__init__(counts)
        {built}

    def begin_epoch(self, share):
        {begun}

    def refresh(self, cross_entropy, emphasis):
        {refreshed}

    def forward(self, logits, labels):
        values = F.cross_entropy(logits, labels, reduction="none")
        {returned}
"""
SAMPLER = """
import random
import numpy as np
import torch
from hardpair.samplers import EpochSampler

class Sampler(EpochSampler):
    def __init__(self, labels):
        super().__init__(labels)
        {built}

    def refresh(self, cross_entropy):
        {refreshed}

    def factors(self):
        {factors}

    def draw(self, generator):
        positions = torch.randperm(self.count, generator=generator)
        {returned}
"""
DEFAULTS = {"built": "pass", "begun": "pass", "refreshed": "return None", "factors": "return None", "returned": "return values"}


@pytest.fixture
def plugin(tmp_path):
    """Writes a plugin ``mine`` of either template and uses it; its settings."""

    def write(template, **parts):
        defaults = DEFAULTS | ({"returned": "return positions"} if template is SAMPLER else {})
        (tmp_path / "mine.py").write_text(template.format(**defaults | parts))
        (tmp_path / "small_helper.py").touch()
        plugins.use([tmp_path / "mine.py"])
        return {"kind": "mine"}

    yield write
    plugins.use([])


SHAPE = r"let it return the loss of each image, float32 of shape \(16,\) on cpu"
LOSSES = {
    "a column": ({"returned": "return values[:, None]"}, rf"returned float32 of shape \(16, 1\) on cpu: {SHAPE}"),
    "a mean": ({"returned": "return values.mean()"}, rf"returned float32 of shape \(\) on cpu: {SHAPE}"),
    "float64": ({"returned": "return values.double()"}, rf"returned float64 of shape \(16,\) on cpu: {SHAPE}"),
    "another device": ({"returned": 'return values.to("meta")'}, rf"returned float32 of shape \(16,\) on meta: {SHAPE}"),
    "a number": ({"returned": "return 0.5"}, rf"returned float: {SHAPE}"),
    "detached": ({"returned": "return values.detach()"}, r"without a gradient: compute them from the logits"),
    "not of the logits": ({"returned": "return torch.ones(len(labels), requires_grad=True)"}, "without a gradient to the logits"),
    "NaN": ({"returned": "return values * float('nan')"}, "gave losses that are NaN or infinite for logits of about ±3"),
    "NaN gradient": ({"returned": "return values + 0 * (values - values.detach()).sqrt()"}, "gave gradients that are NaN or infinite"),
    "parameter": (
        {"built": "self.t = nn.Parameter(torch.ones(()))", "returned": "return self.t * values"},
        "has the parameter t, but only",
    ),
    "submodule": ({"built": "self.layer = nn.Linear(10, 10)", "returned": "return values"}, "has the parameter layer.weight, but only"),
    "refresh shape": (
        {"refreshed": "return cross_entropy[:3].double()"},
        r"float64 of shape \(3,\) on cpu from refresh\(\): let refresh\(\)",
    ),
    "refresh NaN": ({"refreshed": "return cross_entropy / 0 * 0"}, r"NaN or infinity from refresh\(\)"),
    "wrong name": ({"returned": "return vlaues"}, r"mine\.py, line 28: NameError: name 'vlaues' is not defined; correct the plugin"),
    "labels changed": ({"returned": "labels.zero_(); return values"}, "changes labels in place: change a copy of them"),
    "counts changed": ({"built": "counts += 1"}, "changes counts in place: change a copy of them"),
    "seeds in each step": (
        {"returned": "torch.manual_seed(0); return values"},
        "seeds the random numbers of torch, which belong to the run",
    ),
    "seeds when built": ({"built": "torch.manual_seed(0)"}, "seeds the random numbers of torch, which belong to the run"),
    "ends the program": ({"returned": "raise SystemExit(0)"}, r"mine\.py, line 28: SystemExit: it ends the program; remove the call"),
    "reads arguments": (
        {"built": "import argparse; argparse.ArgumentParser().parse_args(['a'])"},
        r"mine\.py, line 18: SystemExit: it ends the program; remove the call, such as sys\.exit\(\) or parse_args\(\)",
    ),
    "a file beside it": (
        {"built": "import small_helper"},
        r"line 18: ModuleNotFoundError: .*; move the code of small_helper into the plugin, since files beside it are not found",
    ),
    "built wrongly": ({"built": "self.w = counts / 'x'"}, r"mine\.py, line 18: TypeError: .*; correct the plugin"),
    "generator of its own": (
        {"returned": "return values * np.random.default_rng().random()"},
        "gives different results",
    ),
    "a step counted": (
        {"built": "self.n = 0", "returned": "self.n += 1; return self.n * values"},
        "keeps state outside its buffers",
    ),
    "steps counted for later": (
        {"built": "self.n = 0", "returned": "self.n += 1; return values if self.n < 50 else 2 * values"},
        r"keeps state outside its buffers \(n\), which a resumed run would lose",
    ),
    "epochs counted for later": (
        {"built": "self.n = [0]", "begun": "self.n[0] += 1", "returned": "return values if self.n[0] < 50 else 2 * values"},
        r"keeps state outside its buffers \(n\)",
    ),
    "steps counted in a part": (
        {"built": "self.part = nn.Identity(); self.part.n = 0", "returned": "self.part.n += 1; return values"},
        r"keeps state outside its buffers \(part\.n\)",
    ),
    "steps counted in the file": (
        {"returned": "globals()['steps'] = globals().get('steps', 0) + 1; return values"},
        r"keeps state outside its buffers \(steps\)",
    ),
    "steps counted in the class": (
        {"returned": "Loss.n = getattr(Loss, 'n', 0) + 1; return values"},
        r"keeps state outside its buffers \(Loss\.n\)",
    ),
    "epochs counted in the file": (
        {"begun": "count()", "returned": "return values if EPOCHS < 50 else 2 * values"},
        r"keeps state outside its buffers \(EPOCHS\)",
    ),
    "a generator that goes on": (
        {"built": "self.g = random.Random(0)", "returned": "self.g.random(); return values"},
        r"keeps state outside its buffers \(g\)",
    ),
    "a mean kept in a buffer that is not saved": (
        {
            "built": "self.register_buffer('m', torch.zeros(()), persistent=False)",
            "returned": "self.m += values.detach().mean(); return values",
        },
        r"keeps state outside its buffers \(m\)",
    ),
    "a buffer made late": (
        {"refreshed": "self.register_buffer('w', torch.ones(()))", "returned": "return getattr(self, 'w', 2) * values"},
        "keeps state outside its buffers",
    ),
}
POSITIONS = r"let draw\(\) return positions of 200 images, int64 of shape \(200,\), each from 0 to 199"
SAMPLERS = {
    "too few": ({"returned": "return positions[:7]"}, rf"drew int64 of shape \(7,\) on cpu: {POSITIONS}"),
    "too many": ({"returned": "return positions.repeat(2)"}, rf"drew int64 of shape \(400,\) on cpu: {POSITIONS}"),
    "floats": ({"returned": "return positions.double()"}, rf"drew float64 of shape \(200,\) on cpu: {POSITIONS}"),
    "a list": ({"returned": "return positions.tolist()"}, rf"drew list: {POSITIONS}"),
    "too large": ({"returned": "return positions + 1"}, rf"drew position 200: {POSITIONS}"),
    "negative": ({"returned": "return positions - 1"}, rf"drew position -1: {POSITIONS}"),
    "too few factors": (
        {"factors": "return torch.ones(3)"},
        r"float32 of shape \(3,\) on cpu from factors\(\): let factors\(\) return one finite",
    ),
    "refresh of numbers": ({"refreshed": "return 1.0"}, r"returned float from refresh\(\)"),
    "labels changed": ({"built": "labels.zero_()"}, "changes labels in place: change a copy of them"),
    "seeds": ({"returned": "torch.manual_seed(0); return positions"}, "seeds the random numbers of torch, which belong to the run"),
    "no emphasis": ({"built": "self.emphasis = lambda: None"}, r"returned NoneType from emphasis\(\): let emphasis\(\) return one finite"),
    "draws counted in the file": (
        {"returned": "globals()['draws'] = globals().get('draws', 0) + 1; return positions"},
        r"keeps state outside its buffers \(draws\)",
    ),
    "order kept aside": ({"built": "self.n = 0", "returned": "self.n += 1; return positions.roll(self.n)"}, "keeps state outside"),
    "generator of its own": (
        {"returned": "return torch.randperm(200, generator=torch.Generator().manual_seed(random.SystemRandom().getrandbits(60)))"},
        "gives different results",
    ),
}


@pytest.mark.parametrize("fault", LOSSES)
def test_a_loss_that_breaks_the_contract_is_refused_before_a_training(plugin, fault):
    parts, message = LOSSES[fault]
    with pytest.raises(UserError, match=message) as caught:
        contract.try_out(plugin(LOSS, **parts), UNIFORM, torch.arange(200) % 10, 10)
    assert "mine.py" in str(caught.value)
    assert "\n" not in str(caught.value)


DERIVED = """
import torch
from hardpair.losses.cross_entropy import Loss as CrossEntropy

EPOCHS = 0

class Loss(CrossEntropy):
    @torch.no_grad()
    def __init__(self, counts):
        super().__init__(counts)

    def begin_epoch(self, share):
        global EPOCHS
        EPOCHS += 1
"""


def test_globals_are_those_of_the_plugin_s_file_whatever_its_class_inherits_and_decorates(tmp_path):
    (tmp_path / "mine.py").write_text(DERIVED)
    plugins.use([tmp_path / "mine.py"])
    try:
        with pytest.raises(UserError, match=r"keeps state outside its buffers \(EPOCHS\)"):
            contract.try_out({"kind": "mine"}, UNIFORM, torch.arange(200) % 10, 10)
    finally:
        plugins.use([])


@pytest.mark.parametrize("fault", SAMPLERS)
def test_a_sampler_that_breaks_the_contract_is_refused_before_a_training(plugin, fault):
    parts, message = SAMPLERS[fault]
    with pytest.raises(UserError, match=message) as caught:
        contract.try_out(CE, plugin(SAMPLER, **parts), torch.arange(200) % 10, 10)
    assert "mine.py" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "parts",
    [
        {"built": "self.last = None", "returned": "self.last = values.detach(); return values"},
        {"built": "self.w = None", "returned": "self.w = torch.ones(16) if self.w is None else self.w; return values * self.w"},
        {"built": "self.share = None", "begun": "self.share = share", "returned": "return values * (1 + self.share)"},
        {"built": "import threading; self.lock = threading.Lock(); self.f = lambda x: x", "returned": "return self.f(values)"},
        {"built": "self.nan = float('nan'); self.table = {'a': np.array([np.nan]), 1: {2}}", "returned": "return values"},
        {"built": "self.register_buffer('n', torch.zeros((), dtype=torch.bfloat16))", "returned": "self.n += 1; return values * self.n"},
    ],
    ids=["last values", "cache", "share", "lock and function", "NaN", "bfloat16"],
)
def test_attributes_that_a_resumed_run_has_too_are_accepted(plugin, parts):
    contract.try_out(plugin(LOSS, **parts), UNIFORM, torch.arange(200) % 10, 10)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "super().__init__(counts)",
            "pass",
            r"mine\.py, line 16: AttributeError: .*; call super\(\)\.__init__\(\.\.\.\) first in its constructor$",
        ),
        (
            "super().__init__(counts)",
            "self.register_buffer('c', counts)",
            r"mine\.py, line 16: AttributeError: .*; call super\(\)\.__init__\(\.\.\.\) first in its constructor$",
        ),
        (
            "self, logits, labels",
            "self, logits",
            r"mine\.py, line 26: TypeError: Loss\.forward\(\) takes .*; correct its arguments$",
        ),
    ],
    ids=["no super", "a buffer before super", "too few arguments"],
)
def test_an_error_outside_a_plugin_has_the_line_of_its_method(plugin, old, new, message):
    with pytest.raises(UserError, match=message):
        contract.try_out(plugin(LOSS.replace(old, new)), UNIFORM, torch.arange(200) % 10, 10)


def test_losses_and_samplers_of_the_workflow_are_not_tried(monkeypatch):
    monkeypatch.setattr(contract, "_try", lambda *_: pytest.fail("tried"))
    contract.try_out(CE, UNIFORM, torch.arange(200) % 10, 10)


@pytest.mark.parametrize(
    ("template", "faults", "fault"), [(LOSS, LOSSES, "a column"), (LOSS, LOSSES, "detached"), (SAMPLER, SAMPLERS, "negative")]
)
def test_what_is_wrong_later_is_refused_where_it_comes(plugin, small_images, small_split, template, faults, fault):
    """The trial has generated logits and few calls: each step and each epoch is checked, too."""
    settings = plugin(template, **faults[fault][0])
    training = training_of(small_images, small_split, *((settings, UNIFORM) if template is LOSS else (CE, settings)))
    with pytest.raises(UserError, match=re.sub("16", "64", faults[fault][1])):
        training.run()


def test_factors_that_come_and_go_are_refused(plugin, small_images, small_split):
    settings = plugin(SAMPLER, built="self.n = 0", factors="self.n += 1; return torch.ones(self.count) if self.n > 1 else None")
    with pytest.raises(UserError, match=r"mine\.py returned both None and numbers from factors\(\)"):
        training_of(small_images, small_split, CE, settings).run()


@pytest.mark.parametrize("recipe", [{"optimizer": name, "momentum": momentum} for name in ("sgd", "adamw") for momentum in (0.9, 0)])
def test_a_gradient_that_is_nan_in_the_first_step_is_the_fault_of_the_loss(plugin, small_images, small_split, recipe):
    settings = plugin(LOSS, returned=LOSSES["NaN gradient"][0]["returned"])
    message = "the gradient of the loss is NaN or infinite in the first step, before any weight has changed: check the loss"
    with pytest.raises(UserError, match=message):
        training_of(small_images, small_split, settings, **recipe).run()


DRAWS = "random.random() + np.random.rand() + torch.rand(()).item()"
DRAWING_LOSS = {
    "built": f"self.register_buffer('w', torch.tensor(1.0)); self.register_buffer('n', torch.tensor(0.0)); self.w.fill_({DRAWS})",
    "begun": f"self.n += 1; self.w.fill_({DRAWS}); self.share = share",
    "refreshed": f"self.w.add_({DRAWS}); return (cross_entropy + random.random()).double()",
    "returned": f"return values * self.w * self.n * (1 + self.share) * ({DRAWS})",
}
DRAWING_SAMPLER = {
    "built": "self.register_buffer('n', torch.tensor(0))",
    "refreshed": "return None",
    "factors": "return torch.full((self.count,), 0.5 + float(self.n))",
    "returned": "self.n += random.randrange(5); return positions[torch.from_numpy(np.random.permutation(self.count))].roll(int(self.n))",
}


def drawing(plugin):
    """A loss and a sampler that draw from every global generator wherever they are called, and count epochs in buffers."""
    text = LOSS.format(**DEFAULTS | DRAWING_LOSS) + SAMPLER.format(**DEFAULTS | DRAWING_SAMPLER)
    settings = plugin(LOSS)
    [path] = plugins.used_by({"loss": settings, "sampler": settings})
    with open(path, "w") as file:
        file.write(text)
    plugins.use([path])
    return settings


def test_plugins_that_draw_wherever_they_like_give_the_same_bits_again_and_from_every_pause(plugin, small_images, small_split):
    kind = drawing(plugin)
    contract.try_out(kind, kind, torch.arange(200) % 10, 10)

    def new():
        random.seed(), np.random.seed(), torch.seed()  # another state of the process each time  # noqa: NPY002
        return training_of(small_images, small_split, kind, kind, epochs=2, refresh_every=1)

    states = []
    first, second = new().run(after_step=lambda training: states.append(checkpoint.state_of(training))), new().run()
    assert first.epochs == second.epochs
    assert same_weights(first.last, second.last)
    assert len({row["train_loss"] for row in first.epochs}) == 2
    for tensors, values in states:
        again = new()
        checkpoint.restore(again, tensors, {**values, "history": dict(values["history"])})
        history = again.run()
        assert history.epochs == first.epochs
        assert history.refreshes == first.refreshes
        assert same_weights(history.last, first.last)
