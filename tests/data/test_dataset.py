"""Images as arrays on the disk."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import hostile_pickle
from hardpair.data import dataset
from hardpair.data.arrays import load_part
from hardpair.errors import UserError
from hardpair.files.json_text import read_json
from hardpair.training.augment import normalise
from prepared_data import same_parts, some_parts

pictures = npst.arrays(np.uint8, st.tuples(st.integers(1, 5), st.just(3), st.just(4), st.just(4)))


@given(pictures, st.sampled_from([1, 32, 33, 2**22]))
def test_channel_statistics_are_those_of_all_pixels_however_many_are_counted_at_once(images, chunk):
    pixels = images.astype(np.float64) / 255
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(dataset, "CHUNK", chunk)
        mean, std = dataset.channel_statistics(images)
    np.testing.assert_allclose(mean, pixels.mean((0, 2, 3)), rtol=1e-12)
    constant = pixels.min((0, 2, 3)) == pixels.max((0, 2, 3))
    np.testing.assert_allclose(std, np.where(constant, 1, pixels.std((0, 2, 3))), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("value", [0, 77, 255])
def test_a_channel_that_is_the_same_in_all_pictures_becomes_nothing(value):
    images = some_parts()["train"][0].copy()
    images[:, 0] = value
    shown = normalise(torch.from_numpy(images), *map(torch.tensor, dataset.channel_statistics(images)))
    torch.testing.assert_close(shown[:, 0], torch.zeros_like(shown[:, 0]), atol=1e-6, rtol=0)
    torch.testing.assert_close(shown[:, 1:].std((0, 2, 3), correction=0), torch.ones(2))


@given(st.sampled_from(["train", "test"]), st.sampled_from([0, 1]), st.integers(0, 10**6), st.integers(1, 255))
def test_the_content_hash_changes_with_any_byte(part, index, position, change):
    parts = some_parts()
    before = dataset.content_hash(parts)
    flat = parts[part][index].view(np.uint8).reshape(-1)
    flat[position % flat.size] ^= change
    assert dataset.content_hash(parts) != before


def test_the_content_hash_depends_on_shapes_types_and_parts_but_not_on_memory_layouts():
    parts = some_parts()
    (images, labels), test = parts["train"], parts["test"]
    others = [
        {"train": (images.reshape(4, 3, 4, 16), labels), "test": test},
        {"train": (images.view(np.int8), labels), "test": test},
        {"train": test, "test": (images, labels)},
    ]
    assert len({dataset.content_hash(arrays) for arrays in [parts, *others]}) == 4
    assert dataset.content_hash({"test": test, "train": (np.asfortranarray(images), labels)}) == dataset.content_hash(parts)


def test_saved_images_are_read_back_with_their_description(tmp_path):
    parts = some_parts()
    dataset.save(tmp_path, {"kind": "made up", "classes": ["a"]}, parts)
    assert same_parts({part: load_part(tmp_path, part) for part in ("train", "test")}, parts)
    stored = read_json(tmp_path / "dataset.json")
    mean, std = dataset.channel_statistics(parts["train"][0])
    about = {"kind": "made up", "classes": ["a"], "size": 8, "train": 4, "test": 2}
    assert stored == about | {"mean": mean, "std": std, "sha256": dataset.content_hash(parts)}
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {"dataset.json", *(f"{part}/{name}.npy" for part in parts for name in ("images", "labels"))}


def test_a_description_never_outlives_its_arrays(tmp_path, monkeypatch):
    dataset.save(tmp_path, {}, some_parts())
    monkeypatch.setattr(dataset, "channel_statistics", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        dataset.save(tmp_path, {}, some_parts(seed=1))
    assert not (tmp_path / "dataset.json").exists()


def test_what_a_job_changes_in_its_images_stays_its_own(tmp_path):
    dataset.save(tmp_path, {}, some_parts())
    images, labels = load_part(tmp_path, "train")
    assert isinstance(images, np.memmap)
    images[:], labels[:] = 0, 0
    images.flush()
    assert same_parts({part: load_part(tmp_path, part) for part in ("train", "test")}, some_parts())


@given(name=st.sampled_from(["images", "labels"]), size=st.integers(0, 159))
@settings(deadline=None)
def test_truncated_arrays_end_in_one_sentence(tmp_path_factory, name, size):
    folder = tmp_path_factory.mktemp("data")
    dataset.save(folder, {}, some_parts())
    path = folder / "train" / f"{name}.npy"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(UserError, match=r"train holds a damaged array .* run prepare_data again"):
        load_part(folder, "train")


def test_arrays_of_objects_are_not_unpickled(tmp_path):
    dataset.save(tmp_path, {}, some_parts())
    np.save(tmp_path / "train" / "labels.npy", np.array([hostile_pickle.Trap(tmp_path / "sprung")], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="damaged"):
        load_part(tmp_path, "train")
    assert not (tmp_path / "sprung").exists()


def test_missing_arrays_are_named(tmp_path):
    with pytest.raises(UserError, match=r"train/images\.npy is missing: run prepare_data first"):
        load_part(tmp_path, "train")
