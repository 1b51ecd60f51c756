import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from hardpair import losses, samplers
from hardpair.config.resolve import resolve_part
from hardpair.config.schema import schema
from hardpair.focal_weight import FLOOR, floored_weight, focal_weight

torch.set_num_threads(1)
FOCAL = next(kind["properties"] for kind in schema()["$defs"]["loss"]["oneOf"] if kind["properties"]["kind"]["const"] == "focal")
LARGEST = FOCAL["gamma"]["maximum"]
GAMMAS = [0, 0.5, 1, 2, 5, 10]


COUNTS = torch.full((10,), 50)


def build(kind, counts=COUNTS, **options):
    """A loss with the schema's defaults for what is left out."""
    return losses.build(resolve_part("loss", {"kind": kind} | options), counts)


def focal(gamma=2.0, **options):
    return build("focal", gamma=gamma, **options)


def refreshed(loss, cross_entropy):
    """The loss after a refresh with uniform sampling."""
    loss.refresh(cross_entropy, torch.ones(len(cross_entropy), dtype=torch.float64))
    return loss


def gradient(loss, logits, labels):
    """Loss of each image and the gradient of their sum."""
    logits = logits.detach().clone().requires_grad_()
    values = loss(logits, labels)
    values.sum().backward()
    return values.detach().numpy(), logits.grad.numpy()


def formula(logits, labels, gamma, detach_weight=False):
    """Focal loss and its gradient in float64 as written on paper; γ = 0 is cross-entropy."""
    logits = logits.astype(np.float64)
    q = np.exp(logits - logits.max(1, keepdims=True))
    q /= q.sum(1, keepdims=True)
    one_hot = np.eye(logits.shape[1])[labels]
    p = (q * one_hot).sum(1)
    rest = (q * (1 - one_hot)).sum(1)  # 1 − p_t without cancellation
    value = rest**gamma * -np.log(p)
    slope = rest**gamma if detach_weight else rest**gamma - gamma * p * np.log(p) * rest ** (gamma - 1)
    return value, slope[:, None] * (q - one_hot)


def random_batch(seed, spread=3.0, dtype=np.float32):
    generator = np.random.default_rng(seed)
    return (spread * generator.standard_normal((20, 10))).astype(dtype), generator.integers(0, 10, 20)


@given(st.integers(0, 10_000), st.sampled_from(GAMMAS), st.booleans(), st.sampled_from([np.float32, np.float64]))
@settings(deadline=None)
def test_focal_loss_and_its_gradient_follow_the_formula(seed, gamma, detach_weight, dtype):
    logits, labels = random_batch(seed, dtype=dtype)
    value, slope = gradient(focal(gamma, detach_weight=detach_weight), torch.from_numpy(logits), torch.from_numpy(labels))
    expected_value, expected_slope = formula(logits, labels, gamma, detach_weight)
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(value, expected_value, **close)
    np.testing.assert_allclose(slope, expected_slope, **close)


@given(st.integers(0, 10_000))
@settings(deadline=None)
def test_cross_entropy_and_its_gradient_follow_the_formula(seed):
    logits, labels = random_batch(seed)
    value, slope = gradient(build("cross_entropy"), torch.from_numpy(logits), torch.from_numpy(labels))
    expected_value, expected_slope = formula(logits, labels, gamma=0)
    np.testing.assert_allclose(value, expected_value, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_the_gradient_through_the_weight_is_that_of_finite_differences(gamma):
    logits, labels = random_batch(1, dtype=np.float64)
    assert torch.autograd.gradcheck(lambda z: focal(gamma)(z, torch.from_numpy(labels)), torch.from_numpy(logits).requires_grad_())


def test_detaching_the_weight_changes_the_gradient_and_not_the_loss():
    logits, labels = (torch.from_numpy(part) for part in random_batch(2))
    value, slope = gradient(focal(), logits, labels)
    detached_value, detached_slope = gradient(focal(detach_weight=True), logits, labels)
    np.testing.assert_array_equal(value, detached_value)
    ratio = slope / detached_slope
    assert (ratio > 1).all()
    assert (ratio < 3).all()  # 1 + γ p (−ln p) / (1 − p) lies between 1 and 1 + γ


@pytest.mark.parametrize("scale", ["none", "dynamic"])
def test_an_exponent_of_zero_is_cross_entropy_bit_for_bit(scale):
    logits, labels = (torch.from_numpy(part) for part in random_batch(3))
    loss, plain = focal(0, scale=scale), build("cross_entropy")
    refreshed(loss, plain(logits, labels))
    for ours, theirs in zip(gradient(loss, logits, labels), gradient(plain, logits, labels), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("detach_weight", [False, True])
def test_certain_images_have_finite_losses_and_gradients_right_or_wrong(gamma, detach_weight):
    sizes = torch.tensor([0.0, 1.0, 5.0, 15.0, 16.0, 17.0, 18.0, 20.0, 30.0, 90.0, 104.0, 1e3, 1e4])
    logits = torch.cat([torch.stack([size, -size, torch.zeros_like(size)], 1) for size in (sizes, -sizes)])
    labels = torch.zeros(len(logits), dtype=torch.int64)
    value, slope = gradient(focal(gamma, detach_weight=detach_weight), logits, labels)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    right, wrong = len(sizes) - 1, len(logits) - 1
    assert value[right] == 0  # p_t is exactly 1
    np.testing.assert_array_equal(slope[right], 0)
    assert value[wrong] == 20_000
    np.testing.assert_array_equal(slope[wrong], [-1, 1, 0])


# A class against another: the odds −ln(1 / p_t − 1) of p_t from 1e-30 to 1 − 1e-12, the logits' difference.
ODDS = np.concatenate([-np.geomspace(69, 0.1, 40), [0.0], np.geomspace(0.1, 27.6, 40)])


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_losses_and_gradients_are_right_from_hopeless_to_certain_images(gamma, dtype):
    logits = torch.from_numpy(np.stack([ODDS / 2, -ODDS / 2], 1)).to(dtype)
    labels = torch.zeros(len(ODDS), dtype=torch.int64)
    value, slope = gradient(lambda z, y: focal(gamma)(z.float(), y), logits.float(), labels)
    expected_value, expected_slope = formula(logits.double().numpy(), labels.numpy(), gamma)
    # Near p_t = 1 fp32 has no smaller step of −ln p_t than 6e-8, and so none of w than 6e-8 ** gamma.
    np.testing.assert_allclose(value, expected_value, rtol=1e-4, atol=2e-7)
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-4, atol=3e-4 if gamma == 0.5 else 2e-7)


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("detach_weight", [False, True])
def test_logits_of_ten_thousand_are_no_danger_in_bf16(gamma, detach_weight):
    logits = torch.tensor([[1e4, -1e4, 0], [-1e4, 1e4, 0], [1e4, 1e4, 1e4]], dtype=torch.bfloat16, requires_grad=True)
    values = focal(gamma, detach_weight=detach_weight)(logits.float(), torch.tensor([0, 0, 0]))
    values.sum().backward()
    assert values.isfinite().all()
    assert logits.grad.isfinite().all()


def test_the_form_that_peers_use_gives_nan_where_ours_does_not():
    logits, labels = torch.tensor([[1e4, -1e4, 0.0]]), torch.tensor([0])

    def by_power(z, y):  # AdeelH/pytorch-multi-class-focal-loss, kaidic/LDAM-DRW
        cross_entropy = torch.nn.functional.cross_entropy(z, y, reduction="none")
        return (1 - torch.exp(-cross_entropy)) ** 0.5 * cross_entropy

    def by_log(z, y):  # −log of the softmax itself
        p = torch.softmax(z, 1)[torch.arange(len(y)), y]
        return (1 - p) ** 2 * -torch.log(p)

    assert np.isnan(gradient(by_power, logits, labels)[1]).any()
    assert np.isnan(gradient(by_log, -logits, labels)[1]).any()
    for gamma, sign in ((0.5, 1), (2, -1)):
        assert np.isfinite(gradient(focal(gamma), sign * logits, labels)[1]).all()


@pytest.mark.parametrize("gamma", [0.5, 2, 5])
def test_the_dynamic_scale_is_one_over_the_mean_floored_weight(gamma):
    cross_entropy = np.random.default_rng(0).exponential(0.3, 500).astype(np.float32)
    cross_entropy[:100] = 0
    weight = np.maximum((1 - np.exp(-cross_entropy.astype(np.float64))) ** gamma, 1e-12 ** max(1, gamma / 2))
    loss = focal(gamma, scale="dynamic")
    logits, labels = (torch.from_numpy(part) for part in random_batch(4))
    before = loss(logits, labels)
    weights = loss.refresh(torch.from_numpy(cross_entropy), torch.ones(500, dtype=torch.float64))
    np.testing.assert_allclose(weights, weight, rtol=1e-5)
    assert loss.scale.item() == pytest.approx(1 / weight.mean(), rel=1e-5)
    torch.testing.assert_close(loss(logits, labels), before * loss.scale)


def test_the_scale_is_not_multiplied_up_from_refresh_to_refresh():
    loss = focal(scale="dynamic")
    for p, scale in ((0.5, 4), (0.9, 100), (0.5, 4)):
        assert refreshed(loss, torch.full((10,), -np.log(p))).scale.item() == pytest.approx(scale, rel=1e-5)


@st.composite
def certain_batches(draw):
    """Logits of 20 images, float32 and as the network gives them in bf16, each image's p_t about as far from 0 or 1 as the others'."""
    seed, margin, dtype = draw(st.integers(0, 10_000)), draw(st.floats(-12, 12)), draw(st.sampled_from([torch.float32, torch.bfloat16]))
    logits, labels = random_batch(seed, spread=draw(st.floats(0.1, 2)))
    logits[np.arange(20), labels] += margin
    return torch.from_numpy(logits).to(dtype).float(), torch.from_numpy(labels)


@given(certain_batches(), st.floats(0, LARGEST), st.sampled_from(["none", "dynamic"]), st.booleans())
@settings(deadline=None, max_examples=300)
def test_losses_and_gradients_follow_the_definition_at_every_exponent_of_the_schema(batch, gamma, scale, detach_weight):
    logits, labels = batch
    loss = refreshed(focal(gamma, scale=scale, detach_weight=detach_weight), F.cross_entropy(logits, labels, reduction="none"))
    value, slope = gradient(loss, logits, labels)
    expected_value, expected_slope = formula(logits.numpy(), labels.numpy(), gamma, detach_weight)
    one_minus_p = formula(logits.numpy(), labels.numpy(), 1)[0] / formula(logits.numpy(), labels.numpy(), 0)[0]
    if scale == "dynamic":
        mean = (one_minus_p**gamma).mean()
        expected_value, expected_slope = expected_value / mean, expected_slope / mean
    # In float32 −ln p_t has an error of some 1e-7, whatever it is, and so has 1 − p_t; powers multiply it. The scale has the largest's.
    error = 2e-5 + (gamma + 2) * 4e-7 * (1 / one_minus_p + (1 / one_minus_p.max() if scale == "dynamic" else 0))
    assert (np.abs(value - expected_value) <= error * expected_value + 1e-30).all()
    assert (np.abs(slope - expected_slope) <= error[:, None] * np.abs(expected_slope).max(1, keepdims=True) + 1e-30).all()


@given(st.floats(0, LARGEST), st.floats(1.1e-6, 1), st.integers(0, 1000))
@settings(deadline=None)
def test_weights_of_images_that_differ_are_those_of_the_definition(gamma, hardest, seed):
    """Also where all are easy: the largest 1 − p_t is ``hardest``."""
    one_minus_p = hardest * np.random.default_rng(seed).uniform(0, 1, 50)
    one_minus_p[0] = hardest
    cross_entropy = torch.from_numpy(-np.log1p(-np.minimum(one_minus_p, 1 - 1e-9)))
    weight = floored_weight(cross_entropy, gamma).numpy()
    near = one_minus_p > 1e-6
    np.testing.assert_allclose(weight[near], np.minimum(one_minus_p, 1 - 1e-9)[near] ** gamma, rtol=1e-6)
    assert (weight[~near] <= 1e-6 ** min(gamma, 2) * (1 + 1e-9)).all()
    loss = refreshed(focal(gamma, scale="dynamic"), cross_entropy)
    assert loss.scale.item() * weight.mean() == pytest.approx(1, rel=1e-6)
    drawn = samplers.build(resolve_part("sampler", {"kind": "focal", "gamma": gamma}), torch.zeros(50, dtype=torch.int64))
    drawn.refresh(cross_entropy)
    np.testing.assert_array_equal(drawn.emphasis(), torch.from_numpy(weight) / torch.from_numpy(weight).mean())


@pytest.mark.parametrize(("scale_max", "expected"), [(None, 1e4), (10.0, 10), (0.5, 0.5), (2e4, 1e4)])
def test_the_scale_is_capped_where_a_cap_is_given(scale_max, expected):
    loss = refreshed(focal(scale="dynamic", scale_max=scale_max), torch.full((10,), -np.log(0.99)))
    assert loss.scale.item() == pytest.approx(expected, rel=1e-3)


def test_the_scale_may_be_taken_over_the_images_as_they_are_drawn():
    cross_entropy = np.random.default_rng(2).exponential(0.5, 200)
    weight = (1 - np.exp(-cross_entropy)) ** 2
    drawn = weight / weight.mean()  # a focal sampler of the same exponent
    for over, expected in (("training", 1 / weight.mean()), ("drawn", weight.mean() / np.mean(weight**2))):
        loss = focal(scale="dynamic", scale_over=over)
        loss.refresh(torch.from_numpy(cross_entropy), torch.from_numpy(drawn))
        assert loss.scale.item() == pytest.approx(expected, rel=1e-5)


def test_without_a_scale_the_weights_are_returned_and_the_loss_stays():
    loss = focal(scale="none", scale_max=3.0)
    weights = loss.refresh(torch.full((10,), -np.log(0.9)), torch.ones(10, dtype=torch.float64))
    np.testing.assert_allclose(weights, 0.01, rtol=1e-5)
    assert loss.scale.item() == 1
    logits, labels = random_batch(5)
    np.testing.assert_allclose(
        loss(torch.from_numpy(logits), torch.from_numpy(labels)), formula(logits, labels, 2)[0], rtol=1e-4, atol=1e-6
    )


def test_plain_cross_entropy_returns_no_weights_at_a_refresh():
    assert build("cross_entropy").refresh(torch.ones(3), torch.ones(3)) is None


@given(st.floats(1e-10, 50), st.sampled_from([1, 2, 5]))
@settings(deadline=None)
def test_the_weight_of_nearly_certain_images_keeps_its_digits(cross_entropy, gamma):
    single = torch.tensor(cross_entropy, dtype=torch.float32)
    expected = (-np.expm1(-np.float64(single))) ** gamma
    assert focal_weight(single, gamma).item() == pytest.approx(expected, rel=1e-5)


def test_averaged_weights_are_floored_and_in_float64():
    cross_entropy = torch.tensor([0.0, 1e-9, 1e-3, 50.0])
    weight = floored_weight(cross_entropy, 2)
    assert weight.dtype == torch.float64
    expected = [1e-12, 1e-12, (-np.expm1(-np.float64(np.float32(1e-3)))) ** 2, 1]
    np.testing.assert_allclose(weight, expected, rtol=1e-12)


@pytest.mark.parametrize("gamma", [0, 0.5, 1, 2, 5])
def test_weights_that_are_all_at_the_floor_become_uniform_and_the_scale_one(gamma):
    certain = torch.zeros(7)
    assert floored_weight(certain, gamma).tolist() == [1.0] * 7
    assert refreshed(focal(gamma, scale="dynamic"), certain).scale.item() == 1


def test_one_image_above_the_floor_keeps_the_others_there():
    assert floored_weight(torch.tensor([0.0, 0.0, 1e-5]), 2)[:2].tolist() == [FLOOR, FLOOR]
