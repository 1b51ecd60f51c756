"""Files of folders and archives, and how they are arranged into classes."""

import io
import os
import shutil
import socket
import stat
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import picture_tree
from hardpair.data.pictures import entry, tree
from hardpair.data.pictures.entry import Entry
from hardpair.data.pictures.labels import label_files
from hardpair.errors import UserError

FILES = {"cat/1.png": b"one", "cat/deep/er/2.png": b"two", "dog/1.png": b"three", "READ ME": b"four"}
HIDDEN = {"cat/.DS_Store": b"x", ".git/config": b"x", "__MACOSX/cat/._1.png": b"x", "dog/Thumbs.db": b"x", "desktop.ini": b"x"}
ARCHIVES = ["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"]


def read(source: Path) -> dict[str, bytes | str]:
    return {entry.path: content for entry, content in tree.contents(source, tree.listing(source))}


@pytest.mark.parametrize("name", ["folder", *ARCHIVES])
def test_all_files_but_hidden_ones_are_listed_by_path_and_read(tmp_path, name):
    files = dict(reversed((FILES | HIDDEN).items()))
    source = picture_tree.write(tmp_path / name, files) if name == "folder" else picture_tree.pack(tmp_path / name, files)
    assert tree.listing(source) == [Entry(path, len(content)) for path, content in sorted(FILES.items())]
    assert read(source) == FILES
    listed = tree.listing(source)[1:3]
    assert sorted(entry for entry, _ in tree.contents(source, listed)) == listed


def test_leading_dots_of_a_tar_are_no_folder(tmp_path):
    source = picture_tree.pack(tmp_path / "a.tar", {f"./{path}": content for path, content in FILES.items()})
    assert read(source) == FILES


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
@pytest.mark.parametrize("path", ["../evil.png", "cat/../../evil.png", "/etc/evil.png", "cat/..", "//evil.png"])
def test_names_that_lead_out_of_an_archive_are_not_read(tmp_path, name, path):
    (tmp_path / "in").mkdir()
    source = picture_tree.pack(tmp_path / "in" / name, {"cat/1.png": b"one", path: b"evil"})
    (bad,) = (entry for entry in tree.listing(source) if entry.problem)
    assert bad.problem == "leads out of the archive"
    assert read(source) == {"cat/1.png": b"one"}
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == [name]


def test_names_that_lead_out_of_an_archive_are_of_no_class_whatever_else_is_wrong(tmp_path):
    kinds = {"../evil/link.png": tarfile.SYMTYPE, "../empty": tarfile.DIRTYPE, "/etc/empty": tarfile.DIRTYPE}
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for path in ("cat/1.png", "dog/1.png", *kinds, "../evil/1.png", "../evil/1.png", "../evil/notes.txt", "/var/notes.txt"):
            member = tarfile.TarInfo(path)
            member.type, member.size = kinds.get(path, tarfile.REGTYPE), 0 if path in kinds else 1
            archive.addfile(member, io.BytesIO(b"x"))
    entries, empty = tree.files_and_empty_folders(tmp_path / "a.tar")
    files = label_files(entries, tmp_path / "a.tar", empty)
    assert files.classes == ["cat", "dog"]
    assert [(entry.path, why) for entry, why in files.others] == [
        ("../evil/1.png", "leads out of the archive"),
        ("../evil/1.png", "leads out of the archive"),
        ("../evil/link.png", "leads out of the archive"),
    ]


def test_links_and_devices_of_a_tar_are_not_followed(tmp_path):
    (tmp_path / "secret").write_text("secret")
    kinds = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for kind in kinds:
            member = tarfile.TarInfo(f"cat/{kind.decode()}.png")
            member.type, member.linkname = kind, str(tmp_path / "secret")
            archive.addfile(member)
    assert [entry.problem for entry in tree.listing(tmp_path / "a.tar")] == ["is a link or device"] * len(kinds)
    assert read(tmp_path / "a.tar") == {}


def test_links_and_encrypted_files_of_a_zip_are_not_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("cat/link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("cat/locked.png", b"locked")
    bytes_ = bytearray((tmp_path / "a.zip").read_bytes())
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        bytes_[bytes_.rindex(mark) + flags] |= 1  # of the last file
    (tmp_path / "a.zip").write_bytes(bytes_)
    assert {entry.path: entry.problem for entry in tree.listing(tmp_path / "a.zip")} == {
        "cat/link.png": "is a link or device",
        "cat/locked.png": "is encrypted",
    }
    assert read(tmp_path / "a.zip") == {}


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_first_of_two_files_of_one_path_counts(tmp_path, name):
    source = picture_tree.pack(tmp_path / name, {"cat/1.png": b"one", "cat//1.png": b"other"})
    assert [(entry.size, entry.problem) for entry in tree.listing(source)] == [(3, ""), (5, "is in the archive twice")]
    assert read(source) == {"cat/1.png": b"one"}


def test_what_is_empty_or_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(entry, "LARGEST", 4)
    files = {"a/empty": b"", "a/fits": b"1234", "a/large": b"12345"}
    for source in (picture_tree.write(tmp_path / "folder", files), *(picture_tree.pack(tmp_path / name, files) for name in ARCHIVES)):
        assert [entry.problem for entry in tree.listing(source)] == ["is empty", "", "has more than 4 bytes"]
        assert read(source) == {"a/fits": b"1234"}


def test_a_zip_that_inflates_to_more_than_it_states_is_read_no_further(tmp_path):
    source = tmp_path / "a.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/bomb.png", bytes(10**6))
    source.write_bytes(source.read_bytes().replace((10**6).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    assert tree.listing(source) == [Entry("cat/bomb.png", 100)]
    assert read(source)["cat/bomb.png"].startswith("cannot be unpacked (Bad CRC-32")


def test_links_in_a_folder_are_followed_but_not_in_a_circle(tmp_path):
    folder = picture_tree.write(tmp_path / "pictures", {"cat/1.png": b"one"})
    picture_tree.write(tmp_path / "elsewhere", {"2.png": b"two"})
    (folder / "dog").symlink_to(tmp_path / "elsewhere")
    (folder / "cat" / "linked.png").symlink_to(tmp_path / "elsewhere" / "2.png")
    (folder / "cat" / "round").symlink_to(folder)
    (folder / "cat" / "nowhere.png").symlink_to(tmp_path / "gone")
    os.mkfifo(folder / "cat" / "pipe.png")
    with socket.socket(socket.AF_UNIX) as sock:
        place = os.getcwd()
        os.chdir(folder / "cat")  # the path of a socket may not be long
        try:
            sock.bind("socket.png")
        finally:
            os.chdir(place)
    assert read(folder) == {"cat/1.png": b"one", "cat/linked.png": b"two", "dog/2.png": b"two"}
    assert {entry.path: entry.problem for entry in tree.listing(folder) if entry.problem} == {
        "cat/round": "is a link to a folder that holds it",
        "cat/nowhere.png": "is a link that leads nowhere",
        "cat/pipe.png": "is no regular file",
        "cat/socket.png": "is no regular file",
    }


@pytest.mark.parametrize(("content", "message"), [(b"no archive", "is neither a folder nor a zip nor a tar"), (b"", "is neither")])
def test_a_file_that_is_no_archive_is_refused(tmp_path, content, message):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(UserError, match=f"a.zip {message}"):
        tree.listing(tmp_path / "a.zip")


def test_a_missing_source_is_refused(tmp_path):
    for function in (tree.listing, tree.fingerprint):
        with pytest.raises(UserError, match="gone does not exist"):
            function(tmp_path / "gone")


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.xz"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_archive_is_refused(tmp_path, name, share):
    noise = {f"cat/{seed}.png": picture_tree.png(seed, height=40, width=40) for seed in range(20)}
    source = picture_tree.pack(tmp_path / name, noise)
    source.write_bytes(source.read_bytes()[: int(share * source.stat().st_size)])
    with pytest.raises(UserError, match=r"a\.tar.* is damaged \(.*\): pack it again"):
        tree.listing(source)


def test_a_damaged_file_of_a_zip_spoils_no_other(tmp_path):
    source = picture_tree.pack(tmp_path / "a.zip", FILES)
    source.write_bytes(source.read_bytes().replace(b"three", b"THREE"))
    contents = read(source)
    assert contents.pop("dog/1.png").startswith("cannot be unpacked (Bad CRC-32")
    assert contents == {path: content for path, content in FILES.items() if path != "dog/1.png"}


def test_a_fingerprint_depends_on_names_sizes_and_archives_but_not_on_times_or_places(tmp_path):
    folder = picture_tree.write(tmp_path / "pictures", FILES)
    first = tree.fingerprint(folder)
    picture_tree.write(folder, HIDDEN)
    for path in folder.rglob("*"):
        os.utime(path, (1e9, 1e9))
    assert tree.fingerprint(folder) == first
    shutil.copytree(folder, tmp_path / "copy")
    assert tree.fingerprint(tmp_path / "copy") == first
    fingerprints = {first}
    for path, content in (("dog/2.png", b"new"), ("dog/2.png", b"longer"), ("dog/3.png", b"longer"), ("dog3.png", b"longer")):
        picture_tree.write(folder, {path: content})
        fingerprints.add(tree.fingerprint(folder))
    (folder / "dog/1.png").unlink()
    assert len(fingerprints | {tree.fingerprint(folder)}) == 6
    archive = picture_tree.pack(tmp_path / "a.tar", FILES)
    packed = tree.fingerprint(archive)
    os.utime(archive, (1e9, 1e9))
    assert tree.fingerprint(archive) == packed
    archive.write_bytes(archive.read_bytes().replace(b"three", b"THREE"))
    assert tree.fingerprint(archive) != packed


# ------------------------------------------------------------------------------------------------------------- classes


def arranged(*paths: str, problems: tuple[str, ...] = ()):
    """Classes, and for each path its part and class; the others."""
    entries = sorted([Entry(path, 1) for path in paths] + [Entry(path, 1, "is odd") for path in problems])
    files = label_files(entries, Path("pictures"))
    return files.classes, {entry.path: (part, files.classes[label]) for entry, part, label in files.pictures}, files.others


def test_a_tree_of_classes():
    classes, places, others = arranged("dog/1.png", "cat/2.png", "cat/deep/er/1.png", "loose.png", problems=("fox/1.png",))
    assert classes == ["cat", "dog", "fox"], "a class of files that cannot be read is one, for whoever counts them"
    assert places == {"cat/2.png": (None, "cat"), "cat/deep/er/1.png": (None, "cat"), "dog/1.png": (None, "dog")}
    assert [(entry.path, why) for entry, why in others] == [("fox/1.png", "is odd"), ("loose.png", "lies in no class's folder")]


def test_a_tree_with_train_and_test():
    paths = ["train/cat/1.png", "train/dog/1.png", "test/cat/1.png", "test/dog/x/1.png"]
    classes, places, others = arranged(*paths, "val/cat/3.png", "train/loose.png", "loose.png")
    assert classes == ["cat", "dog"]
    assert places == {path: (path.split("/")[0], path.split("/")[1]) for path in paths}
    assert {entry.path: why for entry, why in others} == {
        "val/cat/3.png": "lies neither in train/ nor in test/",
        "loose.png": "lies neither in train/ nor in test/",
        "train/loose.png": "lies in no class's folder",
    }


@given(st.lists(st.sampled_from(["pets", "data", "train", "x y"]), max_size=3), st.booleans())
def test_folders_that_hold_everything_are_looked_into(above, parts):
    paths = [f"{part}{name}/1.png" for part in (("train/", "test/") if parts else ("",)) for name in ("cat", "dog")]
    prefix = "".join(f"{name}/" for name in above)
    classes, places, others = arranged(*(prefix + path for path in paths))
    assert (classes, others) == (["cat", "dog"], [])
    assert {path.removeprefix(prefix): where for path, where in places.items()} == arranged(*paths)[1]


def test_files_beside_a_folder_that_holds_everything_are_named():
    classes, _, others = arranged("loose.png", "pets/cat/1.png", "pets/dog/1.png")
    assert classes == ["cat", "dog"]
    assert [entry.path for entry, _ in others] == ["loose.png"]


def test_classes_called_train_and_test_are_classes():
    assert arranged("train/1.png", "test/1.png", "tram/1.png")[0] == ["test", "train", "tram"]
    assert arranged("train/1.png", "tram/1.png")[0] == ["train", "tram"]


def test_a_class_is_one_however_its_accent_is_stored():
    names = [unicodedata.normalize(form, "Löwe") for form in ("NFC", "NFD")]
    classes, places, _ = arranged(f"train/{names[0]}/1.png", "train/cat/1.png", f"test/{names[1]}/1.png", "test/cat/1.png")
    assert classes == ["Löwe", "cat"]
    assert len(places) == 4


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([], "has no classes: it must hold a folder of pictures"),
        (["1.png", "2.png"], "has no classes"),
        (["cat/1.png", "cat/2.png"], "has 1 class: it must hold"),
        (["pets/cat/1.png", "pets/cat/2.png"], "has 1 class: it must hold"),
        (["train/cat/1.png", "train/dog/1.png", "more/cat/1.png"], "has train/ with folders of classes but no such test/"),
        (["train/cat/1.png", "train/dog/1.png", "val/cat/1.png"], "has the class 'dog' but no val/dog/ with pictures"),
        (["test/cat/1.png", "test/dog/1.png", "other/cat/1.png"], "has test/ with folders of classes but no such train/"),
        (["train/cat/1.png", "train/dog/1.png", "test/cat/1.png"], "has the class 'dog' but no test/dog/"),
        (["train/cat/1.png", "test/dog/1.png", "test/cat/1.png"], "has the class 'dog' but no train/dog/"),
        (["e\u0301/1.png", "\u00e9/1.png", "cat/1.png"], "has two folders called 'é', whose accents are stored in different ways"),
        (["e\u0301/a/1.png", "\u00e9/b/1.png", "cat/1.png"], "has two folders called 'é', whose accents are stored in different ways"),
        (["all/e\u0301/a/1.png", "all/\u00e9/b/1.png", "all/cat/1.png"], "has two folders called 'all/é', whose"),
        (["a\nb/1.png", "cat/1.png"], r"has a class called 'a\nb', which cannot be printed: rename its folder"),
        (["\x1b[31m/1.png", "cat/1.png"], r"has a class called '\x1b[31m'"),
        (["\udcff/1.png", "cat/1.png"], r"has a class called '\udcff'"),
    ],
)
def test_a_tree_that_cannot_be_used_ends_in_one_sentence(paths, message):
    with pytest.raises(UserError) as caught:
        arranged(*paths)
    assert str(caught.value).startswith(f"data.source pictures {message}")
    assert str(caught.value).isprintable()
