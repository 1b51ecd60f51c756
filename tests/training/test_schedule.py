"""Learning rates against torch's schedulers, which are stepped after every step of training."""

from dataclasses import replace

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, MultiStepLR, SequentialLR

from hardpair.training.schedule import learning_rate
from small_runs import RECIPE, history_of

STEPS = 7  # an epoch


def rates_of(recipe, steps=1):
    return [learning_rate(recipe, epoch, step, steps) for epoch in range(recipe.epochs) for step in range(steps)]


def rates_of_torch(recipe, scheduler, warmup):
    """Rates of a schedule of torch's, after ``warmup`` steps of a rise from 1 / warmup to 1."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=recipe.learning_rate)
    schedule = scheduler(optimiser)
    if warmup:
        rise = LinearLR(optimiser, 1 / warmup, total_iters=warmup - 1)
        schedule = SequentialLR(optimiser, [rise, schedule], milestones=[warmup])
    rates = []
    for _ in range(recipe.epochs * STEPS):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return rates


def test_the_published_run_drops_after_25_and_40_of_50_epochs():
    published = replace(RECIPE, epochs=50, learning_rate=0.01)
    assert rates_of(published) == pytest.approx([0.01] * 25 + [0.001] * 15 + [0.0001] * 10)


@pytest.mark.parametrize("warmup", [0, 1, 2])
def test_cosine_and_warm_up_are_those_of_torch(warmup):
    recipe = replace(RECIPE, epochs=9, schedule="cosine", warmup_epochs=warmup)
    expected = rates_of_torch(recipe, lambda optimiser: CosineAnnealingLR(optimiser, (9 - warmup) * STEPS), warmup * STEPS)
    assert rates_of(recipe, STEPS) == pytest.approx(expected)


def test_a_warm_up_moves_no_drop():
    recipe = replace(RECIPE, epochs=10, warmup_epochs=2)
    drops = [epoch * STEPS - 2 * STEPS for epoch in (5, 8)]
    assert rates_of(recipe, STEPS) == pytest.approx(rates_of_torch(recipe, lambda optimiser: MultiStepLR(optimiser, drops, 0.1), 2 * STEPS))


def test_a_warm_up_of_half_an_epoch_ends_within_it():
    rates = rates_of(replace(RECIPE, epochs=2, lr_drops=(), warmup_epochs=0.5, learning_rate=1.0), steps=4)
    assert rates == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 1])


def test_a_run_records_the_rate_of_each_epochs_last_step(small_images, small_split):
    changes = {"epochs": 3, "schedule": "cosine", "warmup_epochs": 1}
    rows = history_of(small_images, small_split, **changes).epochs
    expected = rates_of(replace(RECIPE, **changes), steps=4)[3::4]  # 200 images in batches of 64
    assert [row["learning_rate"] for row in rows] == pytest.approx(expected)
