from dataclasses import replace

import pytest

from hardpair.training.schedule import learning_rate
from small_runs import RECIPE


def test_the_published_run_drops_after_25_and_40_of_50_epochs():
    published = replace(RECIPE, epochs=50, learning_rate=0.01)
    rates = [learning_rate(published, epoch) for epoch in range(50)]
    assert rates == pytest.approx([0.01] * 25 + [0.001] * 15 + [0.0001] * 10)
