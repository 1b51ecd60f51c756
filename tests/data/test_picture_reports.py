"""What is reported of your own pictures: damaged files, duplicates, and sources that are refused."""

import io
import shutil
import subprocess

import pytest
from PIL import Image

import picture_tree
from hardpair.files.json_text import read_json
from hardpair.report.provenance import about_pictures
from picture_tree import PARTED, TREE, rows


def damaged_files() -> dict[str, tuple[bytes, str]]:
    """Files that are no usable pictures, and the reason of each."""
    intact, eps = picture_tree.png(1, height=40, width=40), io.BytesIO()
    Image.new("RGB", (8, 8)).save(eps, "EPS")
    return {
        "cat/cut.png": (intact[:-1000], "cannot be read as a picture ("),
        "cat/eps.png": (eps.getvalue(), "cannot be read as a picture (EPS is a program"),
        "cat/empty.png": (b"", "is empty"),
        "cat/text.dat": (b"no picture", "cannot be read as a picture (its format is not known)"),
        "notes.dat": (b"no picture", "lies in no class's folder"),
    }


@pytest.mark.parametrize("name", ["folder", "a.zip", "a.tar"])
def test_broken_files_are_listed_and_skipped_or_refused(prepare, complaint, tmp_path, name):
    files = TREE | {path: content for path, (content, _) in damaged_files().items()}
    source = picture_tree.write(tmp_path / name, files) if name == "folder" else picture_tree.pack(tmp_path / name, files)
    message = complaint(source)
    assert f"data.source {source} has 5 files that cannot be used, the first 'cat/cut.png', which cannot be read as a picture (" in message
    assert f"{tmp_path / 'out' / 'skipped.csv'} lists all; replace or remove them, or set data.on_bad_image to skip" in message
    listed = rows(tmp_path / "out" / "skipped.csv")
    output = prepare(source, "--on-bad-image", "skip")
    assert rows(tmp_path / "out" / "skipped.csv") == listed
    assert [row["file"] for row in listed] == sorted(damaged_files())
    for row in listed:
        assert row["problem"].startswith(damaged_files()[row["file"]][1])
    assert output.startswith(f"files that are no usable pictures, left out: 5 (reasons in {tmp_path / 'out' / 'skipped.csv'})\n2 classes,")
    assert about_pictures(tmp_path / "out") == ["5 files could not be used as pictures and were left out."]
    prepare(picture_tree.write(tmp_path / "good", TREE), output=tmp_path / "alone")
    assert about_pictures(tmp_path / "alone") == about_pictures(tmp_path / "generated") == []
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
    message = complaint(picture_tree.write(tmp_path / "pictures", TREE | odd))
    assert r"'cat/\x1b[31m\n.png'" in message
    assert [row["file"] for row in rows(tmp_path / "out" / "skipped.csv")] == [r"cat/\x1b[31m\n.png", 'cat/\\udcff,".png']


def test_duplicates_are_listed_by_what_the_network_sees(prepare, tmp_path):
    first, second, third = (picture_tree.png(seed) for seed in (1000, 1001, 1002))
    bitmap = io.BytesIO()
    Image.open(io.BytesIO(first)).save(bitmap, "BMP")
    more = {"train/cat/x.png": first, "test/cat/y.bmp": bitmap.getvalue(), "test/dog/z.png": first, "train/dog/u.png": second}
    more |= {"train/dog/v.png": second, "test/dog/w.png": third, "test/cat/w.png": third}
    output = prepare(picture_tree.write(tmp_path / "pictures", PARTED | more))
    listed = rows(tmp_path / "out" / "duplicates.csv")
    groups = [sorted(row["file"] for row in listed if row["group"] == group) for group in sorted({row["group"] for row in listed})]
    expected = [
        ["test/cat/w.png", "test/dog/w.png"],
        ["test/cat/y.bmp", "test/dog/z.png", "train/cat/x.png"],
        ["train/dog/u.png", "train/dog/v.png"],
    ]
    assert sorted(groups) == expected
    assert all(row["file"].startswith(f"{row['part']}/{row['class']}/") for row in listed)
    assert (
        "pictures that are there more than once: 3, of which in several classes: 2; test pictures that are training pictures too: 2 ("
        f"{tmp_path / 'out' / 'duplicates.csv'} lists all)\n"
    ) in output
    sentence = (
        "2 test pictures are training pictures too, so accuracy on test pictures is too high (duplicates.csv beside the prepared images)."
    )
    assert about_pictures(tmp_path / "out") == [sentence]


def test_classes_that_some_systems_take_for_one_are_named(prepare, tmp_path):
    more = {f"{name}/{number}.png": picture_tree.png(1000 + number) for name in ("Cat", "CAT") for number in range(10)}
    output = prepare(picture_tree.write(tmp_path / "pictures", TREE | more), "--min-images", 1)
    named = "classes whose names differ only in capital letters, which some systems take for the same folder: CAT and Cat and cat\n"
    assert named in output


def test_classes_of_too_few_pictures_are_refused(complaint, prepare, tmp_path):
    source = picture_tree.write(tmp_path / "pictures", TREE)
    message = complaint(source, "--min-images", 3)
    assert "has classes of fewer than 3 pictures (cat has 2 for test, dog has 2 for test): add pictures" in message
    assert message.endswith("lower data.min_images or, without train/ and test/, change data.test_share")
    unreadable = picture_tree.write(tmp_path / "more", TREE | {"fox/1.png": b"x", "fox/2.png": b"y"})
    message = complaint(unreadable, "--min-images", 1, "--on-bad-image", "skip")
    assert "fewer than 1 pictures (fox has 0 for train, fox has 0 for test)" in message
    prepare(source, "--min-images", 2)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "has no classes"),
        ({"cat/1.png": b"x", "dog/1.png": b"y"}, "holds no picture that can be read: the first file, cat/1.png, cannot be read as"),
    ],
)
def test_a_source_without_pictures_is_refused(complaint, tmp_path, files, message):
    (tmp_path / "pictures").mkdir()
    assert message in complaint(picture_tree.write(tmp_path / "pictures", files), "--on-bad-image", "skip")
