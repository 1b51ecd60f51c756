"""The data of the report's explorer against plain loops."""

import base64
import io
import itertools
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.special import softmax
from sklearn.metrics import confusion_matrix

import fake_study
from hardpair.comparison.runs import Runs
from hardpair.report import changes, confusions, inline_files, thumbnails
from reported_study import reported

COLOURED = [{"name": variant["name"], "label": variant["label"], "colour": "#000000"} for variant in fake_study.STUDY]
ABOUT = {"baseline": "ce", "pairs": [["cat", "dog"]]}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder, settings, images = reported(tmp_path_factory.mktemp("study"), seeds=5, images=300)
    return Runs.declared(folder / "runs", settings["config"]), images


def oracle(runs):
    """p_t (V, S, N) and predicted classes of every run, image by image, and the labels."""
    p, called = {}, {}
    for variant, seed in itertools.product(runs.variants, runs.seeds):
        arrays = np.load(runs.folder / variant / f"seed{seed}" / "predictions.npz")
        for image, (logits, label) in enumerate(zip(arrays["last"].astype(float), arrays["labels"], strict=True)):
            p[variant, seed, image], called[variant, seed, image] = softmax(logits)[label], int(np.argmax(logits))
    shape = (len(runs.variants), len(runs.seeds), len(arrays["labels"]))
    return np.array(list(p.values())).reshape(shape), np.array(list(called.values())).reshape(shape), arrays["labels"]


def plain_changes(wrong, baseline=0):
    """1 where a variant fixes an image, -1 where it gets one newly wrong, (V, N)."""
    found = np.zeros((len(wrong), wrong.shape[2]), int)
    for variant, image in np.ndindex(found.shape):
        before, after = (sum(wrong[place, :, image].tolist()) / wrong.shape[1] for place in (baseline, variant))
        found[variant, image] = (before > 0.5 > after) - (before < 0.5 < after)
    return found


def unpacked(data):
    count, variants, seeds = len(unpack(data["tables"]["index"])), len(data["variants"]), len(data["seeds"])
    shapes = {"index": (count,), "label": (count,), "mean": (variants, count), "wrong": (variants, count)}
    shapes |= {"p": (variants, seeds, count), "called": (variants, seeds, count)}
    return {name: unpack(data["tables"][name]).reshape(shape) for name, shape in shapes.items()}


def unpack(table):
    return np.frombuffer(base64.b64decode(table["base64"]), np.dtype(table["kind"]).newbyteorder("<"))


def test_every_image_that_a_run_gets_wrong_is_there_with_what_runs_make_of_it(study):
    runs, images = study
    p, called, labels = oracle(runs)
    data, extent = confusions.explored(runs, images, fake_study.CLASSES, COLOURED, ABOUT)
    tables, wrong = unpacked(data), called != labels
    index = tables["index"]
    assert set(index) == set(np.flatnonzero(wrong.any((0, 1))))
    change = plain_changes(wrong)
    others = [image for image in index if not change[:, image].any()]
    changed = [image for image in index if change[:, image].any()]
    assert min(len(others), len(changed)) > 10
    taken = 2 * min(len(others), len(changed))
    assert list(index[:taken:2]) + list(index[1:taken:2]) == changed[: taken // 2] + others[: taken // 2], "in turn"
    keys = {image: (-wrong[:, :, image].sum(), p[:, :, image].mean(), image) for image in index}
    assert others == sorted(others, key=keys.get)
    ranks = dict.fromkeys(changed, len(index))
    for variant in range(4):
        size = {
            image: abs(int(wrong[variant, :, image].sum()) - int(wrong[0, :, image].sum())) for image in changed if change[variant, image]
        }
        for rank, image in enumerate(sorted(size, key=lambda image: (-size[image], keys[image]))):
            ranks[image] = min(ranks[image], rank)
    assert changed == sorted(changed, key=lambda image: (ranks[image], keys[image])), "the clearest of each variant first"
    np.testing.assert_array_equal(tables["label"], labels[index])
    np.testing.assert_array_equal(tables["called"], called[:, :, index])
    np.testing.assert_array_equal(tables["wrong"], wrong[:, :, index].sum(1))
    np.testing.assert_allclose(tables["p"] / 255, p[:, :, index], atol=0.5 / 255 + 1e-9)
    np.testing.assert_allclose(tables["mean"] / 65535, p[:, :, index].mean(1), atol=0.5 / 65535 + 1e-9)
    matrices = data["matrix"]
    counts = np.frombuffer(base64.b64decode(matrices["base64"]), np.dtype(matrices["kind"]).newbyteorder("<")).reshape(4, 10, 10)
    for variant in range(4):
        np.testing.assert_array_equal(counts[variant], sum(confusion_matrix(labels, seed, labels=range(10)) for seed in called[variant]))
    assert extent == {
        "classes": 10,
        "images": 300,
        "in_matrix": 20,
        "wrong": len(index),
        "shown": len(index),
        "shown_changed": len(changed),
        "seeds": 5,
        "shown_seeds": 5,
        "of_class": dict.fromkeys(fake_study.CLASSES, 30),
    } | {
        "quality": None,
        "side": 16,
        "reduced": False,
    }
    assert (data["baseline"], data["pair"], data["seeds"], data["runs"]) == (0, [3, 5], (0, 1, 2, 3, 4), 5)


def test_of_too_many_seeds_the_first_are_shown_and_means_are_over_all(study, monkeypatch):
    runs, images = study
    p, called, labels = oracle(runs)
    monkeypatch.setattr(confusions, "ENOUGH", 50)
    monkeypatch.setattr(thumbnails, "PER_SHEET", 32)
    monkeypatch.setattr(confusions, "TABLES", 50 * (5 + 4 * (4 + 2 * 2)))
    data, extent = confusions.explored(runs, images, fake_study.CLASSES, COLOURED, ABOUT)
    tables = unpacked(data)
    assert (extent["shown_seeds"], extent["shown"], data["runs"]) == (2, 50, 5)
    assert tables["p"].shape == (4, 2, 50)
    np.testing.assert_array_equal(tables["called"], called[:, :2, tables["index"]])
    np.testing.assert_array_equal(tables["wrong"], (called != labels)[:, :, tables["index"]].sum(1))
    np.testing.assert_allclose(tables["mean"] / 65535, p[:, :, tables["index"]].mean(1), atol=1e-5)
    left = np.setdiff1d(np.arange(300), tables["index"])
    wrong, changed = (called != labels).sum((0, 1)), plain_changes(called != labels).any(0)
    assert changed[tables["index"]].sum() == extent["shown_changed"] == 25, "half of them were changed"
    assert wrong[left][~changed[left]].max() <= wrong[tables["index"]][~changed[tables["index"]]].min(), "the most wrong of the others stay"


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(2, 4), st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_changes_are_counted_image_by_image(variants, seeds, classes, images, seed):
    rng = np.random.default_rng(seed)
    labels, baseline = rng.integers(0, classes, images), int(rng.integers(variants))
    called = np.where(rng.random((variants, seeds, images)) < 0.5, labels, rng.integers(0, classes, (variants, seeds, images))).astype(
        np.uint8
    )
    wrong = called != labels
    change = plain_changes(wrong, baseline)
    np.testing.assert_array_equal(changes.changes(wrong.sum(1), baseline, seeds), change)
    counts = Counter()
    for variant, image in np.ndindex(change.shape):
        for a, b in itertools.combinations(range(classes), 2):
            confused = any(
                {a, b} == {int(labels[image]), int(called[place, run, image])} for place in (baseline, variant) for run in range(seeds)
            )
            if change[variant, image] and confused:
                counts[variant, a, b, change[variant, image]] += 1
    expected = [[*key, counts[*key, 1], counts[*key, -1]] for key in sorted({key[:3] for key in counts})]
    assert changes.by_pair(change, called, labels, baseline, classes).tolist() == expected


def test_what_was_changed_is_counted_among_all_images_however_few_are_shown(study, monkeypatch):
    runs, images = study
    complete, _ = confusions.explored(runs, images, fake_study.CLASSES, COLOURED, ABOUT)
    monkeypatch.setattr(thumbnails, "PER_SHEET", 32)
    monkeypatch.setattr(confusions, "TABLES", 50 * (5 + 4 * (4 + 2 * 5)))
    cut, extent = confusions.explored(runs, images, fake_study.CLASSES, COLOURED, ABOUT)
    assert extent["shown"] < extent["wrong"] == cut["misclassified"]
    assert cut["changes"] == complete["changes"]
    _, called, labels = oracle(runs)
    change = plain_changes(called != labels)
    rows = unpack(cut["changes"]).reshape(-1, 5)
    assert len(rows) > 20
    for variant in range(1, 4):
        of = {tuple(row[1:3]): tuple(row[3:]) for row in rows.tolist() if row[0] == variant}
        either = (((labels == 3) & (called == 5)) | ((labels == 5) & (called == 3)))[[0, variant]].any((0, 1))
        assert of[3, 5] == tuple((either & (change[variant] == kind)).sum() for kind in (1, -1))


@pytest.mark.parametrize(("variants", "seeds"), [(1, 1), (4, 10), (12, 30), (4, 2500), (1000, 10)])
def test_tables_stay_small_however_many_runs_there_are(variants, seeds):
    shown = confusions.shown_seeds(variants, seeds, confusions.TABLES)
    assert 1 <= shown <= seeds
    images = confusions.TABLES // confusions.image_bytes(variants, shown)
    assert images >= 400
    assert shown == seeds or images <= 2 * confusions.ENOUGH
    if variants * seeds <= 360:
        assert shown == seeds


def size_of_tables(data):
    return sum(len(table["base64"]) for table in (data["matrix"], data["changes"], *data["tables"].values()))


def size(data):
    return size_of_tables(data) + sum(map(len, data["pictures"]["sheets"]))


@pytest.mark.parametrize("room", [1, 3000, 20_000, 60_000, 10**6])
def test_however_small_the_room_one_sheet_is_shown(study, monkeypatch, room):
    runs, images = study
    monkeypatch.setattr(thumbnails, "PER_SHEET", 32)
    data, extent = confusions.explored(runs, images, fake_study.CLASSES, COLOURED, ABOUT, room)
    assert extent["shown"] == len(unpack(data["tables"]["index"])) >= 32
    assert size(data) <= room or (extent["shown"], extent["quality"]) == (32, thumbnails.QUALITIES[-1])


def test_many_variants_of_many_classes_fit_into_one_megabyte():
    rng, (variants, classes, count) = np.random.default_rng(0), (12, 100, 8000)
    labels = rng.integers(0, classes, count)

    def predictions(model):
        for variant in range(variants):
            answers = SimpleNamespace(p_true=rng.random(count), called=rng.integers(0, classes, count).astype(np.uint8))
            yield str(variant), 0, SimpleNamespace(index=np.arange(count), labels=labels, models={model: answers})

    runs = SimpleNamespace(variants=[*map(str, range(variants))], seeds=(0,), predictions=predictions)
    images = np.broadcast_to(rng.integers(0, 256, (3, 32, 32), np.uint8), (count, 3, 32, 32))
    about = {"baseline": "0", "pairs": [["1", "2"]]}
    data, extent = confusions.explored(runs, images, [*map(str, range(classes))], [], about, 1_000_000)
    assert extent["wrong"] > 7000
    assert extent["shown"] >= thumbnails.PER_SHEET
    assert size(data) <= 1_000_000


def test_pictures_that_do_not_fit_go_with_their_tables(study, monkeypatch):
    runs, images = study
    images = np.random.default_rng(0).integers(0, 256, images.shape, np.uint8)  # which no compression makes small
    monkeypatch.setattr(confusions, "ENOUGH", 100)
    monkeypatch.setattr(thumbnails, "PER_SHEET", 32)
    data, extent = confusions.explored(runs, images, fake_study.CLASSES, COLOURED, ABOUT)
    room = 2 * size_of_tables(data)
    reduced, reduced_extent = confusions.explored(runs, images, fake_study.CLASSES, COLOURED, ABOUT, room)
    assert reduced_extent["quality"] == thumbnails.QUALITIES[-1]
    assert 0 < reduced_extent["shown"] < extent["shown"] == extent["wrong"] == reduced_extent["wrong"]
    assert size(reduced) <= room
    complete, part = unpacked(data), unpacked(reduced)
    for name in complete:
        np.testing.assert_array_equal(part[name], complete[name][..., : reduced_extent["shown"]])


def test_what_a_page_may_hold_is_under_15_mb():
    assert confusions.TABLES * 4 / 3 < confusions.ROOM / 2
    assert confusions.ROOM + inline_files.ROOM * 4 / 3 < 14.5e6, "the rest is text"


def test_a_study_without_errors_has_nothing_to_explore(study, tmp_path, monkeypatch):
    monkeypatch.setattr(Runs, "classes", lambda self: fake_study.CLASSES)
    _, images = study
    for variant in ("ce", "dfl"):
        (tmp_path / variant / "seed0").mkdir(parents=True)
        labels = np.arange(20) % 10
        logits = np.eye(10, dtype=np.float32)[labels] * 5
        np.savez(tmp_path / variant / "seed0" / "predictions.npz", index=np.arange(20), labels=labels, last=logits)
    data, extent = confusions.explored(Runs(tmp_path, ("ce", "dfl"), (0,)), images, fake_study.CLASSES, COLOURED[:2], ABOUT)
    assert (extent["wrong"], extent["shown"], data["pictures"]["sheets"]) == (0, 0, [])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.sampled_from([8, 32]), st.integers(0, 2**32 - 1))
def test_pictures_lie_on_their_sheets_row_by_row_unchanged(count, side, seed):
    rng = np.random.default_rng(seed)
    images, chosen = rng.integers(0, 256, (50, 3, side, side), np.uint8), rng.permutation(50)[:count]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thumbnails, "PER_SHEET", 32)
        sheets = thumbnails.sheets(images, chosen, 10**9)
    assert (sheets["count"], sheets["side"], sheets["quality"]) == (count, side, None)
    pages = [np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))) for text in sheets["sheets"]]
    for place, index in enumerate(chosen):
        top, left = place % 32 // 16 * side, place % 16 * side
        picture = pages[place // 32][top : top + side, left : left + side]
        np.testing.assert_array_equal(picture, images[index].transpose(1, 2, 0))


def test_large_pictures_are_reduced():
    images = np.full((3, 3, 100, 100), 77, np.uint8)
    sheets = thumbnails.sheets(images, np.arange(3), 10**9)
    assert (sheets["side"], sheets["reduced"]) == (64, True)
    (page,) = (np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))) for text in sheets["sheets"])
    assert page.shape == (64, 16 * 64, 3)
    assert (page[:, : 3 * 64] == 77).all()


def test_quality_is_the_best_that_fits():
    images = np.random.default_rng(0).integers(0, 256, (64, 3, 32, 32), np.uint8)
    chosen, sizes = np.arange(64), []
    for quality in thumbnails.QUALITIES:
        file = io.BytesIO()
        how = {"lossless": True} if quality is None else {"quality": quality}
        Image.fromarray(thumbnails.sheet(images, chosen, 32)).save(file, "WEBP", **how)
        sizes.append(len(base64.b64encode(file.getvalue())))
    assert sizes == sorted(sizes, reverse=True)
    for quality, size in zip(thumbnails.QUALITIES, sizes, strict=True):
        assert thumbnails.sheets(images, chosen, size)["quality"] == quality
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thumbnails, "PER_SHEET", 32)
        smallest = thumbnails.sheets(images, chosen, sizes[-1] // 4)
    assert (smallest["count"], smallest["quality"]) == (32, 70), "the first sheet is always there"
