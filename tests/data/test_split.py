"""Which images are trained on."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hardpair.data.split import split_indices
from hardpair.errors import UserError


@st.composite
def wishes(draw):
    """Labels of 2 to 150 images, and sizes that they can meet."""
    labels = np.array(draw(st.lists(st.integers(0, 4), min_size=2, max_size=150)))
    validation = draw(st.integers(0, len(labels) - 1))
    return labels, draw(st.one_of(st.none(), st.integers(1, len(labels) - validation))), validation


@given(wishes(), st.sampled_from(["stratified", "random"]))
def test_training_and_validation_are_disjoint_sorted_of_the_requested_sizes_and_reproducible(wish, split):
    labels, training, validation = wish
    kept, held_out = split_indices(labels, training, validation, split)
    assert len(held_out) == validation
    assert len(kept) == (len(labels) - validation if training is None else training)
    assert len(np.unique([*kept, *held_out])) == len(kept) + validation
    assert np.isin([*kept, *held_out], np.arange(len(labels))).all()
    for index in (kept, held_out):
        assert (np.diff(index) > 0).all()
    for again, first in zip(split_indices(labels.copy(), training, validation, split), (kept, held_out), strict=True):
        assert np.array_equal(again, first)


@given(wishes())
def test_a_stratified_split_keeps_the_share_of_each_class_within_one_image(wish):
    labels, training, validation = wish
    kept, held_out = split_indices(labels, training, validation, "stratified")
    counts = np.bincount(labels, minlength=5)
    validation_counts = np.bincount(labels[held_out], minlength=5)
    assert (abs(validation_counts - validation * counts / len(labels)) < 1 - 1e-9).all()
    left = counts - validation_counts
    assert (abs(np.bincount(labels[kept], minlength=5) - len(kept) * left / left.sum()) < 1 - 1e-9).all()


def test_a_random_split_draws_without_regard_to_class():
    labels = np.repeat(np.arange(10), 1000)
    counts = np.bincount(labels[split_indices(labels, None, 2000, "random")[1]])
    p = stats.chisquare(counts).pvalue
    assert 1e-4 < p < 1 - 1e-4  # neither lopsided nor as even as strata would make it


@pytest.mark.parametrize("split", ["stratified", "random"])
@pytest.mark.parametrize(("training", "validation"), [(None, 10), (None, 11), (6, 5), (11, 0)])
def test_more_images_than_there_are_are_refused(split, training, validation):
    with pytest.raises(UserError, match="but there are 10: lower one of them"):
        split_indices(np.arange(10) % 2, training, validation, split)


@pytest.mark.parametrize(
    ("classes", "largest", "imbalance", "total"),
    [
        *((10, 5000, imbalance, total) for imbalance, total in ((10, 20431), (50, 13996), (100, 12406), (200, 11203))),
        *((100, 500, imbalance, total) for imbalance, total in ((10, 19573), (50, 12608), (100, 10847))),
        (4, 1000, 1000, 1111),
    ],
)
def test_a_long_tail_has_the_published_number_of_images(classes, largest, imbalance, total):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(classes), largest))
    kept, held_out = split_indices(labels, None, 0, "stratified", imbalance)
    assert (len(kept), len(held_out)) == (total, 0)
    counts = np.bincount(labels[kept]).tolist()
    for label, count in enumerate(counts):  # n <= x < n + 1 in integers, where x^(C-1) = each^(C-1) / imbalance^label
        assert count ** (classes - 1) * imbalance**label <= largest ** (classes - 1) < (count + 1) ** (classes - 1) * imbalance**label
    if (classes, imbalance) == (10, 100):
        assert counts == [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]


@given(
    st.lists(st.integers(30, 60), min_size=1, max_size=5),
    st.tuples(st.floats(1, 30), st.floats(1, 30)).map(sorted),
    st.integers(0, 20),
    st.sampled_from(["stratified", "random"]),
)
@settings(deadline=None)
def test_a_longer_tail_is_part_of_a_shorter_one_and_leaves_validation_as_it_is(sizes, imbalances, validation, split):
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(len(sizes)), sizes))
    training, held_out = split_indices(labels, None, validation, split)
    left = np.bincount(labels[training], minlength=len(sizes))
    before = training
    for imbalance in imbalances:
        if imbalance == 1:
            continue
        try:
            kept, same = split_indices(labels, None, validation, split, imbalance)
        except UserError:
            assert (left < imbalance).any()
            return
        assert np.array_equal(same, held_out)
        assert (np.diff(kept) > 0).all()
        assert np.isin(kept, before).all()
        for label, count in enumerate(np.bincount(labels[kept], minlength=len(sizes))):
            exact = left[label] * imbalance ** -(label / max(len(sizes) - 1, 1))
            assert exact - 1 - 1e-6 < count <= exact + 1e-6
        before = kept


def test_the_images_of_a_tail_are_drawn_at_random():
    labels = np.repeat(np.arange(10), 1000)
    kept, _ = split_indices(labels, None, 0, "stratified", 10)
    last = kept[labels[kept] == 9] - 9000
    assert len(last) == 100
    p = stats.kstest(last / 1000, "uniform").pvalue
    assert 1e-4 < p < 1 - 1e-4


def test_plain_splits_are_those_of_the_first_version():
    """Their bytes are part of every run's fingerprint."""
    labels = np.arange(1000) * 7919 % 997 % 10
    for split, digest in (("stratified", "3254b6fbe1fe4a36"), ("random", "9115e3b474a9a0b1")):
        parts = split_indices(labels, 500, 200, split)
        assert hashlib.sha256(json.dumps([part.tolist() for part in parts]).encode()).hexdigest()[:16] == digest
