"""Your own pictures as arrays."""

import io
import shutil

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

import picture_tree
from hardpair.config.resolve import resolve_part
from hardpair.data.arrays import load_part
from hardpair.data.pictures import decoded, tree
from hardpair.data.pictures.planned import planned
from hardpair.data.sources import get
from hardpair.errors import UserError
from hardpair.files.json_text import read_json
from hardpair.report.provenance import about_pictures
from picture_tree import PARTED, TREE, rows


def pixels_of(content: bytes) -> np.ndarray:
    """A PNG of this size as the network takes it."""
    return np.asarray(Image.open(io.BytesIO(content))).transpose(2, 0, 1)


@pytest.mark.parametrize("threads", [1, 3])
def test_train_and_test_hold_their_pictures_in_the_order_of_their_paths(prepare, tmp_path, threads):
    source = picture_tree.write(tmp_path / "pictures", PARTED)
    output = prepare(source, "--threads", threads)
    for part in ("train", "test"):
        images, labels = load_part(tmp_path / "out", part)
        mine = {path: content for path, content in sorted(PARTED.items()) if path.startswith(part)}
        np.testing.assert_array_equal(images, [pixels_of(content) for content in mine.values()])
        assert labels.tolist() == [0 if "/cat/" in path else 1 for path in mine]
    about = read_json(tmp_path / "out" / "dataset.json")
    assert (about["kind"], about["classes"], about["size"], about["train"], about["test"]) == ("folder", ["cat", "dog"], 8, 6, 6)
    assert output == "2 classes, 6 training and 6 test pictures of 8 × 8 pixels\n"
    assert rows(tmp_path / "out" / "skipped.csv") == rows(tmp_path / "out" / "duplicates.csv") == []


def test_folder_zip_and_tar_of_any_order_are_prepared_to_the_same_arrays(prepare, tmp_path):
    order = np.random.default_rng(1).permutation(list(TREE)).tolist()
    sources = [picture_tree.write(tmp_path / "pictures", TREE)]
    sources += [
        picture_tree.pack(tmp_path / name, {f"pets/{path}": TREE[path] for path in order}) for name in ("a.zip", "a.tar.gz", "a.tar")
    ]
    hashes = set()
    for number, source in enumerate(sources):
        prepare(source, output=tmp_path / str(number))
        hashes.add(read_json(tmp_path / str(number) / "dataset.json")["sha256"])
    assert len(hashes) == 1


@settings(max_examples=30, deadline=None)
@example(sizes=[3, 3], share=0.9375)
@given(sizes=st.lists(st.integers(3, 40), min_size=2, max_size=4), share=st.floats(0.05, 0.95))
def test_a_tree_is_split_stratified_and_always_alike(tmp_path_factory, sizes, share):
    source = tmp_path_factory.mktemp("pictures")
    one = picture_tree.png(0)
    picture_tree.write(source, {f"{label}/{number}.png": one for label, n in enumerate(sizes) for number in range(n)})
    data = resolve_part("data", {"kind": "folder", "name": "p", "source": str(source), "test_share": share})
    if round(share * sum(sizes)) == sum(sizes):
        sentence = rf"^data\.test_share {share:g} leaves none of the {sum(sizes)} pictures to train on: lower it$"
        for reading in (lambda: decoded.read(source, 8, share, threads=1), lambda: planned(data, source / "out")):
            with pytest.raises(UserError, match=sentence):
                reading()
        return
    pictures = decoded.read(source, 8, share, threads=1)
    assert planned(data, source / "out")[1] == pictures.counts()
    tested = pictures.parts == "test"
    assert tested.sum() == round(share * sum(sizes))
    for label, n in enumerate(sizes):
        assert abs((pictures.labels[tested] == label).sum() - tested.sum() * n / sum(sizes)) < 1
    again = decoded.read(source, 8, share, threads=2)
    assert (again.parts == pictures.parts).all()
    assert again.files == pictures.files == sorted(pictures.files)


def test_formats_and_modes_are_read_by_their_content_and_not_by_their_name(prepare, tmp_path):
    colours = {"cat": (200, 40, 10), "dog": (20, 60, 220)}
    kinds = [
        ("PNG", "RGB"),
        ("JPEG", "RGB"),
        ("WEBP", "RGB"),
        ("GIF", "P"),
        ("BMP", "RGB"),
        ("TIFF", "CMYK"),
        ("PNG", "RGBA"),
        ("PPM", "RGB"),
    ]
    files = {}
    for name, colour in colours.items():
        for number, (kind, mode) in enumerate(kinds):
            file = io.BytesIO()
            Image.new("RGB", (30, 20), colour).convert(mode).save(file, kind)
            files[f"{name}/{number}.dat"] = file.getvalue()
    prepare(picture_tree.write(tmp_path / "pictures", files), size=16, test_share=0.5)
    for part in ("train", "test"):
        images, labels = load_part(tmp_path / "out", part)
        expected = np.array(list(colours.values()))[labels][:, :, None, None]
        assert np.abs(images.astype(int) - expected).max() < 35, "palette and JPEG are near"


def test_items_come_in_order_and_few_are_taken_ahead():
    started = []

    def items():
        for number in range(200):
            started.append(number)
            yield number

    for place, result in enumerate(decoded.in_order(lambda number: number**2, items(), threads=2)):
        assert result == place**2
        assert len(started) <= place + 2 * decoded.AHEAD + 2


def test_what_is_planned_is_what_is_prepared(prepare, tmp_path):
    for name, files in (("parted", PARTED), ("tree", TREE)):
        source = picture_tree.write(tmp_path / name, files)
        data = resolve_part("data", {"kind": "folder", "name": "p", "source": str(source), "test_share": 0.25})
        fingerprint, before = planned(data, tmp_path / f"out {name}")
        prepare(source, "--min-images", 1, test_share=0.25, output=tmp_path / f"out {name}")
        (again, after), about = planned(data, tmp_path / f"out {name}"), read_json(tmp_path / f"out {name}" / "dataset.json")
        assert fingerprint == again
        assert list(before) == about["classes"]
        assert before == after
        inventory = get("folder").inventory(data, tmp_path / f"out {name}")
        assert (inventory.train, inventory.test, list(inventory.classes)) == (about["train"], about["test"], about["classes"])


@pytest.mark.parametrize("damage", [b"", b"\0\0\0", b'{"source": "a"}\n'], ids=["empty", "zeros", "incomplete"])
def test_a_damaged_record_counts_as_none_while_the_pictures_are_there(prepare, tmp_path, damage):
    source = picture_tree.write(tmp_path / "pets", {f"{name}/{n}.png": picture_tree.png(n) for name in ("cat", "dog") for n in range(5)})
    data = resolve_part("data", {"kind": "folder", "name": "p", "source": str(source)})
    prepare(source, "--min-images", 1)
    before = planned(data, tmp_path / "out")
    (tmp_path / "out/pictures.json").write_bytes(damage)
    assert planned(data, tmp_path / "out") == before
    sentence = f"It is not known how many files were left out, since {tmp_path}/out/pictures.json is damaged."
    assert about_pictures(tmp_path / "out") == [sentence]
    shutil.rmtree(source)
    with pytest.raises(UserError, match=rf"^data.source {source} does not exist, and .*out/pictures\.json"):
        planned(data, tmp_path / "out")


def test_pictures_that_may_not_be_read_are_refused_in_a_sentence(tmp_path, monkeypatch):
    source = picture_tree.write(tmp_path / "pets", {f"{name}/{n}.png": picture_tree.png(n) for name in ("cat", "dog") for n in range(5)})
    data = resolve_part("data", {"kind": "folder", "name": "p", "source": str(source)})

    def refuse(path):  # tests may run as root, who may read everything
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(tree.os, "scandir", refuse)
    with pytest.raises(UserError, match=rf"^data.source {source} cannot be read \(Permission denied\): make it readable, or name another$"):
        get("folder").inventory(data, tmp_path / "out")
    with pytest.raises(UserError, match=r"cannot be read \(File name too long\)"):
        get("folder").inventory(data | {"source": str(tmp_path / ("a" * 300))}, tmp_path / "out")


@pytest.mark.parametrize(("classes", "pictures"), [(9, 7), (9, 10), (2, 5)])
def test_small_classes_are_counted_as_they_are_split(prepare, tmp_path, classes, pictures):
    files = {f"{name}/{n}.png": picture_tree.png(10 * name + n) for name in range(classes) for n in range(pictures + name % 2)}
    source = picture_tree.write(tmp_path / "small", files)
    data = resolve_part("data", {"kind": "folder", "name": "p", "source": str(source), "test_share": 0.25})
    _, before = planned(data, tmp_path / "out")
    prepare(source, "--min-images", 1, "--on-bad-image", "skip", test_share=0.25)
    assert before == read_json(tmp_path / "out/pictures.json")["counts"]
