"""Optimisers against those of torch and against their formulas in float64."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hardpair.errors import UserError
from hardpair.training import model, optimiser
from small_runs import RECIPE

THEIRS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, 0.1, momentum=0.9, weight_decay=5e-4, fused=True),
    "nesterov": lambda parameters: torch.optim.SGD(parameters, 0.1, momentum=0.9, weight_decay=5e-4, nesterov=True, fused=True),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, 0.1, betas=(0.9, 0.999), weight_decay=5e-4, fused=True),
}
CHANGES = {"sgd": {}, "nesterov": {"nesterov": True}, "adamw": {"optimizer": "adamw"}}


@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("name", THEIRS)
def test_steps_are_those_of_torch_bit_for_bit(name, clip):
    network, twin = model.build(10, 8, 0.0, seed=0), model.build(10, 8, 0.0, seed=0)
    ours = optimiser.build(replace(RECIPE, learning_rate=0.1, clip_gradient=clip, **CHANGES[name]), network)
    theirs = THEIRS[name](twin.parameters())
    for step in range(5):
        if step == 3:
            ours.learning_rate = theirs.param_groups[0]["lr"] = 0.01
        torch.manual_seed(step)
        images, labels = torch.randn(16, 3, 8, 8), torch.randint(10, (16,))
        F.cross_entropy(network(images), labels).backward()
        ours.step()
        theirs.zero_grad()
        F.cross_entropy(twin(images), labels).backward()
        if clip:
            assert nn.utils.clip_grad_norm_(twin.parameters(), clip) > clip
        theirs.step()
        assert all(torch.equal(a, b) for a, b in zip(network.parameters(), twin.parameters(), strict=True)), f"step {step}"


def stepped(recipe, count=4):
    """The weights of a layer in float64 at first and after each step, and the gradients between."""
    layer = nn.Linear(3, 2, bias=False).double()
    steps, weights, gradients = optimiser.build(recipe, layer), [layer.weight.detach().clone()], []
    for step in range(count):
        gradients.append(torch.linspace(-1, 1 + step, 6, dtype=torch.float64).view(2, 3))
        layer.weight.grad = gradients[-1].clone()
        steps.step()
        weights.append(layer.weight.detach().clone())
        assert layer.weight.grad is None
    return weights, gradients


def test_adamw_is_the_algorithm_of_the_paper():
    recipe = replace(RECIPE, optimizer="adamw", learning_rate=0.01, momentum=0.8, weight_decay=0.1)
    weights, gradients = stepped(recipe)
    mean = square = torch.zeros(2, 3, dtype=torch.float64)
    for step, gradient in enumerate(gradients, 1):
        mean, square = 0.8 * mean + 0.2 * gradient, 0.999 * square + 0.001 * gradient**2
        moved = (mean / (1 - 0.8**step)) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
        expected = weights[step - 1] - 0.01 * (moved + 0.1 * weights[step - 1])
        torch.testing.assert_close(weights[step], expected, rtol=1e-10, atol=1e-12)


def test_nesterovs_momentum_looks_ahead():
    recipe = replace(RECIPE, nesterov=True, learning_rate=0.1, momentum=0.9, weight_decay=0.01)
    weights, gradients = stepped(recipe)
    velocity = torch.zeros(2, 3, dtype=torch.float64)
    for before, after, gradient in zip(weights, weights[1:], gradients, strict=False):
        decayed = gradient + 0.01 * before
        velocity = 0.9 * velocity + decayed
        torch.testing.assert_close(after, before - 0.1 * (decayed + 0.9 * velocity), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("clip", "factor"), [(100.0, 1), (0.5, None)])
def test_only_a_longer_gradient_is_shortened_and_keeps_its_direction(clip, factor):
    recipe = replace(RECIPE, momentum=0.0, weight_decay=0.0, learning_rate=1.0, clip_gradient=clip)
    [before, after], [gradient] = stepped(recipe, count=1)
    factor = factor or 0.5 / gradient.norm()
    torch.testing.assert_close(before - after, factor * gradient, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_parameter_without_a_gradient_is_named_and_nothing_moves(optimizer):
    network = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    steps = optimiser.build(replace(RECIPE, optimizer=optimizer), network)
    network[0](torch.ones(4, 3)).sum().backward()  # as of a network that skips a layer
    before = [parameter.clone() for parameter in network.parameters()]
    with pytest.raises(
        UserError, match=r"^the network did not use its parameter 1\.weight in a step: use it in every forward\(\), multiplied"
    ):
        steps.step()
    assert all(map(torch.equal, before, network.parameters()))


def test_parameters_that_are_not_trained_stay():
    layer = nn.Linear(3, 2)
    layer.bias.requires_grad_(False)
    steps, bias = optimiser.build(replace(RECIPE, weight_decay=0.5), layer), layer.bias.clone()
    layer(torch.ones(4, 3)).sum().backward()
    steps.step()
    assert torch.equal(layer.bias, bias)
