import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torchvision.transforms import functional as tv

from hardpair.training.augment import crop_and_flip, draw_crops, normalise, padding_for

torch.set_num_threads(1)


@st.composite
def batches(draw):
    """Images uint8 (B, 3, S, S) with rows, columns, flips and the padding."""
    size, count, padding = draw(st.integers(1, 12)), draw(st.integers(1, 5)), draw(st.integers(0, 4))
    starts = st.lists(st.integers(0, 2 * padding), min_size=count, max_size=count)
    flips = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    pixels = np.random.default_rng(draw(st.integers(0, 1000))).integers(0, 256, (count, 3, size, size), dtype=np.uint8)
    return torch.from_numpy(pixels), torch.tensor(draw(starts)), torch.tensor(draw(starts)), torch.tensor(flips), padding


def one_by_one(images, rows, columns, flips, padding):
    """The plain loop: pad each uint8 image with zeros, cut, mirror."""
    size, crops = images.shape[-1], []
    for image, row, column, flip in zip(images.numpy(), rows.tolist(), columns.tolist(), flips.tolist(), strict=True):
        padded = np.zeros((3, size + 2 * padding, size + 2 * padding), dtype=np.uint8)
        padded[:, padding : padding + size, padding : padding + size] = image
        crop = padded[:, row : row + size, column : column + size]
        crops.append(crop[:, :, ::-1] if flip else crop)
    return np.stack(crops)


@given(batches())
@settings(deadline=None)
def test_a_batch_is_cropped_and_flipped_as_a_loop_over_its_images_would(batch):
    result = crop_and_flip(*batch)
    assert result.dtype == torch.uint8
    np.testing.assert_array_equal(result.numpy(), one_by_one(*batch))


@given(batches())
@settings(deadline=None)
def test_a_batch_is_cropped_and_flipped_as_torchvision_does_it(batch):
    images, rows, columns, flips, padding = batch
    size, expected = images.shape[-1], []
    for image, row, column, flip in zip(images, rows.tolist(), columns.tolist(), flips.tolist(), strict=True):
        crop = tv.crop(tv.pad(image, [padding] * 4, fill=0, padding_mode="constant"), row, column, size, size)
        expected.append(tv.hflip(crop) if flip else crop)
    assert torch.equal(crop_and_flip(*batch), torch.stack(expected))


def test_the_images_themselves_stay_as_they_were():
    images = torch.randint(256, (4, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    before = images.clone()
    crops = crop_and_flip(images, torch.tensor([0, 1, 2, 1]), torch.tensor([2, 1, 0, 1]), torch.tensor([True, False, True, False]), 1)
    normalise(crops, torch.full((3,), 0.5), torch.full((3,), 0.2))
    normalise(images, torch.full((3,), 0.5), torch.full((3,), 0.2))
    assert torch.equal(images, before)


@pytest.mark.parametrize(("size", "padding"), [(8, 1), (16, 2), (32, 4), (64, 8)])
def test_padding_is_four_pixels_of_32_and_in_proportion(size, padding):
    assert padding_for(size) == padding


@pytest.mark.parametrize("padding", [1, 4])
def test_every_window_and_both_flips_are_drawn_equally_often(padding):
    windows = 2 * padding + 1
    rows, columns, flips = draw_crops(200 * 2 * windows**2, padding, torch.Generator().manual_seed(1))
    assert (rows.dtype, columns.dtype, flips.dtype) == (torch.int64, torch.int64, torch.bool)
    for starts in (rows, columns):
        assert sorted(set(starts.tolist())) == list(range(windows))
    cells = (rows * windows + columns) * 2 + flips
    counts = np.bincount(cells.numpy(), minlength=2 * windows**2)
    assert 0.001 < stats.chisquare(counts).pvalue < 0.999


@pytest.mark.parametrize("count", [1, 7])
def test_draws_have_one_entry_an_image_and_come_from_the_given_stream_alone(count):
    state = torch.get_rng_state()
    first = draw_crops(count, 2, torch.Generator().manual_seed(5))
    torch.rand(3)
    second = draw_crops(count, 2, torch.Generator().manual_seed(5))
    torch.set_rng_state(state)
    assert [part.shape for part in first] == [(count,)] * 3
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(("crop", "flip"), [(False, True), (True, False), (False, False)])
def test_what_is_turned_off_leaves_images_as_they_are_and_the_other_as_it_was(crop, flip):
    images = torch.randint(256, (50, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    rows, columns, flips = draw_crops(50, 2, (generator := torch.Generator().manual_seed(5)), crop, flip)
    as_usual = draw_crops(50, 2, (usual := torch.Generator().manual_seed(5)))
    assert torch.equal(generator.get_state(), usual.get_state())
    assert torch.equal(crop_and_flip(images, rows, columns, torch.zeros(50, dtype=torch.bool), 2), images) != crop
    assert torch.equal(flips, as_usual[2] if flip else torch.zeros(50, dtype=torch.bool))
    if crop:
        assert torch.equal(torch.stack((rows, columns)), torch.stack(as_usual[:2]))


@given(st.integers(0, 1000), st.tuples(*[st.floats(0, 1)] * 3), st.tuples(*[st.floats(0.05, 0.5)] * 3))
@settings(deadline=None)
def test_normalised_pixels_are_those_of_torchvision(seed, mean, std):
    pixels = np.random.default_rng(seed).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    expected = torch.stack([tv.normalize(tv.to_tensor(image), mean, std) for image in pixels])
    result = normalise(torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), torch.tensor(mean), torch.tensor(std))
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, expected, rtol=1e-6, atol=1e-6 / min(std), check_stride=False)


def test_normalised_images_lie_in_channels_last_layout():
    images = torch.zeros((2, 3, 8, 8), dtype=torch.uint8)
    result = normalise(images, torch.zeros(3), torch.ones(3))
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert not result.is_contiguous()


def test_padding_is_black_before_normalisation_not_the_mean_after_it():
    white = torch.full((1, 3, 8, 8), 255, dtype=torch.uint8)
    mean, std = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.25, 0.3])
    zero, one = torch.tensor([0]), torch.tensor([1])
    result = normalise(crop_and_flip(white, zero, one, torch.tensor([False]), 1), mean, std)
    for channel in range(3):
        black, bright = -mean[channel] / std[channel], (1 - mean[channel]) / std[channel]
        torch.testing.assert_close(result[0, channel, 0], black.expand(8))
        torch.testing.assert_close(result[0, channel, 1:], bright.expand(7, 8))
