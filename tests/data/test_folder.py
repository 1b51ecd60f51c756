"""Your own pictures as arrays, and what is reported of them."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

import picture_tree
import prepare_data
from hardpair.cli import command
from hardpair.config.resolve import resolve_part
from hardpair.data.arrays import load_part
from hardpair.data.pictures import decoded
from hardpair.data.pictures.planned import planned
from hardpair.data.sources import get
from hardpair.errors import UserError
from hardpair.files.atomic import read_json
from hardpair.training.model import ConvNet
from hardpair.training.model_size import parameter_count

COUNTS = {"cat": 8, "dog": 13}
TREE = {
    f"{name}/{number}.png": picture_tree.png(100 * len(name) + number + (name == "dog") * 50)
    for name, n in COUNTS.items()
    for number in range(n)
}
PARTED = {
    f"{part}/{name}/{number}.png": picture_tree.png(number + 10 * place)
    for place, (part, name) in enumerate((part, name) for part in ("train", "test") for name in ("cat", "dog"))
    for number in range(3)
}


def pixels_of(content: bytes) -> np.ndarray:
    """A PNG of the size asked for as the network takes it."""
    return np.asarray(Image.open(io.BytesIO(content))).transpose(2, 0, 1)


@pytest.fixture
def prepare(tmp_path, monkeypatch, capsys):
    """Prepare a source through the command; what it said."""

    def prepared(source: Path, *options: object, size: int = 8, test_share: float = 0.2, output: Path = tmp_path / "out") -> str:
        shape = json.dumps({"size": size, "test_share": test_share})
        line = ["--kind", "folder", "--name", "p", "--source", source, "--settings", shape, "--output-dir", output, *options]
        monkeypatch.setattr(sys, "argv", ["prepare_data.py", *map(str, line)])
        command.run(prepare_data.main)
        return capsys.readouterr().out

    return prepared


@pytest.fixture
def complaint(prepare, tmp_path):
    """The one line in which the command ends; no arrays are left."""

    def complained(source: Path, *options: object, **shape) -> str:
        with pytest.raises(SystemExit) as caught:
            prepare(source, *options, **shape)
        assert not list((tmp_path / "out").rglob("*.npy"))
        assert not (tmp_path / "out" / "dataset.json").exists()
        told = str(caught.value.code)
        assert told.startswith("prepare_data.py: ")
        assert told.isprintable()
        return told

    return complained


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("threads", [1, 3])
def test_train_and_test_hold_their_pictures_in_the_order_of_their_paths(prepare, tmp_path, threads):
    source = picture_tree.write(tmp_path / "pictures", PARTED)
    said = prepare(source, "--threads", threads)
    for part in ("train", "test"):
        images, labels = load_part(tmp_path / "out", part)
        mine = {path: content for path, content in sorted(PARTED.items()) if path.startswith(part)}
        np.testing.assert_array_equal(images, [pixels_of(content) for content in mine.values()])
        assert labels.tolist() == [0 if "/cat/" in path else 1 for path in mine]
    about = read_json(tmp_path / "out" / "dataset.json")
    assert (about["kind"], about["classes"], about["size"], about["train"], about["test"]) == ("folder", ["cat", "dog"], 8, 6, 6)
    weights = sum(weight.numel() for weight in ConvNet(2, 8).parameters())
    assert about["parameters"] == weights
    assert said == f"2 classes, 6 training and 6 test pictures of 8 × 8 pixels; the network has {weights:,} parameters for them\n"
    assert rows(tmp_path / "out" / "skipped.csv") == rows(tmp_path / "out" / "duplicates.csv") == []


def test_folder_zip_and_tar_of_any_order_are_prepared_to_the_same_arrays(prepare, tmp_path):
    order = np.random.default_rng(1).permutation(list(TREE)).tolist()
    sources = [picture_tree.write(tmp_path / "pictures", TREE)]
    sources += [
        picture_tree.pack(tmp_path / name, {f"pets/{path}": TREE[path] for path in order}) for name in ("a.zip", "a.tar.gz", "a.tar")
    ]
    found = set()
    for number, source in enumerate(sources):
        prepare(source, output=tmp_path / str(number))
        found.add(read_json(tmp_path / str(number) / "dataset.json")["sha256"])
    assert len(found) == 1


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


def broken() -> dict[str, tuple[bytes, str]]:
    """Files that are no usable pictures, and what is said of them."""
    whole, eps = picture_tree.png(1, height=40, width=40), io.BytesIO()
    Image.new("RGB", (8, 8)).save(eps, "EPS")
    return {
        "cat/cut.png": (whole[:-1000], "cannot be read as a picture ("),
        "cat/eps.png": (eps.getvalue(), "cannot be read as a picture (EPS is a program"),
        "cat/empty.png": (b"", "is empty"),
        "cat/text.dat": (b"no picture", "cannot be read as a picture (its format is not known)"),
        "notes.dat": (b"no picture", "lies in no class's folder"),
    }


@pytest.mark.parametrize("name", ["folder", "a.zip", "a.tar"])
def test_broken_files_are_listed_and_skipped_or_refused(prepare, complaint, tmp_path, name):
    files = TREE | {path: content for path, (content, _) in broken().items()}
    source = picture_tree.write(tmp_path / name, files) if name == "folder" else picture_tree.pack(tmp_path / name, files)
    told = complaint(source)
    assert f"data.source {source} has 5 files that cannot be used, the first 'cat/cut.png', which cannot be read as a picture (" in told
    assert f"{tmp_path / 'out' / 'skipped.csv'} lists all; replace or remove them, or set data.on_bad_image to skip" in told
    listed = rows(tmp_path / "out" / "skipped.csv")
    said = prepare(source, "--on-bad-image", "skip")
    assert rows(tmp_path / "out" / "skipped.csv") == listed
    assert [row["file"] for row in listed] == sorted(broken())
    for row in listed:
        assert row["problem"].startswith(broken()[row["file"]][1])
    assert said.startswith(f"files that are no usable pictures, left out: 5 ({tmp_path / 'out' / 'skipped.csv'} says why)\n2 classes,")
    prepare(picture_tree.write(tmp_path / "good", TREE), output=tmp_path / "alone")
    assert read_json(tmp_path / "out" / "dataset.json") == read_json(tmp_path / "alone" / "dataset.json")


def test_no_file_is_run_by_ghostscript(prepare, tmp_path, monkeypatch):
    drawing = io.BytesIO()
    Image.new("RGB", (8, 8)).save(drawing, "EPS")
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was started"))
    monkeypatch.setattr(shutil, "which", lambda name, *_: f"/bin/{name}")
    prepare(picture_tree.write(tmp_path / "pictures", TREE | {"cat/a.eps": drawing.getvalue()}), "--on-bad-image", "skip")
    assert [row["file"] for row in rows(tmp_path / "out" / "skipped.csv")] == ["cat/a.eps"]
    with Image.open(drawing) as picture, pytest.raises(OSError, match="Ghostscript"):
        picture.load()  # as within a file of another format


def test_a_picture_of_too_many_pixels_is_not_decoded(prepare, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 99)
    large = {"dog/large.png": picture_tree.png(1, height=10, width=10), "dog/larger.png": picture_tree.png(1, height=20, width=20)}
    prepare(picture_tree.write(tmp_path / "pictures", TREE | large), "--on-bad-image", "skip")
    assert rows(tmp_path / "out" / "skipped.csv") == [
        {"file": path, "problem": "has more than 99 pixels; make it smaller first"} for path in large
    ]


def test_names_of_files_may_hold_anything(complaint, tmp_path):
    odd = {"cat/\x1b[31m\n.png": b"x", b'cat/\xff,".png'.decode(errors="surrogateescape"): b"x"}
    told = complaint(picture_tree.write(tmp_path / "pictures", TREE | odd))
    assert r"'cat/\x1b[31m\n.png'" in told
    assert [row["file"] for row in rows(tmp_path / "out" / "skipped.csv")] == ["cat/\x1b[31m\n.png", 'cat/\\udcff,".png']


def test_duplicates_are_listed_by_what_the_network_sees(prepare, tmp_path):
    first, second, third = (picture_tree.png(seed) for seed in (1000, 1001, 1002))
    bitmap = io.BytesIO()
    Image.open(io.BytesIO(first)).save(bitmap, "BMP")
    more = {"train/cat/x.png": first, "test/cat/y.bmp": bitmap.getvalue(), "test/dog/z.png": first, "train/dog/u.png": second}
    more |= {"train/dog/v.png": second, "test/dog/w.png": third, "test/cat/w.png": third}
    said = prepare(picture_tree.write(tmp_path / "pictures", PARTED | more))
    found = rows(tmp_path / "out" / "duplicates.csv")
    groups = [sorted(row["file"] for row in found if row["group"] == group) for group in sorted({row["group"] for row in found})]
    expected = [
        ["test/cat/w.png", "test/dog/w.png"],
        ["test/cat/y.bmp", "test/dog/z.png", "train/cat/x.png"],
        ["train/dog/u.png", "train/dog/v.png"],
    ]
    assert sorted(groups) == expected
    assert all(row["file"].startswith(f"{row['part']}/{row['class']}/") for row in found)
    assert (
        "pictures that are there more than once: 3, of which in several classes: 2; test pictures that are training pictures too: 2 ("
        f"{tmp_path / 'out' / 'duplicates.csv'} lists all)\n"
    ) in said


def test_classes_of_too_few_pictures_are_refused(complaint, prepare, tmp_path):
    source = picture_tree.write(tmp_path / "pictures", TREE)
    told = complaint(source, "--min-images", 3)
    assert "has classes of fewer than 3 pictures (cat has 2 for test, dog has 2 for test): add pictures" in told
    assert told.endswith("lower data.min_images or, without train/ and test/, change data.test_share")
    broken = picture_tree.write(tmp_path / "more", TREE | {"fox/1.png": b"x", "fox/2.png": b"y"})
    told = complaint(broken, "--min-images", 1, "--on-bad-image", "skip")
    assert "fewer than 1 pictures (fox has 0 for train, fox has 0 for test)" in told
    prepare(source, "--min-images", 2)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "has no classes"),
        ({"cat/1.png": b"x", "dog/1.png": b"y"}, "holds no picture that can be read: the first file, cat/1.png, cannot be read as"),
    ],
)
def test_a_source_without_pictures_is_told(complaint, tmp_path, files, told):
    (tmp_path / "pictures").mkdir()
    assert told in complaint(picture_tree.write(tmp_path / "pictures", files), "--on-bad-image", "skip")


def test_the_number_of_parameters_is_that_of_the_network():
    for classes, size in ((2, 8), (10, 32), (100, 32), (3, 64)):
        assert parameter_count(classes, size) == sum(weight.numel() for weight in ConvNet(classes, size).parameters())


def test_items_come_in_order_and_few_are_taken_ahead():
    taken = []

    def items():
        for number in range(200):
            taken.append(number)
            yield number

    for place, found in enumerate(decoded.in_order(lambda number: number**2, items(), threads=2)):
        assert found == place**2
        assert len(taken) <= place + 2 * decoded.AHEAD + 2


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


@pytest.mark.parametrize(("classes", "pictures"), [(9, 7), (9, 10), (2, 5)])
def test_small_classes_are_counted_as_they_are_split(prepare, tmp_path, classes, pictures):
    files = {f"{name}/{n}.png": picture_tree.png(10 * name + n) for name in range(classes) for n in range(pictures + name % 2)}
    source = picture_tree.write(tmp_path / "small", files)
    data = resolve_part("data", {"kind": "folder", "name": "p", "source": str(source), "test_share": 0.25})
    _, before = planned(data, tmp_path / "out")
    prepare(source, "--min-images", 1, "--on-bad-image", "skip", test_share=0.25)
    assert before == read_json(tmp_path / "out/pictures.json")["counts"]
