"""Folders for training and testing under their usual names, files that are no pictures, and classes without usable ones."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

import picture_tree
from hardpair.config.resolve import resolve_part
from hardpair.data.pictures import decoded, tree
from hardpair.data.pictures.entry import Entry
from hardpair.data.pictures.labels import label_files, role_of
from hardpair.data.pictures.planned import planned
from hardpair.errors import UserError

TRAIN = ["train", "Train", "TRAINING", "training_set", "Training Set", "train-images", "trainset", "TrainData", "training_data"]
TEST = [
    "test",
    "Test",
    "TESTING",
    "test_set",
    "Testing Set",
    "test-images",
    "testset",
    "val",
    "Valid",
    "validation",
    "Validation_Set",
    "eval",
]


def arranged(*paths: str, problems: tuple[str, ...] = ()):
    entries = [Entry(path, 1) for path in paths] + [Entry(path, 0, "is empty") for path in problems]
    return label_files(sorted(entries), Path("pictures"))


@pytest.mark.parametrize(("first", "second"), [*((name, "test") for name in TRAIN), *(("train", name) for name in TEST)])
def test_usual_names_of_the_parts_are_taken_for_them(first, second):
    paths = [f"{part}/{name}/1.png" for part in (first, second) for name in ("cat", "dog")]
    files = arranged(*paths)
    assert files.classes == ["cat", "dog"]
    assert {entry.path: part for entry, part, _ in files.pictures} == {
        path: "train" if path.startswith(f"{first}/") else "test" for path in paths
    }
    assert files.parted
    assert files.others == []


@pytest.mark.parametrize("name", ["trains", "latest", "contest", "invalid", "val1", "trainer", "te st x", "cat", "evaluator", "1"])
def test_other_names_are_those_of_classes(name):
    assert role_of(name) is None


def test_each_part_may_hold_its_classes_in_one_more_folder():
    paths = [f"{part}/{part}/{name}/1.png" for part in ("training_set", "test_set") for name in ("cats", "dogs")]
    files = arranged(*paths)
    assert files.classes == ["cats", "dogs"]
    assert [part for _, part, _ in files.pictures] == ["test", "test", "train", "train"], "in the order of the paths"


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (
            ["Train/a/1", "Train/b/1", "train/a/1", "test/a/1"],
            "has several folders for training, Train/ and train/: name one of them train",
        ),
        (["train/a/1", "train/b/1", "val/a/1", "val/b/1", "valid/a/1"], "has several folders for testing, val/ and valid/"),
        (["Training/a/1", "Training/b/1", "Testing/a/1"], "has the class 'b' but no Testing/b/ with pictures"),
        (["Testing/a/1", "Testing/b/1", "more/a/1"], "has Testing/ with folders of classes but no such train/"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(paths, message):
    with pytest.raises(UserError) as caught:
        arranged(*paths)
    assert str(caught.value).startswith(f"data.source pictures {message}")


def test_validation_pictures_beside_train_and_test_are_of_neither():
    paths = [f"{part}/{name}/1.png" for part in ("Train", "Test", "Val") for name in ("a", "b")]
    files = arranged(*paths)
    assert [(entry.path, why) for entry, why in files.others] == [
        (f"Val/{name}/1.png", "lies neither in Train/ nor in Test/") for name in ("a", "b")
    ]


@pytest.mark.parametrize(
    ("first", "second"), [("seg_train", "seg_test"), ("train2017", "val2017"), ("catsTrain", "cats-TEST"), ("my train set", "my test set")]
)
def test_folders_that_may_be_parts_are_asked_about(first, second):
    paths = [f"{part}/{name}/1.png" for part in (first, second) for name in ("cat", "dog")]
    with pytest.raises(UserError, match=f"^data.source pictures has {first}/ and {second}/ with folders of the same names: call"):
        arranged(*paths)
    with pytest.raises(UserError, match=f"^data.source pictures has {first}/ and {second}/ without folders of classes: give"):
        arranged(f"{first}/1.png", f"{first}/2.png", f"{second}/1.png")


@pytest.mark.parametrize("parts", [("train", "test"), ("Training", "val"), ("train", "test1", "valid")])
def test_parts_without_classes_are_no_classes(parts):
    with pytest.raises(UserError, match="without folders of classes: give each class a folder in both"):
        arranged(*(f"{part}/{number}.png" for part in parts for number in range(3)))


@pytest.mark.parametrize(
    "paths",
    [
        ["train/1.png", "bus/1.png"],
        ["train/1.png", "test tube/1.png", "bus/1.png"],
        ["train station/old/1.png", "train station/new/1.png", "test tube/round/1.png", "test tube/flat/1.png"],
        ["2019/cat/1.png", "2019/dog/1.png", "2020/cat/1.png", "2020/dog/1.png"],
        ["latest_cat/a/1.png", "trainer_cat/a/1.png"],
    ],
)
def test_classes_whose_names_mention_a_part_are_classes(paths):
    assert arranged(*paths).classes == sorted({path.split("/")[0] for path in paths})


@pytest.mark.parametrize(
    "paths",
    [
        ["cat/indoor/1.png", "cat/outdoor/1.png", "dog/indoor/labels.txt"],
        ["pets/cat/indoor/1.png", "pets/cat/outdoor/1.png", "pets/dog/labels.txt"],
        ["train/cat/indoor/1.png", "train/cat/outdoor/1.png", "train/dog/1.txt", "test/indoor/1.png", "test/outdoor/1.png"],
    ],
)
def test_a_folder_without_a_picture_makes_no_classes_of_those_in_its_neighbour(paths):
    with pytest.raises(UserError, match=r"has the folder [a-z/]*dog/ without a picture beside [a-z/]*cat/: add pictures or remove it$"):
        arranged(*paths)


@pytest.mark.parametrize(
    "paths",
    [
        ["fox/labels.csv", "cat/1.png", "dog/1.png"],
        ["fox/old/1.txt", "cat/1.png", "dog/1.png", "annotations/fox/1.xml"],
        [f"{part}/{file}" for part in ("train", "test") for file in ("cat/1.png", "dog/1.png", "fox/1.xml")],
    ],
)
def test_a_class_of_texts_alone_is_not_left_out(paths):
    with pytest.raises(UserError, match=r"has the folder (test/|)fox/ without a picture beside (test/|)cat/: add pictures or remove it$"):
        arranged(*paths)


@pytest.mark.parametrize("beside", ["docs/README.md", "Annotations/cat/1.xml", "README.md", "lists/all.txt"])
@pytest.mark.parametrize("holder", ["flower_photos", "PetImages", "pets"])
def test_texts_beside_the_folder_of_all_pictures_are_ignored(beside, holder):
    files = arranged(f"{holder}/cat/1.png", f"{holder}/dog/1.png", beside)
    assert (files.classes, [entry.path for entry in files.ignored]) == (["cat", "dog"], [beside])


@pytest.mark.parametrize(("first", "second"), [("train", "test"), ("Training", "validation")])
def test_parts_within_classes_are_not_pooled(first, second):
    paths = [f"{name}/{part}/1.png" for part in (first, second) for name in ("cat", "dog")]
    with pytest.raises(UserError, match=r"has folders for training and testing within cat/ and each other class: put the classes into"):
        arranged(*paths)
    assert arranged(*paths, "fox/1.png").classes == ["cat", "dog", "fox"], "not each class has them"


def test_classes_called_valid_and_invalid_are_classes():
    assert arranged("valid/x/1.png", "valid/y/1.png", "invalid/x/1.png").classes == ["invalid", "valid"]


PAPERS = ["README.md", "README", "read me", "LICENSE", "LICENCE.txt", "cat/license-mit", "labels.csv", "cat/notes.TXT", "MD5SUMS", "a.md5"]
PAPERS += ["annotations/1.xml", "annotations/2.xml", "data.json", "Makefile", "cat/classes.yaml", "paper.pdf", "load.py"]
NO_PAPERS = ["cat/readme.png", "cat/license.jpg", "cat/1.dat", "cat/picture", "cat/notes.png.part", "cat/films.mp4", "cat/more.zip"]
SYSTEM = ["cat/@eaDir/1.png/SYNOPHOTO_THUMB_M.png", "cat/.DS_Store", "cat/._1.png", "__MACOSX/cat/._1.png", "cat/THUMBS.DB", "Desktop.ini"]
SYSTEM += [".ipynb_checkpoints/1.png", "cat/.ipynb_checkpoints/1.png", "#recycle/1.png", "@Recycle/2.png", "$RECYCLE.BIN/1.png"]
SYSTEM += [
    "System Volume Information/x",
    "cat/.@__thumb/1.png",
    "ehthumbs.db",
    "cat/Picasa.ini",
    "cat/1.png:Zone.Identifier",
    ".Trashes/1.png",
    "cat/Icon\r",
]


@pytest.mark.parametrize("kind", ["folder", "a.zip", "a.tar"])
def test_papers_are_ignored_and_counted_and_other_files_still_refused(tmp_path, kind):
    sound = {f"{name}/{number}.png": picture_tree.png(number + len(name)) for name in ("cat", "mouse") for number in range(4)}
    content = sound | dict.fromkeys([*PAPERS, *SYSTEM], b"x") | {path: b"no picture" for path in NO_PAPERS}
    source = picture_tree.write(tmp_path / kind, content) if kind == "folder" else picture_tree.pack(tmp_path / kind, content)
    pictures = decoded.read(source, 8, 0.5, threads=1)
    assert pictures.classes == ["cat", "mouse"]
    assert sorted(pictures.ignored) == sorted(PAPERS)
    assert [row["file"] for row in pictures.bad] == sorted(NO_PAPERS)
    assert sorted(pictures.files) == sorted(sound)
    remarks = decoded.report(pictures, pictures.duplicates(), tmp_path / "out")
    assert remarks[0].startswith(f"files that are no pictures by their names, ignored: {len(PAPERS)} (")


def test_papers_and_thumbnails_make_nothing_stale(tmp_path):
    folder = picture_tree.write(tmp_path / "pictures", {"cat/1.png": b"one", "dog/1.png": b"two"})
    before = tree.fingerprint(folder)
    picture_tree.write(folder, dict.fromkeys([*PAPERS, *SYSTEM], b"x"))
    assert tree.fingerprint(folder) == before
    picture_tree.write(folder, {"cat/2.png": b"x"})
    assert tree.fingerprint(folder) != before


def test_a_class_of_files_that_cannot_be_read_has_no_pictures(tmp_path):
    sound = {f"{name}/{number}.png": picture_tree.png(number + len(name)) for name in ("cat", "mouse") for number in range(8)}
    source = picture_tree.write(tmp_path / "pictures", sound | {f"fox/{number}.jpg": b"" for number in range(5)})
    data = resolve_part("data", {"kind": "folder", "name": "p", "source": str(source), "on_bad_image": "skip", "test_share": 0.5})
    pictures = decoded.read(source, 8, 0.5, threads=1)
    assert planned(data, tmp_path / "out")[1] == pictures.counts()
    assert pictures.counts()["fox"] == {"train": 0, "test": 0}
    with pytest.raises(UserError, match=r"classes of fewer than 2 pictures .*fox has 0 for train"):
        decoded.refuse(pictures, data, tmp_path)


def test_a_source_of_nothing_that_can_be_read_says_why():
    with pytest.raises(UserError) as caught:
        arranged(problems=("cat/1.png", "cat/2.png", "dog/1.png"))
    assert str(caught.value) == ("data.source pictures holds no picture that can be read: of its 3 files the first, cat/1.png, is empty")
    with pytest.raises(
        UserError, match=r"has no classes.*; the first of 1 files that cannot be used, more\.zip, lies in no class's folder$"
    ):
        arranged("more.zip")


def test_a_file_that_changes_while_it_is_read_is_named(tmp_path):
    source = picture_tree.write(tmp_path / "pictures", {"cat/1.png": b"one", "dog/1.png": b"two"})
    entries = tree.listing(source)
    (source / "cat/1.png").write_bytes(b"longer")
    (source / "dog/1.png").unlink()
    actual = {entry.path: content for entry, content in tree.contents(source, entries)}
    assert actual == {"cat/1.png": "changed while it was read", "dog/1.png": "cannot be read (No such file or directory)"}


def test_no_picture_is_lost_in_silence(tmp_path, monkeypatch):
    source = picture_tree.write(tmp_path / "pictures", {f"{name}/{n}.png": picture_tree.png(n) for name in ("a", "b") for n in range(4)})
    contents = tree.contents
    monkeypatch.setattr(tree, "contents", lambda *arguments: list(contents(*arguments))[:-1])
    with pytest.raises(UserError, match="changed while it was read: prepare it again"):
        decoded.read(source, 8, 0.5, threads=1)


def test_few_bytes_are_taken_ahead(monkeypatch):
    monkeypatch.setattr(decoded, "AHEAD_BYTES", 100)
    taken = []

    def items():
        for number in range(50):
            taken.append(number)
            yield bytes(60)

    for place, size in enumerate(decoded.in_order(len, items(), threads=4, size=len)):
        assert size == 60
        assert len(taken) <= place + 3


def test_arrays_of_sound_pictures_are_those_of_plain_pillow(tmp_path):
    files = {f"{name}/{n}.png": picture_tree.png(n + len(name), height=20, width=13) for name in ("cat", "mouse") for n in range(3)}
    pictures = decoded.read(picture_tree.write(tmp_path / "pictures", files), 8, 0.5, threads=2)
    from PIL import Image

    for path, image in zip(pictures.files, pictures.images, strict=True):
        square = Image.open(tmp_path / "pictures" / path).crop((0, 3, 13, 16)).resize((8, 8), Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(image, np.asarray(square).transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("folders", "refused"),
    [
        (["bird"], "bird"),
        (["bird/old", "bird/new"], "bird"),
        (["cat/old", "@eaDir", ".git/refs"], None),
    ],
)
@pytest.mark.parametrize("above", ["", "pets/", "pets/more/"])
@pytest.mark.parametrize("packed", [None, "zip", "tar", "gztar"])
def test_a_class_whose_folder_is_empty_is_missed(tmp_path, folders, refused, above, packed):
    picture_tree.write(tmp_path / "in", {f"{above}{name}/{n}.png": picture_tree.png(n) for name in ("cat", "dog") for n in range(4)})
    for folder in folders:
        (tmp_path / "in" / above / folder).mkdir(parents=True)
    (tmp_path / "in" / above / folders[0] / ".DS_Store").touch()
    source = Path(shutil.make_archive(str(tmp_path / "packed"), packed, tmp_path / "in")) if packed else tmp_path / "in"
    data = resolve_part("data", {"kind": "folder", "name": "p", "source": str(source), "min_images": 1})
    if refused is None:
        assert list(planned(data, tmp_path / "out")[1]) == decoded.read(source, 8, 0.5, threads=1).classes == ["cat", "dog"]
        return
    message = f"has the folder {above}{refused}/ without a picture beside {above}cat/: add pictures or remove it"
    with pytest.raises(UserError, match=message):
        planned(data, tmp_path / "out")
    with pytest.raises(UserError, match=message):
        decoded.read(source, 8, 0.5, threads=1)


def test_an_empty_folder_makes_no_classes_of_those_in_its_neighbour():
    entries = [Entry(f"cat/{place}/1.png", 1) for place in ("indoor", "outdoor")]
    with pytest.raises(UserError, match="has the folder dog/ without a picture beside cat/"):
        label_files(entries, Path("pictures"), ["dog"])


def test_an_archive_that_lists_an_empty_folder_but_not_the_one_above(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("cat", "dog"):
            archive.writestr(f"{name}/1.png", picture_tree.png(1))
        archive.writestr("bird/old/", b"")
    assert tree.files_and_empty_folders(tmp_path / "a.zip")[1] == ["bird", "bird/old"]


def test_an_empty_folder_beside_the_parts_is_none_of_a_class_and_one_in_a_part_is(tmp_path):
    files = {f"{part}/{name}/{n}.png": picture_tree.png(n) for part in ("train", "test") for name in ("cat", "dog") for n in range(4)}
    source = picture_tree.write(tmp_path / "in", files)
    (source / "val").mkdir()
    assert decoded.read(source, 8, 0.5, threads=1).classes == ["cat", "dog"]
    (source / "train/bird").mkdir()
    with pytest.raises(UserError, match="has the folder train/bird/ without a picture beside train/cat/"):
        decoded.read(source, 8, 0.5, threads=1)
