import hashlib
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hardpair import samplers
from hardpair.config.resolve import resolve_part
from hardpair.training.random_streams import derive, generator
from hardpair.training.weight_refresh import summary

torch.set_num_threads(1)
STREAMS = ("initialisation", "order", "augmentation", "dropout", "sampler")


def build(kind, labels, **options):
    """A sampler with the schema's defaults for what is left out; of a number, of so many images."""
    labels = torch.zeros(labels, dtype=torch.int64) if isinstance(labels, int) else labels
    return samplers.build(resolve_part("sampler", {"kind": kind} | options), labels)


def focal(count, gamma=2.0, **options):
    return build("focal", count, gamma=gamma, **options)


def counts_of(sampler, count, epochs, seed=0):
    """How often each image is drawn in many epochs."""
    random = generator(seed, sampler.stream)
    return sum(np.bincount(sampler.draw(random).numpy(), minlength=count) for _ in range(epochs))


@pytest.mark.parametrize("count", [1, 2, 100])
def test_the_uniform_sampler_shows_every_image_once_an_epoch_in_a_new_order(count):
    sampler, random = build("uniform", count), generator(0, "order")
    epochs = [sampler.draw(random) for _ in range(3)]
    assert all(sorted(epoch.tolist()) == list(range(count)) for epoch in epochs)
    assert {epoch.dtype for epoch in epochs} == {torch.int64}
    if count == 100:
        assert not torch.equal(epochs[0], epochs[1])
        assert epochs[0].tolist() != list(range(count))


def test_the_first_image_of_a_uniform_order_is_any_with_equal_chance():
    sampler, random = build("uniform", 8), generator(0, "order")
    first = np.bincount([sampler.draw(random)[0] for _ in range(4000)], minlength=8)
    assert stats.chisquare(first).pvalue > 0.001


def test_the_uniform_sampler_has_no_metrics_and_uses_no_weights():
    sampler = build("uniform", 4)
    assert sampler.refresh(torch.tensor([0.0, 0.0, 0.0, 9.0])) is None
    assert sampler.factors() is None
    assert sampler.emphasis().tolist() == [1, 1, 1, 1]
    assert sorted(sampler.draw(generator(0, "order")).tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize("gamma", [0, 0.5, 2, 5])
def test_the_focal_sampler_draws_in_proportion_to_the_weights(gamma):
    cross_entropy = np.random.default_rng(1).exponential(1.0, 40).astype(np.float32)
    sampler = focal(40, gamma)
    sampler.refresh(torch.from_numpy(cross_entropy))
    q = (1 - np.exp(-cross_entropy.astype(np.float64))) ** gamma
    expected = q / q.sum() * 40 * 1000
    counts, rare = counts_of(sampler, 40, epochs=1000), expected < 10
    assert counts.sum() == 40_000
    cells = [np.append(part[~rare], part[rare].sum()) if rare.any() else part for part in (counts, expected)]
    assert stats.chisquare(*cells).pvalue > 0.001
    if gamma:
        assert stats.chisquare(counts).pvalue < 1e-6  # the test could tell it from uniform


def test_draws_are_independent_so_that_an_epoch_repeats_and_omits_images():
    sampler = focal(200)
    sampler.refresh(torch.full((200,), 0.7))
    drawn = sampler.draw(generator(0, "sampler"))
    assert drawn.shape == (200,)
    assert drawn.dtype == torch.int64
    distinct = len(set(drawn.tolist()))
    assert abs(distinct - 200 * (1 - np.exp(-1))) < 25  # 63 % of the images, sd 4


def test_images_at_the_floor_are_hardly_ever_drawn_beside_hard_ones():
    sampler = focal(100)
    cross_entropy = torch.zeros(100)
    cross_entropy[[3, 50]] = torch.tensor([2.0, 2.0])
    weights = summary(sampler.refresh(cross_entropy))
    assert set(np.flatnonzero(counts_of(sampler, 100, epochs=50))) == {3, 50}
    assert weights["effective_share"] == pytest.approx(0.02)


def test_before_its_first_refresh_and_with_all_images_at_the_floor_sampling_is_uniform():
    fresh, certain = focal(20), focal(20)
    assert certain.refresh(torch.zeros(20)).tolist() == [1.0] * 20
    for sampler in (fresh, certain):
        assert stats.chisquare(counts_of(sampler, 20, epochs=1000)).pvalue > 0.001


@given(st.lists(st.floats(0, 30, width=32), min_size=1, max_size=30), st.sampled_from([0, 1, 2, 5]))
@settings(deadline=None)
def test_mean_weight_and_effective_share_follow_their_formulas(cross_entropy, gamma):
    weights = summary(focal(len(cross_entropy), gamma).refresh(torch.tensor(cross_entropy)))
    w = np.maximum((-np.expm1(-np.array(cross_entropy))) ** gamma, 1e-12)
    w = w if (w > 1e-12).any() else np.ones_like(w)
    assert weights["mean_weight"] == pytest.approx(w.mean(), rel=1e-9)
    assert weights["largest_weight"] == pytest.approx(w.max(), rel=1e-9)
    assert weights["effective_share"] == pytest.approx(w.sum() ** 2 / (len(w) * (w**2).sum()), rel=1e-9)
    assert 1 / len(w) - 1e-9 <= weights["effective_share"] <= 1 + 1e-9


@given(st.lists(st.floats(0.0625, 9, width=32), min_size=2, max_size=30), st.sampled_from([0.5, 1]), st.sampled_from([1.5, 100]))
@settings(deadline=None)
def test_factors_undo_the_draws_up_to_their_bound(cross_entropy, unbias, factor_max):
    sampler = focal(len(cross_entropy), unbias=unbias, factor_max=factor_max)
    sampler.refresh(torch.tensor(cross_entropy))
    w = (-np.expm1(-np.array(cross_entropy))) ** 2
    q, count = w / w.sum(), len(w)
    factors = np.minimum((1 / (count * q)) ** unbias, factor_max)
    assert sampler.factors().dtype == torch.float32
    np.testing.assert_allclose(sampler.factors(), factors, rtol=1e-5)
    np.testing.assert_allclose(sampler.emphasis(), count * q * factors, rtol=1e-5)
    if unbias == 1 and factors.max() < factor_max:
        np.testing.assert_allclose(sampler.emphasis(), 1, rtol=1e-6)


def test_without_unbiasing_there_are_no_factors():
    assert focal(3).factors() is None


def test_the_class_balanced_sampler_draws_each_class_equally_often_and_its_images_alike():
    labels = torch.tensor([0] * 20 + [1] * 4 + [3] * 1)  # class 2 has no image
    sampler = build("class_balanced", labels)
    counts = counts_of(sampler, 25, epochs=400)
    q = np.array([1 / 60] * 20 + [1 / 12] * 4 + [1 / 3])
    assert stats.chisquare(counts, q * counts.sum()).pvalue > 0.001
    np.testing.assert_allclose(sampler.emphasis(), 25 * q, rtol=1e-12)
    assert sampler.refresh(torch.rand(25)) is None


def test_a_refresh_replaces_the_weights_of_the_last_one():
    sampler = focal(2)
    sampler.refresh(torch.tensor([9.0, 0.0]))
    assert set(sampler.draw(generator(0, "sampler")).tolist()) == {0}
    sampler.refresh(torch.tensor([0.0, 9.0]))
    assert set(sampler.draw(generator(0, "sampler")).tolist()) == {1}


def test_the_samplers_draw_from_streams_of_their_own():
    assert (build("uniform", 3).stream, focal(3).stream) == ("order", "sampler")


@given(st.integers(0, 2**32 - 1), st.sampled_from(STREAMS))
@settings(deadline=None)
def test_a_stream_starts_from_the_hash_of_seed_and_name(seed, stream):
    expected = int(hashlib.sha256(f"{seed}/{stream}".encode()).hexdigest()[:16], 16) // 2
    assert derive(seed, stream) == expected < 2**63


def test_no_two_streams_of_a_study_start_alike():
    starts = [tuple(torch.rand(4, generator=generator(seed, stream)).tolist()) for seed, stream in product(range(200), STREAMS)]
    assert len(set(starts)) == len(starts)


def test_the_same_seed_gives_the_same_numbers_whatever_else_is_drawn_between():
    alone = torch.rand(10, generator=generator(7, "order"))
    order, others = generator(7, "order"), [generator(7, stream) for stream in STREAMS if stream != "order"]
    mixed = []
    for _ in range(10):
        mixed.append(torch.rand(1, generator=order))
        for other in others:
            torch.rand(3, generator=other)
        torch.rand(2)
    assert torch.equal(torch.cat(mixed), alone)


def test_streams_of_one_seed_and_of_neighbouring_seeds_are_uncorrelated():
    numbers = np.array([torch.rand(4000, generator=generator(seed, stream)).numpy() for seed in (0, 1) for stream in STREAMS])
    off_diagonal = np.corrcoef(numbers)[np.triu_indices(len(numbers), k=1)]
    assert np.abs(off_diagonal).max() < 5 / np.sqrt(4000)
