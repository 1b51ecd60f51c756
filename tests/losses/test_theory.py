"""The expected gradients of docs/theory.md, in float64 with the same frozen weights in loss and sampler."""

import pytest
import torch
import torch.nn.functional as F

from hardpair import losses, samplers
from hardpair.config.resolve import resolve_part

IMAGES, CLASSES = 300, 5


@pytest.fixture(scope="module")
def problem():
    """A linear classifier that knows something: inputs, labels and weights, all float64."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(IMAGES, 8, dtype=torch.float64, generator=generator)
    truth = torch.randn(8, CLASSES, dtype=torch.float64, generator=generator)
    noise = torch.randn(IMAGES, CLASSES, dtype=torch.float64, generator=generator)
    labels = (inputs @ truth + noise).argmax(1)
    return inputs, labels, (0.7 * truth).requires_grad_()


def cross_entropy_of(problem):
    inputs, labels, weights = problem
    return F.cross_entropy(inputs @ weights, labels, reduction="none").detach()


def build_sampler(problem, gamma, **options):
    sampler = samplers.build(resolve_part("sampler", {"kind": "focal", "gamma": gamma} | options), problem[1])
    sampler.refresh(cross_entropy_of(problem))
    return sampler


def build_loss(problem, gamma, sampler=None, **options):
    options = {"kind": "focal", "gamma": gamma, "scale": "dynamic", "detach_weight": True} | options
    loss = losses.build(resolve_part("loss", options), torch.bincount(problem[1], minlength=CLASSES)).double()
    emphasis = sampler.emphasis() if sampler else torch.ones(IMAGES, dtype=torch.float64)
    loss.refresh(cross_entropy_of(problem), emphasis)
    return loss


def expected_gradient(problem, loss=None, sampler=None):
    """Mean gradient of a step over an image drawn by the sampler, exactly: each image's, by its probability and factor."""
    inputs, labels, weights = problem
    logits = inputs @ weights
    losses = loss(logits, labels) if loss else F.cross_entropy(logits, labels, reduction="none")
    if sampler is None:
        share = torch.full((IMAGES,), 1 / IMAGES, dtype=torch.float64)
    else:
        share = sampler.weight / sampler.weight.sum()
        share = share if sampler.factors() is None else share * sampler._factors()
    return torch.autograd.grad((share * losses).sum(), weights)[0]


def focal_weight(problem, gamma):
    return (-torch.expm1(-cross_entropy_of(problem))) ** gamma


CLOSE = {"rtol": 1e-6, "atol": 1e-9}  # the scale is kept in float32


@pytest.mark.parametrize("gamma", [0.5, 1, 2, 4])
def test_the_sampler_has_the_gradient_of_the_detached_scaled_loss(problem, gamma):
    by_sampler = expected_gradient(problem, sampler=build_sampler(problem, gamma))
    by_loss = expected_gradient(problem, build_loss(problem, gamma))
    torch.testing.assert_close(by_sampler, by_loss, **CLOSE)
    assert not torch.allclose(by_sampler, expected_gradient(problem), rtol=0.05)  # and it is not that of plain cross-entropy


@pytest.mark.parametrize("gamma", [1, 2])
def test_both_together_have_twice_the_exponent_and_a_longer_step(problem, gamma):
    sampler = build_sampler(problem, gamma)
    both = expected_gradient(problem, build_loss(problem, gamma, sampler), sampler)
    doubled = expected_gradient(problem, build_loss(problem, 2 * gamma))
    w = focal_weight(problem, gamma)
    growth = w.square().mean() / w.mean() ** 2
    torch.testing.assert_close(both, growth * doubled, **CLOSE)
    assert growth > 1.2


@pytest.mark.parametrize("gamma", [1, 2])
def test_a_scale_over_the_images_drawn_takes_the_growth_away(problem, gamma):
    sampler = build_sampler(problem, gamma)
    both = expected_gradient(problem, build_loss(problem, gamma, sampler, scale_over="drawn"), sampler)
    torch.testing.assert_close(both, expected_gradient(problem, build_loss(problem, 2 * gamma)), **CLOSE)


@pytest.mark.parametrize(("of_loss", "of_sampler"), [(1, 1), (0.5, 1.5), (2, 0), (0, 2)])
def test_only_the_sum_of_the_exponents_counts(problem, of_loss, of_sampler):
    sampler = build_sampler(problem, of_sampler)
    loss = build_loss(problem, of_loss, sampler, scale_over="drawn")
    torch.testing.assert_close(expected_gradient(problem, loss, sampler), expected_gradient(problem, build_loss(problem, 2)), **CLOSE)


def test_unbiasing_restores_the_plain_gradient(problem):
    sampler = build_sampler(problem, 2, unbias=1, factor_max=1e9)
    torch.testing.assert_close(expected_gradient(problem, sampler=sampler), expected_gradient(problem), **CLOSE)
    bounded = build_sampler(problem, 2, unbias=1, factor_max=2)
    assert bounded.factors().max() == 2
    assert not torch.allclose(expected_gradient(problem, sampler=bounded), expected_gradient(problem), rtol=0.01)


@pytest.mark.parametrize("gamma", [1, 2])
def test_the_gradient_through_the_weight_makes_each_images_step_longer_by_a_known_factor(problem, gamma):
    attached = build_loss(problem, gamma, detach_weight=False, scale="none")
    detached = build_loss(problem, gamma, scale="none")
    inputs, labels, weights = problem
    for image in range(0, IMAGES, 30):
        long, short = (
            torch.autograd.grad(loss(inputs[image : image + 1] @ weights, labels[image : image + 1]).sum(), weights)[0]
            for loss in (attached, detached)
        )
        p = torch.exp(-cross_entropy_of(problem)[image])
        torch.testing.assert_close(long, (1 + gamma * p * -p.log() / (1 - p)) * short, rtol=1e-6, atol=1e-12)
