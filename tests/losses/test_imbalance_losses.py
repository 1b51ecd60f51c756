"""The losses made for smoothed labels and for classes of unequal size, against their formulas in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax

from hardpair import losses
from hardpair.class_weights import effective_number_weights
from hardpair.config.resolve import resolve_part

COUNTS = np.array([5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50])  # CIFAR-10-LT, imbalance 100
SEEDS = st.integers(0, 10_000)


def build(kind, counts=COUNTS, **options):
    """A loss with the schema's defaults for what is left out."""
    return losses.build(resolve_part("loss", {"kind": kind} | options), torch.from_numpy(counts))


def batch(seed):
    """Logits float32 (20, 10) and labels int64 (20,)."""
    draw = np.random.default_rng(seed)
    return (3 * draw.standard_normal((20, 10))).astype(np.float32), draw.integers(0, 10, 20)


def values(loss, logits, labels):
    """Loss of each image as NumPy."""
    return loss(torch.from_numpy(logits), torch.from_numpy(labels)).numpy()


def log_p(logits, labels):
    """ln p_t in float64."""
    return log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(labels)), labels]


@given(SEEDS, st.sampled_from([0, 0.1, 0.5]))
@settings(deadline=None)
def test_label_smoothing_is_the_cross_entropy_to_the_smoothed_label(seed, smoothing):
    logits, labels = batch(seed)
    target = (1 - smoothing) * np.eye(10)[labels] + smoothing / 10
    expected = -(target * log_softmax(logits.astype(np.float64), axis=1)).sum(1)
    np.testing.assert_allclose(values(build("label_smoothing", smoothing=smoothing), logits, labels), expected, rtol=1e-5, atol=1e-6)


@given(st.lists(st.integers(0, 50_000), min_size=1, max_size=20), st.sampled_from([0, 0.9, 0.99, 0.999, 0.9999]))
@settings(deadline=None)
def test_class_weights_come_from_the_effective_number_of_images(counts, beta):
    effective = [sum(beta**i for i in range(max(n, 1))) if n < 200 else (1 - beta**n) / (1 - beta) for n in counts]  # 1 + β + β² + …
    expected = 1 / np.array(effective)
    np.testing.assert_allclose(effective_number_weights(torch.tensor(counts), beta), expected / expected.mean(), rtol=1e-8)


def test_class_weights_go_from_equal_to_inverse_counts():
    counts = torch.from_numpy(COUNTS)
    np.testing.assert_allclose(effective_number_weights(counts, 0), 1)
    inverse = (1 / COUNTS) / (1 / COUNTS).mean()
    np.testing.assert_allclose(effective_number_weights(counts, 1 - 1e-9), inverse, rtol=1e-4)


@given(SEEDS)
@settings(deadline=None)
def test_class_balanced_loss_weighs_the_image_by_its_class(seed):
    logits, labels = batch(seed)
    weights = (1 - 0.9999) / (1 - 0.9999**COUNTS)
    expected = (10 * weights / weights.sum())[labels] * -log_p(logits, labels)
    np.testing.assert_allclose(values(build("class_balanced"), logits, labels), expected, rtol=1e-4, atol=1e-6)


@given(SEEDS)
@settings(deadline=None)
def test_balanced_softmax_counts_each_class_in_the_softmax(seed):
    logits, labels = batch(seed)
    weighted = COUNTS * np.exp(logits.astype(np.float64))  # eq. 3 of the paper
    expected = -np.log(weighted[np.arange(20), labels] / weighted.sum(1))
    np.testing.assert_allclose(values(build("balanced_softmax"), logits, labels), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("kind", "options"), [("balanced_softmax", {}), ("class_balanced", {}), ("label_smoothing", {"smoothing": 0})])
def test_with_classes_of_one_size_they_are_cross_entropy(kind, options):
    logits, labels = batch(1)
    np.testing.assert_allclose(
        values(build(kind, np.full(10, 30), **options), logits, labels), -log_p(logits, labels), rtol=1e-5, atol=1e-5
    )


def test_the_adjustment_of_the_logits_has_a_factor_that_can_take_it_away():
    logits, labels = batch(2)
    np.testing.assert_allclose(values(build("balanced_softmax", tau=0), logits, labels), -log_p(logits, labels), rtol=1e-5, atol=1e-6)
    lowered = logits + 2 * np.log(COUNTS / COUNTS.sum())
    np.testing.assert_allclose(values(build("balanced_softmax", tau=2), logits, labels), -log_p(lowered, labels), rtol=1e-5, atol=1e-5)


@given(SEEDS, st.sampled_from([0.0, 0.5, 0.79, 0.8, 0.99]))
@settings(deadline=None)
def test_ldam_lowers_the_true_logit_by_its_margin_and_weighs_classes_late(seed, share):
    logits, labels = batch(seed)
    loss = build("ldam")
    for done in (0.0, share):
        loss.begin_epoch(done)
    margins = 0.5 * (COUNTS / COUNTS.min()) ** -0.25
    lowered = logits.astype(np.float64) - 30 * margins * np.eye(10)[labels]
    weights = (1 - 0.9999) / (1 - 0.9999**COUNTS)
    weights = weights[labels] if share >= 0.8 else np.ones(20)
    expected = 20 * weights / weights.sum() * -log_p(lowered, labels)
    np.testing.assert_allclose(values(loss, logits, labels), expected, rtol=1e-4, atol=1e-5)


@given(SEEDS, st.integers(1, 20))
@settings(deadline=None)
def test_a_step_takes_the_mean_that_the_authors_take(seed, size):
    """Of the weights of a batch: Cui et al. divide by its images, Cao et al. by its weights, a short batch too."""
    logits, labels = (part[:size] for part in batch(seed))
    cross_entropy, weights = -log_p(logits, labels), ((1 - 0.9999) / (1 - 0.9999**COUNTS))
    weights = 10 * weights / weights.sum()
    by_images = (weights[labels] * cross_entropy).sum() / size
    np.testing.assert_allclose(values(build("class_balanced"), logits, labels).mean(), by_images, rtol=1e-4)
    loss = build("ldam", margin_max=0)
    loss.begin_epoch(0.8)
    by_weights = (weights[labels] * cross_entropy).sum() / weights[labels].sum()
    np.testing.assert_allclose(values(loss, logits, labels).mean(), by_weights, rtol=1e-4)


def test_ldam_requires_logits_that_are_cosines():
    assert build("ldam", scale=20).cosine_scale == 20
    assert build("cross_entropy").cosine_scale is None


def test_a_class_without_images_does_no_harm():
    counts = COUNTS.copy()
    counts[7] = 0
    logits, labels = batch(3)
    for kind in ("class_balanced", "balanced_softmax", "ldam"):
        assert np.isfinite(values(build(kind, counts), logits, labels)).all()
