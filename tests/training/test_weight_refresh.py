from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from hardpair import plugins
from hardpair.networks.cnn import Network
from hardpair.training import loop, model
from hardpair.training.augment import normalise
from hardpair.training.history import REFRESH_COLUMNS
from hardpair.training.random_streams import generator
from hardpair.training.weight_refresh import LOGGED, class_shares, histogram, is_due
from small_runs import CE, DFL, SAMPLER, UNIFORM, history_of, training_of


def test_weights_are_refreshed_at_the_epochs_of_the_published_table():
    assert [epoch for epoch in range(51) if is_due(epoch, 5, 50)] == [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50]
    assert LOGGED == (4,)


@pytest.mark.parametrize(("every", "last", "expected"), [(5, 7, [0, 5, 7]), (1, 3, [0, 1, 2, 3]), (9, 4, [0, 4]), (2, 4, [0, 2, 4])])
def test_weights_are_refreshed_before_the_first_epoch_and_after_the_last_whatever_the_interval(every, last, expected):
    assert [epoch for epoch in range(last + 1) if is_due(epoch, every, last)] == expected


@given(st.integers(0, 10_000), st.floats(0.01, 3))
@settings(deadline=None)
def test_the_histogram_counts_as_numpy_does(seed, mean):
    cross_entropy = np.random.default_rng(seed).exponential(mean, 300)
    cross_entropy[:3] = [0, 1e-20, 1e4]
    expected, _ = np.histogram(np.exp(-cross_entropy), bins=100, range=(0, 1))
    counts = histogram(torch.from_numpy(cross_entropy))
    assert counts.dtype == torch.int64
    np.testing.assert_array_equal(counts, expected)


@given(st.integers(0, 10_000), st.integers(1, 5))
@settings(deadline=None)
def test_class_shares_are_sums_of_weights_by_class(seed, classes):
    draw = np.random.default_rng(seed)
    w, labels = draw.exponential(size=30), draw.integers(0, classes, 30)
    expected = [w[labels == c].sum() / w.sum() for c in range(classes + 1)]  # the last has no image
    np.testing.assert_allclose(class_shares(torch.from_numpy(w), torch.from_numpy(labels), classes + 1), expected, rtol=1e-12)


def test_weights_are_refreshed_and_recorded_at_their_epochs_and_epoch_four_is_only_recorded(small_images, small_split):
    history = history_of(small_images, {**small_split, "training": small_split["training"][:40]}, DFL, SAMPLER, epochs=6, refresh_every=5)
    assert [(row["epoch"], row["applied"]) for row in history.refreshes] == [(0, 1), (4, 0), (5, 1), (6, 1)]
    # Without a scheduled refresh only p_t is recorded; before the first epoch nothing has been drawn.
    assert [set(REFRESH_COLUMNS) - set(row) for row in history.refreshes] == [
        {"sampler_distinct_share", "sampler_largest_factor"},
        set(REFRESH_COLUMNS[3:]),
        {"sampler_largest_factor"},
        {"sampler_largest_factor"},
    ]
    assert all(0 < row["mean_p"] < 1 for row in history.refreshes)
    assert [counts.sum() for counts in history.histograms] == [40] * 4


def test_refreshes_look_at_the_training_images_without_dropout_or_augmentation(small_images, small_split, plain_history):
    network = Network(10, 8)
    network.load_state_dict(plain_history.last)
    pixels, labels = small_images.pixels[small_split["training"]] / 255, small_images.labels[small_split["training"]]
    with torch.no_grad():
        logits = network((pixels - small_images.mean.view(3, 1, 1)) / small_images.std.view(3, 1, 1))
    p = F.softmax(logits.double(), 1)[torch.arange(200), labels]
    assert plain_history.refreshes[-1]["mean_p"] == pytest.approx(p.mean().item(), rel=1e-5)


@pytest.mark.parametrize("sampler", [UNIFORM, SAMPLER])
def test_images_that_are_all_certain_are_trained_on(small_images, small_split, sampler):
    training = training_of(small_images, small_split, DFL, sampler, epochs=3, refresh_every=1, dropout=0.0)

    def make_certain(training):
        """All logits become those of one class, however the images look, and the labels that class."""
        with torch.no_grad():
            training.network.output.weight.zero_()
            training.network.output.bias.copy_(torch.tensor([1e4] + [0.0] * 9))

    training.images = training.batches.images = replace(small_images, labels=torch.zeros_like(small_images.labels))
    training.labels = torch.zeros_like(training.labels)
    history = training.run(after_step=make_certain)
    assert [row["mean_p"] for row in history.refreshes[1:]] == [1.0] * 3
    assert [row["loss_scale"] for row in history.refreshes[1:]] == [1.0] * 3
    assert all(row["train_loss"] == 0 for row in history.epochs[1:])
    assert all(weight.isfinite().all() for weight in history.last.values())


def test_refreshes_tell_what_the_weights_do(small_images, small_split):
    training = training_of(small_images, small_split, DFL, SAMPLER | {"unbias": 0.5}, seed=2)
    drawn, draw = [], training.sampler.draw
    training.sampler.draw = lambda random: drawn.append(draw(random)) or drawn[-1]
    history = training.run()
    rows, labels = history.refreshes, small_images.labels[small_split["training"]]
    assert [row["epoch"] for row in rows] == [0, 2, 4]
    for row, epoch in zip(rows[1:], (2, 4), strict=True):
        assert row["sampler_distinct_share"] == len(set(drawn[epoch - 1].tolist())) / 200
    network = Network(10, 8).eval()
    network.load_state_dict(history.last)
    with torch.no_grad():
        p = F.softmax(network(normalise(small_images.pixels[small_split["training"]], small_images.mean, small_images.std)).double(), 1)
    w = ((1 - p[torch.arange(200), labels]) ** 2).numpy()
    for part in ("loss", "sampler"):
        assert rows[-1][f"{part}_mean_weight"] == pytest.approx(w.mean(), rel=1e-4)
        assert rows[-1][f"{part}_largest_weight"] == pytest.approx(w.max(), rel=1e-4)
        assert rows[-1][f"{part}_effective_share"] == pytest.approx(w.sum() ** 2 / (200 * (w**2).sum()), rel=1e-4)
        shares = [w[labels == label].sum() / w.sum() for label in range(10)]
        np.testing.assert_allclose(history.shares[part][-1], shares, rtol=1e-4)
    assert rows[-1]["loss_scale"] == pytest.approx(1 / w.mean(), rel=1e-4)
    assert rows[-1]["sampler_largest_factor"] == pytest.approx(min((w.mean() / w.min()) ** 0.5, 100), rel=1e-3)


def test_without_weights_nothing_is_recorded_of_them(small_images, small_split, plain_history):
    assert all(set(row) == {"epoch", "applied", "mean_p"} for row in plain_history.refreshes)
    assert np.isnan(plain_history.shares["loss"]).all()


@pytest.mark.parametrize("scale", ["2.0", "torch.full((len(counts),), 2.0)", "torch.tensor(2.0)"])
def test_a_plugin_s_scale_is_recorded_if_it_is_one_number_in_a_tensor(small_images, small_split, tmp_path, scale):
    (tmp_path / "mine.py").write_text(
        f"""
import torch
from hardpair.losses import ImageLoss

class Loss(ImageLoss):
    def __init__(self, counts):
        super().__init__(counts)
        self.scale = {scale}

        self.steps = 0

    def forward(self, logits, labels):
        self.steps += 1
        return logits.sum(1) * (float("inf") if self.steps > 2 else 0)
"""
    )
    plugins.use([tmp_path / "mine.py"])
    training = training_of(small_images, small_split, {"kind": "mine"})
    plugins.use([])
    with pytest.raises(loop.Diverged, match=r"lower recipe\.learning_rate") as caught:
        training.run()
    a_buffer = scale == "torch.tensor(2.0)"
    assert training.history.refreshes[0].get("loss_scale") == (2 if a_buffer else None)
    assert "scale_max" not in str(caught.value), "an option of the focal loss"


def test_factors_and_their_bound_change_no_draws(small_images, small_split):
    sampler = SAMPLER | {"unbias": 1, "factor_max": 1}
    first, second = (training_of(small_images, small_split, CE, settings, epochs=1) for settings in (SAMPLER, sampler))
    for training in (first, second):
        training.sampler.weight[:50] = 1e-3
    # Of the easy images the factor is more than 1, so at its bound; of the others less.
    assert second.sampler.factors()[:50].tolist() == [1.0] * 50
    assert (second.sampler.factors()[50:] < 1).all()
    assert torch.equal(first.sampler.draw(generator(0, "sampler")), second.sampler.draw(generator(0, "sampler")))


def test_factors_multiply_the_loss_of_each_image(small_images, small_split):
    """A step with factors is the step that a plain loop takes with them."""
    training = training_of(small_images, small_split, CE, SAMPLER | {"unbias": 1}, batch_size=200, epochs=1, dropout=0.0)
    training.sampler.weight.copy_(torch.linspace(0.1, 1, 200))
    weights_before = {name: value.clone() for name, value in training.network.state_dict().items()}
    training.draw_epoch()
    inputs, labels, factors = training.batches.next_batch(200)
    drawn = training.sampler.draw(generator(0, "sampler"))
    q = torch.linspace(0.1, 1, 200, dtype=torch.float64)[drawn] / torch.linspace(0.1, 1, 200, dtype=torch.float64).sum()
    torch.testing.assert_close(factors, (1 / (200 * q)).float(), rtol=1e-5, atol=0)
    twin = Network(10, 8).to(memory_format=torch.channels_last)
    twin.load_state_dict(weights_before)
    (F.cross_entropy(twin(inputs), labels, reduction="none") * (1 / (200 * q)).float()).mean().backward()
    training.take_step(200)
    for parameter, theirs in zip(training.network.parameters(), twin.parameters(), strict=True):
        moved = theirs.detach() - 0.02 * (theirs.grad + 5e-4 * theirs.detach())
        torch.testing.assert_close(parameter.detach(), moved, rtol=1e-5, atol=1e-6)


LDAM = {"kind": "ldam", "margin_max": 0.5, "scale": 30, "defer": 0.5, "beta": 0.999}


def test_logits_of_a_cosine_loss_are_cosines_times_its_scale(small_images, small_split):
    history = history_of(small_images, small_split, LDAM, {"kind": "class_balanced"})
    network = model.build(10, 8, 0.0, seed=0, cosine_scale=30).eval()
    network.load_state_dict(history.last)
    with torch.no_grad():
        logits = network(normalise(small_images.pixels[small_split["validation"]], small_images.mean, small_images.std))
    assert logits.abs().max() <= 30.001
    assert history.last["output.scale"] == 30
    assert history.epochs[-1]["validation_loss"] == pytest.approx(
        F.cross_entropy(logits, small_images.labels[small_split["validation"]]).item(), rel=1e-4
    )
