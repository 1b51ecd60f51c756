"""Networks that cannot be trained with, and what they are answered."""

import re
import sys

import pytest

from hardpair import plugins
from hardpair.errors import UserError
from hardpair.training.network_contract import try_network

NETWORK = """
import torch
from torch import nn

class Network(nn.Module):
    def __init__(self, classes, size):
        super().__init__()
        self.last, self.classes = nn.Linear(3 * size * size, classes), classes
        {built}

    def forward(self, images):
        logits = self.last(images.flatten(1))
        {returned}
"""
GOOD = {"built": "pass", "returned": "return logits"}
WRONG = {
    "an error": ({"returned": "return logit"}, "mine.py, line 13: NameError: name 'logit' is not defined; correct the plugin"),
    "a package that is not installed": (
        {"built": "import timmm"},
        "mine.py, line 9: ModuleNotFoundError: No module named 'timmm'; install the package that has it, as by "
        f"`{sys.executable} -m pip install timmm`, or correct the plugin",
    ),
    "a module that a package does not have": (
        {"built": "import torch.visoin"},
        "ModuleNotFoundError: No module named 'torch.visoin'; correct the plugin",
    ),
    "another shape": (
        {"returned": "return logits[:, :2]"},
        "returned float32 of shape (2, 2): let forward() return logits, float of shape (2, 5)",
    ),
    "no tensor": ({"returned": "return (logits,)"}, "returned tuple: let forward() return logits, float of shape (2, 5)"),
    "whole numbers": ({"returned": "return logits.long()"}, "returned int64 of shape (2, 5)"),
    "NaN": ({"returned": "return logits / 0"}, "gave logits that are NaN or infinite"),
    "an idle parameter": ({"built": "self.idle = nn.Parameter(torch.zeros(3))"}, "does not use its parameter idle: use it in forward()"),
    "a generator of its own": (
        {"built": "self.g = torch.Generator(); self.g.seed()", "returned": "return logits + torch.rand(1, generator=self.g)"},
        "gives different logits for the same images in evaluation",
    ),
    "chance in training": (
        {
            "built": "self.g = torch.Generator(); self.g.seed()",
            "returned": "return logits + torch.rand(1, generator=self.g) if self.training else logits",
        },
        "gives different results for the same input: draw random numbers from the global generator of torch",
    ),
    "chance in evaluation": ({"returned": "return logits + torch.rand(1)"}, "apply randomness only in training"),
    "a state in Python": (
        {"built": "self.calls = 0", "returned": "self.calls += self.training; return logits * self.calls"},
        "keeps state outside its parameters and buffers (calls), which a resumed run would lose",
    ),
    "a state in Python for later": (
        {"built": "self.calls = 0", "returned": "self.calls += self.training; return logits * (self.calls < 50)"},
        "keeps state outside its parameters and buffers (calls), which a resumed run would lose",
    ),
    "a layer without sizes": (
        {"built": "self.last = nn.LazyLinear(classes)"},
        "has layers without sizes, such as LazyLinear: give them their sizes in the constructor",
    ),
    "no parameter": (
        {"built": "self.requires_grad_(False)"},
        "has no parameter to train: make its layers attributes of the module, and let them have gradients",
    ),
    "seeds when built": ({"built": "torch.manual_seed(0)"}, "seeds the random numbers of torch, which belong to the run's seed"),
    "seeds in each step": (
        {"returned": "torch.manual_seed(0); return logits"},
        "seeds the random numbers of torch, which belong to the run's seed",
    ),
    "a layer in a list": (
        {"built": "self.layers = [nn.Linear(classes, classes)]", "returned": "return self.layers[0](logits)"},
        "keeps state outside its parameters and buffers",
    ),
}


@pytest.fixture
def own(tmp_path):
    """Makes a plugin's network and returns its settings."""

    def made(**changes):
        (tmp_path / "mine.py").write_text(NETWORK.format(**GOOD | changes))
        plugins.use([tmp_path / "mine.py"])
        return {"kind": "mine"}

    yield made
    plugins.use([])


def refusal(settings, size=8, batch_size=16):
    with pytest.raises(UserError) as caught:
        try_network(settings, 5, size, batch_size)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("case", WRONG)
def test_a_faulty_network_of_ones_own_is_refused_in_one_sentence(own, case):
    changes, message = WRONG[case]
    assert message in refusal(own(**changes))


@pytest.mark.parametrize("built", ["pass", "self.drop = nn.Dropout(0.5); self.last = nn.Sequential(self.last, self.drop)"])
def test_a_sound_one_is_taken(own, built):
    try_network(own(built=built), 5, 8, 1)


def test_no_module_is_refused(tmp_path):
    (tmp_path / "mine.py").write_text("class Network:\n    def __init__(self, classes, size): ...\n")
    plugins.use([tmp_path / "mine.py"])
    assert "is not an nn.Module: make its class a subclass of torch.nn.Module" in refusal({"kind": "mine"})
    plugins.use([])


def test_batchnorm_over_single_images_is_refused(own):
    norm = "self.last = nn.Sequential(self.last, nn.BatchNorm1d(classes))"
    assert "has BatchNorm, which needs more than one image in a step: raise recipe.batch_size, now 1" in refusal(
        own(built=norm), batch_size=1
    )
    try_network({"kind": "mine"}, 5, 8, 2)


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("alexnet", 32, "the network alexnet does not accept 32 × 32 pixels (.*too small.*): use another network or data.size"),
        ("vit_b_16", 24, "the network vit_b_16 does not accept 24 × 24 pixels (.+): use another network or data.size"),
        ("resnet81", 32, 'network.name is "resnet81", which torchvision has no classifier of: did you mean resnet18?'),
    ],
)
def test_what_torchvision_cannot_do_is_refused_with_network_and_size(name, size, message):
    pattern = re.escape(message).replace(r"\.\*", ".*").replace(r"\.\+", ".+")
    assert re.fullmatch(pattern, refusal({"kind": "torchvision", "name": name}, size))


@pytest.mark.parametrize("name", ["convnext_tiny", "googlenet", "regnet_y_400mf", "swin_t", "vit_b_16", "maxvit_t"])
def test_classifiers_of_torchvision_that_take_the_size_are_taken(name):
    try_network({"kind": "torchvision", "name": name}, 5, 224, 2)
