from dataclasses import replace

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
import torch.nn.functional as F
from torch import nn

from hardpair.errors import UserError
from hardpair.measures.confusion import most_confused
from hardpair.networks.cnn import Network
from hardpair.training import loop
from hardpair.training.augment import normalise
from hardpair.training.random_streams import derive, generator
from small_runs import CE, DFL, SAMPLER, UNIFORM, history_of, same_weights, training_of


def twin(small_images, small_split, dynamic_loss, focal_sampler, seed):
    """The same training as one would write it plainly: an image at a time, torch's SGD, p_t from softmax. Losses and weights.

    Inputs and layout are the same to the bit, since a hair's difference may tip a ReLU or a maximum, and with it a gradient.
    """
    torch.manual_seed(derive(seed, "initialisation"))
    layers = []
    for i, o in ((3, 64), (64, 128), (128, 256)):
        layers += [nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(256, 1024), nn.ReLU(), nn.Dropout(0.5), nn.Linear(1024, 10)]
    network = nn.Sequential(*layers).to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [2, 3], gamma=0.1)
    order, crops = generator(seed, "sampler" if focal_sampler else "order"), generator(seed, "augmentation")
    torch.manual_seed(derive(seed, "dropout"))
    training, losses, scale, weights = small_split["training"], [], 1.0, None
    for epoch in range(4):
        if epoch % 2 == 0:
            network.eval()
            with torch.no_grad():
                p = F.softmax(network(normalise(small_images.pixels[training], small_images.mean, small_images.std)).double(), 1)
            network.train()
            weights = (1 - p[torch.arange(200), small_images.labels[training]]) ** 2
            scale = 1 / weights.mean().item() if dynamic_loss else 1.0
        drawn = (
            torch.multinomial(weights, 200, replacement=True, generator=order) if focal_sampler else torch.randperm(200, generator=order)
        )
        rows, columns = torch.randint(3, (2, 200), generator=crops)
        flips = torch.randint(2, (200,), generator=crops, dtype=torch.bool)
        total = 0.0
        for start in range(0, 200, 64):
            inputs, labels = [], []
            for at in range(start, min(start + 64, 200)):
                image = F.pad(small_images.pixels[training[drawn[at]]], [1] * 4)[:, rows[at] : rows[at] + 8, columns[at] : columns[at] + 8]
                inputs.append(image.flip(2) if flips[at] else image)
                labels.append(small_images.labels[training[drawn[at]]])
            logits = network(normalise(torch.stack(inputs), small_images.mean, small_images.std))
            log_p = F.log_softmax(logits, 1)[torch.arange(len(labels)), torch.stack(labels)]
            loss = (scale * (1 - log_p.exp()) ** 2 * -log_p if dynamic_loss else -log_p).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(labels)
        losses.append(total / 200)
        schedule.step()
    return losses, list(network.parameters())


@pytest.mark.parametrize(("loss", "sampler"), [(CE, UNIFORM), (DFL, UNIFORM), (CE, SAMPLER), (DFL, SAMPLER)])
def test_training_is_that_of_a_plain_loop(small_images, small_split, loss, sampler):
    history = history_of(small_images, small_split, loss, sampler, seed=5)
    losses, parameters = twin(small_images, small_split, loss is DFL, sampler is SAMPLER, seed=5)
    np.testing.assert_allclose([row["train_loss"] for row in history.epochs], losses, rtol=1e-6)
    for ours, theirs in zip(history.last.values(), parameters, strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-6)


def test_images_without_crops_and_flips_are_trained_on_as_they_are(monkeypatch, small_images, small_split):
    observed, _ = watch(monkeypatch, small_images, small_split, CE, UNIFORM, crop=False, flip=False)
    training = small_split["training"]
    plain = normalise(small_images.pixels[training], small_images.mean, small_images.std).flatten(1)
    epoch = torch.cat(observed["inputs"])[: len(training)].flatten(1)
    assert torch.equal(epoch.unique(dim=0), plain.unique(dim=0))
    assert len(epoch) == len(plain)


STATIC = DFL | {"scale": "none"}
LDAM = {"kind": "ldam", "margin_max": 0.5, "scale": 30, "defer": 0.5, "beta": 0.99}


@pytest.mark.parametrize(
    ("loss", "sampler", "refreshed"),
    [(CE, UNIFORM, []), (STATIC, UNIFORM, []), (LDAM, UNIFORM, []), (DFL, UNIFORM, [0, 2]), (CE, SAMPLER, [0, 2]), (DFL, SAMPLER, [0, 2])],
)
def test_a_training_that_nobody_observes_is_the_same_and_computes_p_t_only_where_it_is_read(
    small_images, small_split, loss, sampler, refreshed
):
    watched = history_of(small_images, small_split, loss, sampler)
    unwatched = history_of(small_images, small_split, loss, sampler, observed=False)
    assert unwatched.epochs == watched.epochs
    assert same_weights(unwatched.last, watched.last)
    assert [row["epoch"] for row in unwatched.refreshes] == refreshed
    assert [row["epoch"] for row in watched.refreshes] == [0, 2, 4]


def test_the_same_seed_gives_the_same_course_to_the_bit_and_another_seed_another(small_images, small_split, plain_history):
    again, other = history_of(small_images, small_split), history_of(small_images, small_split, seed=1)
    assert (again.epochs, again.refreshes) == (plain_history.epochs, plain_history.refreshes)
    assert same_weights(again.last, plain_history.last)
    assert same_weights(again.best, plain_history.best)
    assert other.epochs[0]["train_loss"] != plain_history.epochs[0]["train_loss"]
    assert not same_weights(other.last, plain_history.last)


def watch(monkeypatch, small_images, small_split, loss, sampler, seed=3, **changes):
    """A run with what enters it: first weights, crops, state of the dropout stream, and each batch."""
    observed = {"weights": [], "crops": [], "dropout": [], "inputs": [], "labels": []}
    step, draw = loop.train_step, loop.draw_crops

    def watched_step(learner, batches, size):
        inputs, labels, _ = batches.next_batch(size)
        if not observed["inputs"]:
            observed["weights"] = [parameter.detach().clone() for parameter in learner.network.parameters()]
        for name, value in (("dropout", torch.get_rng_state()), ("inputs", inputs.clone()), ("labels", labels.clone())):
            observed[name].append(value)
        step(learner, batches, size)

    def watched_draw(*args):
        observed["crops"] += (drawn := draw(*args))
        return drawn

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_step", watched_step)
        patch.setattr(loop, "draw_crops", watched_draw)
        return observed, history_of(small_images, small_split, loss, sampler, seed, **changes)


def equal(first, second):
    return len(first) == len(second) > 0 and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_runs_of_one_seed_share_all_that_their_loss_and_sampler_do_not_change(monkeypatch, small_images, small_split):
    ce, ce_history = watch(monkeypatch, small_images, small_split, CE, UNIFORM)
    dfl, dfl_history = watch(monkeypatch, small_images, small_split, DFL, UNIFORM)
    sampled, _ = watch(monkeypatch, small_images, small_split, CE, SAMPLER)
    assert all(equal(ce[name], dfl[name]) for name in ce)
    assert not same_weights(ce_history.last, dfl_history.last)
    assert all(equal(ce[name], sampled[name]) for name in ("weights", "crops", "dropout"))
    assert not equal(ce["labels"], sampled["labels"])


def test_a_focal_loss_of_exponent_zero_trains_as_cross_entropy(small_images, small_split, plain_history):
    history = history_of(small_images, small_split, DFL | {"gamma": 0})
    assert same_weights(history.last, plain_history.last)
    assert history.epochs == plain_history.epochs


def test_every_training_image_is_seen_once_an_epoch_the_last_short_batch_included(monkeypatch, small_images, small_split):
    observed, _ = watch(monkeypatch, small_images, small_split, CE, UNIFORM)
    assert [len(labels) for labels in observed["labels"]] == [64, 64, 64, 8] * 4
    expected = np.bincount(small_images.labels[small_split["training"]], minlength=10)
    for epoch in range(4):
        np.testing.assert_array_equal(np.bincount(torch.cat(observed["labels"][4 * epoch : 4 * epoch + 4]), minlength=10), expected)


@pytest.mark.parametrize(
    ("epochs", "drops", "expected"),
    [(4, (0.5, 0.8), [1, 1, 0.1, 0.01]), (6, (0.5,), [1, 1, 1, 0.1, 0.1, 0.1]), (5, (), [1] * 5), (1, (0.5, 0.8), [1])],
)
def test_the_learning_rate_drops_after_shares_of_the_run(small_images, small_split, epochs, drops, expected):
    history = history_of(
        small_images, {**small_split, "training": small_split["training"][:20]}, epochs=epochs, lr_drops=drops, learning_rate=0.001
    )
    assert [row["learning_rate"] for row in history.epochs] == pytest.approx([0.001 * factor for factor in expected])


def test_the_best_weights_are_those_of_the_first_epoch_of_highest_validation_accuracy(small_images, small_split):
    history = history_of(small_images, small_split, epochs=6, learning_rate=0.05, dropout=0.0, lr_drops=())
    accuracies = [row["validation_accuracy"] for row in history.epochs]
    assert history.best_epoch == 1 + accuracies.index(max(accuracies))
    network = Network(10, 8)
    network.load_state_dict(history.best)
    with torch.no_grad():
        logits = network(
            (small_images.pixels[small_split["validation"]] / 255 - small_images.mean.view(3, 1, 1)) / small_images.std.view(3, 1, 1)
        )
    labels = small_images.labels[small_split["validation"]]
    row = history.epochs[history.best_epoch - 1]
    assert (logits.argmax(1) == labels).double().mean() == row["validation_accuracy"] == max(accuracies)
    assert row["validation_loss"] == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-4)
    confusion = sk.confusion_matrix(labels, logits.argmax(1), labels=range(10))
    np.testing.assert_array_equal(history.confusions[history.best_epoch - 1], confusion)


def test_the_most_confused_pair_has_the_name_that_files_use(small_images, small_split):
    hyphens = replace(small_images, classes=[f"{name}-{number}" for number, name in enumerate(small_images.classes)])
    history = history_of(hyphens, small_split, epochs=1)
    [confusion] = history.confusions
    a, b, rate = most_confused(confusion, 1)[0]
    assert history.epochs[0]["confused"] == f'"{small_images.classes[a]}-{a}"-"{small_images.classes[b]}-{b}"'
    assert history.epochs[0]["confused_rate"] == rate


def test_of_equal_epochs_the_first_is_the_best(small_images, small_split):
    history = history_of(small_images, small_split, learning_rate=1e-12)
    assert history.best_epoch == 1
    assert len({row["validation_accuracy"] for row in history.epochs}) == 1


def test_without_validation_images_there_is_no_best_and_training_is_the_same(small_images, small_split, plain_history):
    history = history_of(small_images, {**small_split, "validation": torch.zeros(0, dtype=torch.int64)})
    assert (history.best, history.best_epoch, history.confusions) == (None, None, [])
    assert all(set(row) == {"epoch", "learning_rate", "train_loss", "train_accuracy"} for row in history.epochs)
    assert same_weights(history.last, plain_history.last)


def test_a_run_that_stops_early_equals_the_first_epochs_of_the_full_run(small_images, small_split, plain_history):
    history = history_of(small_images, small_split, stop_after=3)
    assert history.epochs == plain_history.epochs[:3]
    assert len(history_of(small_images, small_split, stop_after=99).epochs) == 4


def test_a_run_that_diverges_names_the_epoch_the_learning_rate_and_the_key(small_images, small_split):
    expected = r"the loss became NaN or infinite in step \d of epoch 1 at learning rate 1e\+06: use a lower recipe\.learning_rate or"
    with pytest.raises(loop.Diverged, match=expected):
        history_of(small_images, small_split, learning_rate=1e6)
    assert issubclass(loop.Diverged, UserError)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_weights_that_overflow_in_the_first_step_are_the_fault_of_the_learning_rate(small_images, small_split, optimizer):
    """The loss and its gradient were finite."""
    with pytest.raises(loop.Diverged, match=r"^the loss became NaN or infinite in step 2 of epoch 1 at learning rate 1e\+38: use a lower"):
        history_of(small_images, small_split, learning_rate=1e38, optimizer=optimizer)


def test_a_loss_that_is_wrong_from_the_start_is_named_instead_of_the_learning_rate(small_images, small_split):
    def poisoned(training):
        take_step = training.take_step

        def step(size):
            take_step(size)
            training.batches.losses[0] = float("nan")

        training.take_step = step

    training = training_of(small_images, small_split)
    poisoned(training)
    message = "the loss is NaN or infinite in the first step, before any weight has changed: check the loss"
    with pytest.raises(UserError, match=f"^{message}$") as caught:
        training.run()
    assert not isinstance(caught.value, loop.Diverged), "a search goes on after a trial that diverges"


def test_logits_that_are_wrong_before_the_first_step_are_the_fault_of_network_or_images(monkeypatch, small_images, small_split):
    training = training_of(small_images, small_split, DFL)
    monkeypatch.setattr(training, "infer", lambda index, pause: torch.full((len(index), 10), float("nan")))
    message = "the loss of a training image is NaN or infinite before the first step, before any weight has changed: check the network and"
    with pytest.raises(UserError, match=f"^{message} the images$") as caught:
        training.run()
    assert not isinstance(caught.value, loop.Diverged)


def test_a_run_that_diverges_under_a_large_scale_names_the_cap(small_images, small_split):
    def blow_up(training):
        if len(training.history.epochs) == 2:
            training.loss.scale.fill_(1e30)

    with pytest.raises(loop.Diverged, match=r"in step 3 of epoch 3 .*, or cap the scale of the loss, now 1e\+30, with loss\.scale_max$"):
        training_of(small_images, small_split, DFL).run(after_step=blow_up)


def test_a_loss_with_a_cap_but_no_scale_that_diverges_gets_the_sentence_without_a_scale(small_images, small_split):
    training = training_of(small_images, small_split, learning_rate=1e6)
    training.loss.scale_max = None
    with pytest.raises(loop.Diverged, match=r"a lower upper bound of search\.space\.learning_rate$"):
        training.run()


@pytest.mark.parametrize("observed", [True, False])
@pytest.mark.parametrize("part", ["training", "validation"])
def test_a_weight_that_is_lost_in_the_very_last_step_ends_the_run_whatever_is_computed_after_it(small_images, small_split, part, observed):
    def lose(training):
        if (len(training.history.epochs), training.steps_done) == (3, 4):
            next(training.network.parameters()).data[0, 0, 0, 0] = float("nan")

    split = {"training": small_split["training"], "validation": small_split[part][: 0 if part == "training" else None]}
    training = training_of(small_images, split, observed=observed)
    with pytest.raises(loop.Diverged, match=r"^a weight became NaN or infinite in epoch 4 at learning rate 0\.0002: use a lower recipe\."):
        training.run(after_step=lose)


def test_a_run_whose_last_step_lets_the_logits_overflow_is_refused_though_all_losses_and_weights_are_finite(small_images, small_split):
    """The weights are about 1e10 then, and a logit is a product of five of them."""
    changes = {"batch_size": 200, "epochs": 1, "learning_rate": 1e12}
    finite = history_of(small_images, {**small_split, "validation": small_split["validation"][:0]}, observed=False, **changes)
    assert np.isfinite(finite.epochs[0]["train_loss"])
    assert all(weights.isfinite().all() for weights in finite.last.values())
    with pytest.raises(
        loop.Diverged, match=r"^the logits of a validation image became NaN or infinite in epoch 1 at learning rate 1e\+12: "
    ):
        history_of(small_images, small_split, observed=False, **changes)


@pytest.mark.parametrize("sampler", [UNIFORM, SAMPLER])
def test_a_run_that_diverges_in_the_last_step_before_a_refresh_is_refused_too(small_images, small_split, sampler):
    with pytest.raises(loop.Diverged):
        history_of(small_images, small_split, CE, sampler, batch_size=200, learning_rate=1e30, refresh_every=1)
