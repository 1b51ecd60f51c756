import json
from dataclasses import replace

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
import torch.nn.functional as F
from torch import nn

from hardpair import dataset, loop
from hardpair.augment import normalise
from hardpair.errors import UserError
from hardpair.files import write_json
from hardpair.model import ConvNet
from hardpair.randomness import derive, generator
from hardpair.settings import Recipe
from hardpair.sources import synthetic
from hardpair.tensors import load_images, load_split

torch.set_num_threads(1)
CE, UNIFORM = {"kind": "cross_entropy"}, {"kind": "uniform"}
DFL = {"kind": "focal", "gamma": 2, "scale": "dynamic", "scale_over": "training", "scale_max": None, "detach_weight": False}
SAMPLER = {"kind": "focal", "gamma": 2, "unbias": 0, "factor_max": 100}
RECIPE = Recipe(
    epochs=4,
    batch_size=64,
    learning_rate=0.02,
    momentum=0.9,
    weight_decay=5e-4,
    lr_drops=(0.5, 0.8),
    lr_factor=0.1,
    dropout=0.5,
    refresh_every=2,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Prepared data of 230 training images of 8×8 pixels, 200 of them to train on (three batches of 64 and one of 8)."""
    folder = tmp_path_factory.mktemp("data")
    about, parts = synthetic.generate(train=230, test=100, size=8, separation=2.0)
    dataset.save(folder, {"kind": "synthetic", "name": "tiny"} | about, parts)
    order = np.random.default_rng(0).permutation(230)
    sha256 = json.loads((folder / "dataset.json").read_text())["sha256"]
    write_json(folder / "split.json", {"data_sha256": sha256, "training": order[:200].tolist(), "validation": order[200:].tolist()})
    return folder


@pytest.fixture(scope="module")
def images(data):
    return load_images(data, "train", torch.device("cpu"))


@pytest.fixture(scope="module")
def split(data):
    return load_split(data / "split.json", data)


def training_of(images, split, loss=CE, sampler=UNIFORM, seed=0, stop_after=None, **changes):
    return loop.Training(images, split, loss, sampler, replace(RECIPE, **changes), seed, "fp32", stop_after)


def course_of(*args, **changes):
    return training_of(*args, **changes).run()


@pytest.fixture(scope="module")
def plain(images, split):
    return course_of(images, split)


def same_weights(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def twin(images, split, dynamic_loss, focal_sampler, seed):
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
    training, losses, scale, weights = split["training"], [], 1.0, None
    for epoch in range(4):
        if epoch % 2 == 0:
            network.eval()
            with torch.no_grad():
                p = F.softmax(network(normalise(images.pixels[training], images.mean, images.std)).double(), 1)
            network.train()
            weights = (1 - p[torch.arange(200), images.labels[training]]) ** 2
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
                image = F.pad(images.pixels[training[drawn[at]]], [1] * 4)[:, rows[at] : rows[at] + 8, columns[at] : columns[at] + 8]
                inputs.append(image.flip(2) if flips[at] else image)
                labels.append(images.labels[training[drawn[at]]])
            logits = network(normalise(torch.stack(inputs), images.mean, images.std))
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
def test_training_is_that_of_a_plain_loop(images, split, loss, sampler):
    course = course_of(images, split, loss, sampler, seed=5)
    losses, parameters = twin(images, split, loss is DFL, sampler is SAMPLER, seed=5)
    np.testing.assert_allclose([row["train_loss"] for row in course.epochs], losses, rtol=1e-6)
    for ours, theirs in zip(course.last.values(), parameters, strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-6)


def test_the_same_seed_gives_the_same_course_to_the_bit_and_another_seed_another(images, split, plain):
    again, other = course_of(images, split), course_of(images, split, seed=1)
    assert (again.epochs, again.refreshes) == (plain.epochs, plain.refreshes)
    assert same_weights(again.last, plain.last)
    assert same_weights(again.best, plain.best)
    assert other.epochs[0]["train_loss"] != plain.epochs[0]["train_loss"]
    assert not same_weights(other.last, plain.last)


def watch(monkeypatch, images, split, loss, sampler, seed=3):
    """A run with what enters it: first weights, crops, state of the dropout stream, and each batch."""
    seen = {"weights": [], "crops": [], "dropout": [], "inputs": [], "labels": []}
    step, draw = loop.train_step, loop.draw_crops

    def watched_step(network, loss, optimiser, inputs, labels, *others):
        if not seen["inputs"]:
            seen["weights"] = [parameter.detach().clone() for parameter in network.parameters()]
        for name, value in (("dropout", torch.get_rng_state()), ("inputs", inputs.clone()), ("labels", labels.clone())):
            seen[name].append(value)
        return step(network, loss, optimiser, inputs, labels, *others)

    def watched_draw(*args):
        seen["crops"] += (drawn := draw(*args))
        return drawn

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_step", watched_step)
        patch.setattr(loop, "draw_crops", watched_draw)
        return seen, course_of(images, split, loss, sampler, seed)


def equal(first, second):
    return len(first) == len(second) > 0 and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_runs_of_one_seed_share_all_that_their_loss_and_sampler_do_not_change(monkeypatch, images, split):
    ce, ce_course = watch(monkeypatch, images, split, CE, UNIFORM)
    dfl, dfl_course = watch(monkeypatch, images, split, DFL, UNIFORM)
    sampled, _ = watch(monkeypatch, images, split, CE, SAMPLER)
    assert all(equal(ce[name], dfl[name]) for name in ce)
    assert not same_weights(ce_course.last, dfl_course.last)
    assert all(equal(ce[name], sampled[name]) for name in ("weights", "crops", "dropout"))
    assert not equal(ce["labels"], sampled["labels"])


def test_a_focal_loss_of_exponent_zero_trains_as_cross_entropy(images, split, plain):
    course = course_of(images, split, DFL | {"gamma": 0})
    assert same_weights(course.last, plain.last)
    assert course.epochs == plain.epochs


def test_every_training_image_is_seen_once_an_epoch_the_last_short_batch_included(monkeypatch, images, split):
    seen, _ = watch(monkeypatch, images, split, CE, UNIFORM)
    assert [len(labels) for labels in seen["labels"]] == [64, 64, 64, 8] * 4
    expected = np.bincount(images.labels[split["training"]], minlength=10)
    for epoch in range(4):
        np.testing.assert_array_equal(np.bincount(torch.cat(seen["labels"][4 * epoch : 4 * epoch + 4]), minlength=10), expected)


@pytest.mark.parametrize(
    ("epochs", "drops", "expected"),
    [(4, (0.5, 0.8), [1, 1, 0.1, 0.01]), (6, (0.5,), [1, 1, 1, 0.1, 0.1, 0.1]), (5, (), [1] * 5), (1, (0.5, 0.8), [1])],
)
def test_the_learning_rate_drops_after_shares_of_the_run(images, split, epochs, drops, expected):
    course = course_of(images, {**split, "training": split["training"][:20]}, epochs=epochs, lr_drops=drops, learning_rate=0.001)
    assert [row["learning_rate"] for row in course.epochs] == pytest.approx([0.001 * factor for factor in expected])


def test_the_published_run_drops_after_25_and_40_of_50_epochs():
    published = replace(RECIPE, epochs=50, learning_rate=0.01)
    rates = [published.learning_rate_at(epoch) for epoch in range(50)]
    assert rates == pytest.approx([0.01] * 25 + [0.001] * 15 + [0.0001] * 10)


def test_weights_are_refreshed_and_told_at_their_epochs_and_epoch_four_is_only_looked_at(images, split):
    course = course_of(images, {**split, "training": split["training"][:40]}, DFL, SAMPLER, epochs=6, refresh_every=5)
    assert [(row["epoch"], row["applied"]) for row in course.refreshes] == [(0, 1), (4, 0), (5, 1), (6, 1)]
    # Without a scheduled refresh only p_t is told; before the first epoch nothing has been drawn.
    assert [set(loop.REFRESH_COLUMNS) - set(row) for row in course.refreshes] == [
        {"sampler_distinct_share", "sampler_largest_factor"},
        set(loop.REFRESH_COLUMNS[3:]),
        {"sampler_largest_factor"},
        {"sampler_largest_factor"},
    ]
    assert all(0 < row["mean_p"] < 1 for row in course.refreshes)
    assert [counts.sum() for counts in course.histograms] == [40] * 4


def test_refreshes_look_at_the_training_images_without_dropout_or_augmentation(images, split, plain):
    network = ConvNet(10, 8)
    network.load_state_dict(plain.last)
    pixels, labels = images.pixels[split["training"]] / 255, images.labels[split["training"]]
    with torch.no_grad():
        logits = network((pixels - images.mean.view(3, 1, 1)) / images.std.view(3, 1, 1))
    p = F.softmax(logits.double(), 1)[torch.arange(200), labels]
    assert plain.refreshes[-1]["mean_p"] == pytest.approx(p.mean().item(), rel=1e-5)


def test_the_best_weights_are_those_of_the_first_epoch_of_highest_validation_accuracy(images, split):
    course = course_of(images, split, epochs=6, learning_rate=0.05, dropout=0.0, lr_drops=())
    accuracies = [row["validation_accuracy"] for row in course.epochs]
    assert course.best_epoch == 1 + accuracies.index(max(accuracies))
    network = ConvNet(10, 8)
    network.load_state_dict(course.best)
    with torch.no_grad():
        logits = network((images.pixels[split["validation"]] / 255 - images.mean.view(3, 1, 1)) / images.std.view(3, 1, 1))
    labels = images.labels[split["validation"]]
    row = course.epochs[course.best_epoch - 1]
    assert (logits.argmax(1) == labels).double().mean() == row["validation_accuracy"] == max(accuracies)
    assert row["validation_loss"] == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-4)
    confusion = sk.confusion_matrix(labels, logits.argmax(1), labels=range(10))
    np.testing.assert_array_equal(course.confusions[course.best_epoch - 1], confusion)


def test_of_equal_epochs_the_first_is_the_best(images, split):
    course = course_of(images, split, learning_rate=1e-12)
    assert course.best_epoch == 1
    assert len({row["validation_accuracy"] for row in course.epochs}) == 1


def test_without_validation_images_there_is_no_best_and_training_is_the_same(images, split, plain):
    course = course_of(images, {**split, "validation": torch.zeros(0, dtype=torch.int64)})
    assert (course.best, course.best_epoch, course.confusions) == (None, None, [])
    assert all(set(row) == {"epoch", "learning_rate", "train_loss", "train_accuracy"} for row in course.epochs)
    assert same_weights(course.last, plain.last)


def test_a_run_that_stops_early_is_the_beginning_of_the_whole_run(images, split, plain):
    course = course_of(images, split, stop_after=3)
    assert course.epochs == plain.epochs[:3]
    assert len(course_of(images, split, stop_after=99).epochs) == 4


def test_a_run_that_diverges_names_the_epoch_the_learning_rate_and_the_key(images, split):
    with pytest.raises(
        loop.Diverged, match=r"the loss became NaN or infinite in step \d of epoch 1 at learning rate 1e\+06: lower recipe\.learning_rate"
    ):
        course_of(images, split, learning_rate=1e6)
    assert issubclass(loop.Diverged, UserError)


def test_a_run_that_diverges_under_a_large_scale_names_the_cap(images, split):
    def blow_up(training):
        if len(training.course.epochs) == 2:
            training.loss.scale.fill_(1e30)

    with pytest.raises(loop.Diverged, match=r"in step 3 of epoch 3 .*, or cap the scale of the loss, now 1e\+30, with loss\.scale_max$"):
        training_of(images, split, DFL).run(on_pause=blow_up)


@pytest.mark.parametrize("sampler", [UNIFORM, SAMPLER])
def test_images_that_are_all_certain_are_trained_on(images, split, sampler):
    training = training_of(images, split, DFL, sampler, epochs=3, refresh_every=1, dropout=0.0)

    def make_certain(training):
        """All logits become those of one class, however the images look, and the labels that class."""
        with torch.no_grad():
            training.network.output.weight.zero_()
            training.network.output.bias.copy_(torch.tensor([1e4] + [0.0] * 9))

    training.images = training.batches.images = replace(images, labels=torch.zeros_like(images.labels))
    training.labels = torch.zeros_like(training.labels)
    course = training.run(on_pause=make_certain)
    assert [row["mean_p"] for row in course.refreshes[1:]] == [1.0] * 3
    assert [row["loss_scale"] for row in course.refreshes[1:]] == [1.0] * 3
    assert all(row["train_loss"] == 0 for row in course.epochs[1:])
    assert all(weight.isfinite().all() for weight in course.last.values())


@pytest.mark.parametrize("sampler", [UNIFORM, SAMPLER])
def test_a_run_that_diverges_in_the_last_step_before_a_refresh_says_so_too(images, split, sampler):
    with pytest.raises(loop.Diverged):
        course_of(images, split, CE, sampler, batch_size=200, learning_rate=1e30, refresh_every=1)


def test_refreshes_tell_what_the_weights_do(images, split):
    training = training_of(images, split, DFL, SAMPLER | {"unbias": 0.5}, seed=2)
    drawn, seen = [], training.sampler.draw
    training.sampler.draw = lambda random: drawn.append(seen(random)) or drawn[-1]
    course = training.run()
    rows, labels = course.refreshes, images.labels[split["training"]]
    assert [row["epoch"] for row in rows] == [0, 2, 4]
    for row, epoch in zip(rows[1:], (2, 4), strict=True):
        assert row["sampler_distinct_share"] == len(set(drawn[epoch - 1].tolist())) / 200
    network = ConvNet(10, 8).eval()
    network.load_state_dict(course.last)
    with torch.no_grad():
        p = F.softmax(network(normalise(images.pixels[split["training"]], images.mean, images.std)).double(), 1)
    w = ((1 - p[torch.arange(200), labels]) ** 2).numpy()
    for part in ("loss", "sampler"):
        assert rows[-1][f"{part}_mean_weight"] == pytest.approx(w.mean(), rel=1e-4)
        assert rows[-1][f"{part}_largest_weight"] == pytest.approx(w.max(), rel=1e-4)
        assert rows[-1][f"{part}_effective_share"] == pytest.approx(w.sum() ** 2 / (200 * (w**2).sum()), rel=1e-4)
        shares = [w[labels == label].sum() / w.sum() for label in range(10)]
        np.testing.assert_allclose(course.shares[part][-1], shares, rtol=1e-4)
    assert rows[-1]["loss_scale"] == pytest.approx(1 / w.mean(), rel=1e-4)
    assert rows[-1]["sampler_largest_factor"] == pytest.approx(min((w.mean() / w.min()) ** 0.5, 100), rel=1e-3)


def test_without_weights_nothing_is_told_of_them(images, split, plain):
    assert all(set(row) == {"epoch", "applied", "mean_p"} for row in plain.refreshes)
    assert np.isnan(plain.shares["loss"]).all()


def test_factors_and_their_bound_change_no_draws(images, split):
    sampler = SAMPLER | {"unbias": 1, "factor_max": 1}
    first, second = (training_of(images, split, CE, settings, epochs=1) for settings in (SAMPLER, sampler))
    for training in (first, second):
        training.sampler.weight[:50] = 1e-3
    # Of the easy images the factor is more than 1, so at its bound; of the others less.
    assert second.sampler.factors()[:50].tolist() == [1.0] * 50
    assert (second.sampler.factors()[50:] < 1).all()
    assert torch.equal(first.sampler.draw(generator(0, "sampler")), second.sampler.draw(generator(0, "sampler")))


def test_factors_multiply_the_loss_of_each_image(images, split):
    """A step with factors is the step that a plain loop takes with them."""
    training = training_of(images, split, CE, SAMPLER | {"unbias": 1}, batch_size=200, epochs=1, dropout=0.0)
    training.sampler.weight.copy_(torch.linspace(0.1, 1, 200))
    course_start = {name: value.clone() for name, value in training.network.state_dict().items()}
    training.draw_epoch()
    inputs, labels, factors = training.batches.take(200)
    drawn = training.sampler.draw(generator(0, "sampler"))
    q = torch.linspace(0.1, 1, 200, dtype=torch.float64)[drawn] / torch.linspace(0.1, 1, 200, dtype=torch.float64).sum()
    torch.testing.assert_close(factors, (1 / (200 * q)).float(), rtol=1e-5, atol=0)
    twin = ConvNet(10, 8).to(memory_format=torch.channels_last)
    twin.load_state_dict(course_start)
    (F.cross_entropy(twin(inputs), labels, reduction="none") * (1 / (200 * q)).float()).mean().backward()
    training.take_step(200)
    for parameter, theirs in zip(training.network.parameters(), twin.parameters(), strict=True):
        moved = theirs.detach() - 0.02 * (theirs.grad + 5e-4 * theirs.detach())
        torch.testing.assert_close(parameter.detach(), moved, rtol=1e-5, atol=1e-6)


LDAM = {"kind": "ldam", "margin_max": 0.5, "scale": 30, "defer": 0.5, "beta": 0.999}


def test_logits_of_a_cosine_loss_are_cosines_times_its_scale(images, split):
    course = course_of(images, split, LDAM, {"kind": "class_balanced"})
    network = ConvNet(10, 8, cosine_scale=30).eval()
    network.load_state_dict(course.last)
    with torch.no_grad():
        logits = network(normalise(images.pixels[split["validation"]], images.mean, images.std))
    assert logits.abs().max() <= 30.001
    assert course.last["output.scale"] == 30
    assert course.epochs[-1]["validation_loss"] == pytest.approx(
        F.cross_entropy(logits, images.labels[split["validation"]]).item(), rel=1e-4
    )
