import hashlib
import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import stats

import prepare_data
import split_data
import traps
from hardpair import command, dataset
from hardpair.arrays import load_part
from hardpair.errors import UserError
from hardpair.files import read_json
from hardpair.sources import synthetic
from hardpair.sources.classes import CLASSES
from hardpair.split import split_indices

CAT, DOG = 3, 5


def same(first, second):
    """Whether two sets of parts hold equal arrays."""
    return all(np.array_equal(first[part][index], second[part][index]) for part in ("train", "test") for index in (0, 1))


pictures = npst.arrays(np.uint8, st.tuples(st.integers(1, 5), st.just(3), st.just(4), st.just(4)))


@given(pictures)
def test_channel_statistics_are_those_of_all_pixels(images):
    pixels = images.astype(np.float64) / 255
    mean, std = dataset.channel_statistics(images)
    np.testing.assert_allclose(mean, pixels.mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(std, pixels.std((0, 2, 3)), rtol=1e-6, atol=1e-7)


def some_parts(seed=0):
    generator = np.random.default_rng(seed)
    sizes = {"train": 4, "test": 2}
    return {part: (generator.integers(0, 256, (n, 3, 8, 8), dtype=np.uint8), generator.integers(0, 10, n)) for part, n in sizes.items()}


@given(st.sampled_from(["train", "test"]), st.sampled_from([0, 1]), st.integers(0, 10**6), st.integers(1, 255))
def test_the_content_hash_changes_with_any_byte(part, index, position, change):
    parts = some_parts()
    before = dataset.content_hash(parts)
    flat = parts[part][index].view(np.uint8).reshape(-1)
    flat[position % flat.size] ^= change
    assert dataset.content_hash(parts) != before


def test_the_content_hash_tells_shapes_types_and_parts_apart_but_not_memory_layouts():
    parts = some_parts()
    (images, labels), test = parts["train"], parts["test"]
    others = [
        {"train": (images.reshape(4, 3, 4, 16), labels), "test": test},
        {"train": (images.view(np.int8), labels), "test": test},
        {"train": test, "test": (images, labels)},
    ]
    assert len({dataset.content_hash(each) for each in [parts, *others]}) == 4
    assert dataset.content_hash({"test": test, "train": (np.asfortranarray(images), labels)}) == dataset.content_hash(parts)


def test_saved_images_are_read_back_with_their_description(tmp_path):
    parts = some_parts()
    dataset.save(tmp_path, {"kind": "made up", "classes": ["a"]}, parts)
    assert same({part: load_part(tmp_path, part) for part in ("train", "test")}, parts)
    told = read_json(tmp_path / "dataset.json")
    mean, std = dataset.channel_statistics(parts["train"][0])
    about = {"kind": "made up", "classes": ["a"], "size": 8, "train": 4, "test": 2}
    assert told == about | {"mean": mean, "std": std, "sha256": dataset.content_hash(parts)}
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
    assert same({part: load_part(tmp_path, part) for part in ("train", "test")}, some_parts())


@given(name=st.sampled_from(["images", "labels"]), size=st.integers(0, 159))
@settings(deadline=None)
def test_arrays_that_were_cut_off_are_told_in_a_sentence(tmp_path_factory, name, size):
    folder = tmp_path_factory.mktemp("data")
    dataset.save(folder, {}, some_parts())
    path = folder / "train" / f"{name}.npy"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(UserError, match=r"train holds a damaged array .* run prepare_data again"):
        load_part(folder, "train")


def test_arrays_of_objects_are_not_unpickled(tmp_path):
    dataset.save(tmp_path, {}, some_parts())
    np.save(tmp_path / "train" / "labels.npy", np.array([traps.Trap(tmp_path / "sprung")], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="damaged"):
        load_part(tmp_path, "train")
    assert not (tmp_path / "sprung").exists()


def test_missing_arrays_are_named(tmp_path):
    with pytest.raises(UserError, match=r"train/images\.npy is missing: run prepare_data first"):
        load_part(tmp_path, "train")


@st.composite
def wishes(draw):
    """Labels of 2 to 150 images, and sizes that they can meet."""
    labels = np.array(draw(st.lists(st.integers(0, 4), min_size=2, max_size=150)))
    validation = draw(st.integers(0, len(labels) - 1))
    return labels, draw(st.one_of(st.none(), st.integers(1, len(labels) - validation))), validation


@given(wishes(), st.sampled_from(["stratified", "random"]))
def test_training_and_validation_are_disjoint_sorted_of_the_sizes_asked_for_and_always_the_same(wish, split):
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
    whole = np.bincount(labels, minlength=5)
    taken = np.bincount(labels[held_out], minlength=5)
    assert (abs(taken - validation * whole / len(labels)) < 1 - 1e-9).all()
    left = whole - taken
    assert (abs(np.bincount(labels[kept], minlength=5) - len(kept) * left / left.sum()) < 1 - 1e-9).all()


def test_a_random_split_draws_without_regard_to_class():
    labels = np.repeat(np.arange(10), 1000)
    taken = np.bincount(labels[split_indices(labels, None, 2000, "random")[1]])
    p = stats.chisquare(taken).pvalue
    assert 1e-4 < p < 1 - 1e-4  # neither lopsided nor as even as strata would make it


@pytest.mark.parametrize("split", ["stratified", "random"])
@pytest.mark.parametrize(("training", "validation"), [(None, 10), (None, 11), (6, 5), (11, 0)])
def test_more_images_than_there_are_are_refused(split, training, validation):
    with pytest.raises(UserError, match="but there are 10: lower one of them"):
        split_indices(np.arange(10) % 2, training, validation, split)


@pytest.mark.parametrize(
    ("classes", "each", "imbalance", "total"),
    [
        *((10, 5000, imbalance, total) for imbalance, total in ((10, 20431), (50, 13996), (100, 12406), (200, 11203))),
        *((100, 500, imbalance, total) for imbalance, total in ((10, 19573), (50, 12608), (100, 10847))),
        (4, 1000, 1000, 1111),
    ],
)
def test_a_long_tail_has_the_published_number_of_images(classes, each, imbalance, total):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(classes), each))
    kept, held_out = split_indices(labels, None, 0, "stratified", imbalance)
    assert (len(kept), len(held_out)) == (total, 0)
    counts = np.bincount(labels[kept]).tolist()
    for label, count in enumerate(counts):  # n <= x < n + 1 in whole numbers, where x^(C-1) = each^(C-1) / imbalance^label
        assert count ** (classes - 1) * imbalance**label <= each ** (classes - 1) < (count + 1) ** (classes - 1) * imbalance**label
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
    whole, held_out = split_indices(labels, None, validation, split)
    left = np.bincount(labels[whole], minlength=len(sizes))
    before = whole
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


def test_a_tail_tells_its_counts_and_no_tail_changes_no_byte(tmp_path, monkeypatch):
    shape = json.dumps({"synthetic": {"train": 200, "test": 100, "size": 8, "separation": 1.5}})
    call(monkeypatch, prepare_data, "--kind", "synthetic", "--name", "made", "--settings", shape, "--output-dir", tmp_path)
    for name, wish in (("old", {}), ("one", {"imbalance": 1}), ("tail", {"imbalance": 5})):
        wish = json.dumps({"validation": 50} | wish)
        call(monkeypatch, split_data, "--data", tmp_path, "--settings", wish, "--output", tmp_path / f"{name}.json")
    assert (tmp_path / "old.json").read_bytes() == (tmp_path / "one.json").read_bytes()
    assert list(read_json(tmp_path / "one.json")) == ["data_sha256", "training", "validation"]
    tail, labels = read_json(tmp_path / "tail.json"), np.load(tmp_path / "train" / "labels.npy")
    assert tail["validation"] == read_json(tmp_path / "one.json")["validation"]
    assert list(tail["training_per_class"]) == list(CLASSES["synthetic"])
    assert list(tail["training_per_class"].values()) == np.bincount(labels[tail["training"]]).tolist()
    assert list(tail["training_per_class"].values()) == [15, 12, 10, 8, 7, 6, 5, 4, 3, 3]


def test_plain_splits_are_those_of_the_first_version():
    """Their bytes are part of every run's fingerprint."""
    labels = np.arange(1000) * 7919 % 997 % 10
    for split, digest in (("stratified", "3254b6fbe1fe4a36"), ("random", "9115e3b474a9a0b1")):
        parts = split_indices(labels, 500, 200, split)
        assert hashlib.sha256(json.dumps([part.tolist() for part in parts]).encode()).hexdigest()[:16] == digest


def test_generated_images_are_balanced_and_always_the_same():
    shape = {"train": 200, "test": 100, "size": 8, "separation": 2.0}
    about, parts = synthetic.generate(**shape)
    assert same(parts, synthetic.generate(**shape)[1])
    assert [np.bincount(parts[part][1]).tolist() for part in ("train", "test")] == [[20] * 10, [10] * 10]
    assert parts["train"][0].shape == (200, 3, 8, 8)
    assert about["classes"] == list(CLASSES["synthetic"])
    assert not np.array_equal(parts["train"][0][:100], parts["test"][0])


@pytest.mark.parametrize("size", [8, 16, 32])
@pytest.mark.parametrize("separation", [0.0, 0.7, 3.0])
def test_only_the_means_of_the_pair_lie_that_far_apart(size, separation):
    means = synthetic.class_means(size, separation).astype(float).reshape(10, -1) / synthetic.NOISE
    distance = np.linalg.norm(means[:, None] - means, axis=2)
    assert distance[CAT, DOG] == pytest.approx(separation, abs=1e-3)
    others = distance[np.triu_indices(10, 1)]
    assert np.sort(others)[1] > 2 * separation


def filter_errors(separation):
    """Errors of the likelihood ratio of the true means, and of one whose means and covariance were learned, on 2,000 cats and dogs."""
    _, parts = synthetic.generate(train=10000, test=10000, size=8, separation=separation)
    (x, y), (seen, known) = (
        [array[np.isin(labels, [CAT, DOG])] for array in (images, labels)] for images, labels in (parts["test"], parts["train"])
    )
    x, seen = x.reshape(len(x), -1).astype(float), seen.reshape(len(seen), -1).astype(float)
    cat, dog = (synthetic.class_means(8, separation)[name].reshape(-1).astype(float) for name in (CAT, DOG))
    ideal = (x - (cat + dog) / 2) @ (cat - dog) > 0
    design = np.column_stack([seen, np.ones(len(seen))])
    weights = np.linalg.lstsq(design, np.where(known == CAT, 1.0, -1.0), rcond=None)[0]
    learned = np.column_stack([x, np.ones(len(x))]) @ weights > 0
    return [int((answer != (y == CAT)).sum()) for answer in (ideal, learned)]


def test_no_linear_classifier_beats_the_bayes_error_the_best_attains_it_and_it_falls_with_separation():
    errors = {separation: filter_errors(separation) for separation in (0.5, 1.5, 3.0)}
    for separation, (ideal, learned) in errors.items():
        least = stats.norm.cdf(-separation / 2)
        assert synthetic.bayes_error(separation) == pytest.approx(least, rel=1e-12)
        for count in (ideal, learned):
            assert stats.binom.cdf(count, 2000, least) > 1e-4
        assert stats.binom.sf(ideal - 1, 2000, least) > 1e-4
    assert all(np.diff(list(errors.values()), axis=0).ravel() < 0)


def call(monkeypatch, script, *arguments):
    """Call a command in this process."""
    monkeypatch.setattr(sys, "argv", [f"{script.__name__}.py", *map(str, arguments)])
    command.run(script.main)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_settings_prepare_and_split_to_the_same_bytes(tmp_path, monkeypatch):
    shape = json.dumps({"synthetic": {"train": 100, "test": 100, "size": 8, "separation": 1.5}})
    for folder in (tmp_path / "a", tmp_path / "b"):
        call(monkeypatch, prepare_data, "--kind", "synthetic", "--name", "made", "--settings", shape, "--output-dir", folder)
        call(monkeypatch, split_data, "--data", folder, "--settings", '{"validation": 30}', "--output", folder / "split.json")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    split, about = read_json(tmp_path / "a" / "split.json"), read_json(tmp_path / "a" / "dataset.json")
    assert len(split["training"]) == 70
    assert sorted(split["training"] + split["validation"]) == list(range(100))
    assert split["data_sha256"] == about["sha256"]
    assert (about["kind"], about["name"], about["size"], about["bayes_error"]["cat-dog"]) == (
        "synthetic",
        "made",
        8,
        synthetic.bayes_error(1.5),
    )


@pytest.mark.parametrize(
    ("kind", "more", "told"),
    [
        ("cifar10", [], "--source is missing"),
        ("cifar10", ["--source", "nowhere.tar.gz"], "data.source nowhere.tar.gz does not exist"),
        ("synthetic", ["--settings", '{"synthetic": {"sise": 8}}'], "data.synthetic.sise is not a key: did you mean size?"),
        ("synthetic", ["--settings", '{"train": 8}'], "data.train is not a key"),
        ("folder", [], "--source is missing"),
        ("folder", ["--source", "nowhere"], "data.source nowhere does not exist"),
        ("synthetic", ["--settings", '{"synthetic": {"size": 12}}'], "data.synthetic.size is 12"),
    ],
)
def test_what_cannot_be_prepared_is_told_in_one_sentence(tmp_path, monkeypatch, kind, more, told):
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, prepare_data, "--kind", kind, "--name", "made", *more, "--output-dir", tmp_path / "out")
    assert told in ended.value.code
    assert "\n" not in ended.value.code
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ('{"validation": 4}', "ask for 5 images, but there are 4"),
        ('{"validation": -1}', "data.validation is -1"),
        ('{"validation": 0, "imbalance": 0.5}', "data.imbalance is 0.5"),
        ('{"validation": 0, "imbalance": 9}', "data.imbalance 9 keeps none of the"),
        ('{"validation": 0, "imbalance": 2, "training": 10}', "data.imbalance and data.training both say how many"),
        ('{"split": "x"}', "data.split is"),
    ],
)
def test_what_cannot_be_split_is_told_in_one_sentence(tmp_path, monkeypatch, wish, told):
    dataset.save(tmp_path, {"kind": "synthetic", "name": "made", "classes": list("abcdefghij")}, some_parts())
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, split_data, "--data", tmp_path, "--settings", wish, "--output", tmp_path / "split.json")
    assert told in ended.value.code
    assert "\n" not in ended.value.code
    assert not (tmp_path / "split.json").exists()


def test_a_split_without_prepared_data_names_the_missing_file(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match=r"dataset\.json is missing"):
        call(monkeypatch, split_data, "--data", tmp_path, "--output", tmp_path / "split.json")
