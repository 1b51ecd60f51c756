import csv
import errno
import hashlib
import os

import pytest

from hardpair.errors import UserError
from hardpair.files import atomic, json_text


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_files_have_the_permissions_of_the_umask_whoever_wrote_them(tmp_path, mask):
    before = os.umask(mask)
    try:
        with atomic.atomic_write(tmp_path / "weights") as temporary:
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert (tmp_path / "weights").stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_writer_leaves_the_old_content_and_nothing_else(tmp_path, error):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def interrupted():
        with atomic.atomic_write(path) as temporary:
            temporary.write_text("ne")
            assert path.read_text() == "old"
            raise error

    with pytest.raises(error):
        interrupted()
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"table.csv": "old"}


def test_a_writer_that_writes_nothing_leaves_the_old_content(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(FileNotFoundError), atomic.atomic_write(tmp_path / "a.txt"):
        pass
    assert (tmp_path / "a.txt").read_text() == "old"


def full_disk(temporary):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def full_disk_of_numpy(temporary):
    raise OSError("128 requested and 0 written")


def full_disk_of_safetensors(temporary):
    raise ValueError("Error while serializing: I/O error: No space left on device (os error 28)")


def no_permission(temporary):
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), temporary)


@pytest.mark.parametrize(
    ("fault", "number", "reason"),
    [
        (full_disk, errno.ENOSPC, "No space left on device"),
        (full_disk_of_numpy, errno.EIO, "128 requested and 0 written"),
        (full_disk_of_safetensors, errno.ENOSPC, "No space left on device"),
        (no_permission, errno.EACCES, "Permission denied"),
    ],
)
def test_an_error_of_writing_names_the_file(tmp_path, fault, number, reason):
    with pytest.raises(OSError, match=reason) as caught, atomic.atomic_write(tmp_path / "a.csv") as temporary:
        fault(temporary)
    assert (caught.value.errno, caught.value.strerror, caught.value.filename) == (number, reason, str(tmp_path / "a.csv"))


def test_an_error_about_another_file_names_that_one(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, atomic.atomic_write(tmp_path / "a.csv"):
        (tmp_path / "b.csv").read_text()
    assert caught.value.filename == str(tmp_path / "b.csv")


def test_a_file_is_written_beside_its_place_under_its_own_suffix(tmp_path):
    path = tmp_path / "new" / "folders" / "image.svg"
    with atomic.atomic_write(str(path)) as temporary:
        assert (temporary.parent, temporary.suffix) == (path.parent, ".svg")
        temporary.write_bytes(b"whole")
        assert not path.exists()
    assert [(file.name, file.read_bytes()) for file in path.parent.iterdir()] == [("image.svg", b"whole")]


def test_json_keeps_its_order_and_its_letters_and_is_never_half_written(tmp_path):
    value = {"b": 1, "a": [0.1, None, "γ"], "c": {"z": True, "y": 1e-300}}
    atomic.write_json(tmp_path / "x.json", value)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert "γ" in text
    assert text.endswith("}\n")
    read = json_text.read_json(tmp_path / "x.json")
    assert (read, list(read)) == (value, ["b", "a", "c"])
    with pytest.raises(ValueError, match="not JSON compliant"):
        atomic.write_json(tmp_path / "x.json", {"mean": float("nan")})
    assert json_text.read_json(tmp_path / "x.json") == value
    assert len(list(tmp_path.iterdir())) == 1


def test_unreadable_json_ends_in_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"none\.json is missing: run the step that makes it first$"):
        json_text.read_json(tmp_path / "none.json")
    for content in (b'{"a": 1', b"", b'\xff\xfe{"a"'):
        (tmp_path / "bad.json").write_bytes(content)
        with pytest.raises(
            UserError, match=r"^[^\n]*bad\.json is not valid JSON \([^\n]+\): delete it and run the step that makes it again$"
        ):
            json_text.read_json(tmp_path / "bad.json")


def test_rows_are_a_csv_with_empty_cells_for_what_they_lack(tmp_path):
    rows = [{"name": 'a "b", c', "value": 0.1 + 0.2}, {"value": None, "name": "γ\nnext"}, {"name": "x"}]
    atomic.write_rows(tmp_path / "t.csv", rows, ("value", "name"))
    raw = (tmp_path / "t.csv").read_bytes()
    assert raw.startswith(b"value,name\n0.30000000000000004,")
    assert b"\r" not in raw
    with open(tmp_path / "t.csv", newline="", encoding="utf-8") as file:
        assert list(csv.reader(file))[1:] == [["0.30000000000000004", 'a "b", c'], ["", "γ\\nnext"], ["", "x"]]


def test_a_row_with_an_unknown_key_leaves_the_old_table(tmp_path):
    atomic.write_rows(tmp_path / "t.csv", [{"a": 1}], ("a",))
    with pytest.raises(ValueError, match="b"):
        atomic.write_rows(tmp_path / "t.csv", [{"a": 2}, {"b": 3}], ("a",))
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"t.csv": "a\n1\n"}


def test_a_files_hash_is_that_of_its_bytes(tmp_path):
    (tmp_path / "b").write_bytes(bytes(range(256)) * 5000)
    assert atomic.file_sha256(tmp_path / "b") == hashlib.sha256(bytes(range(256)) * 5000).hexdigest()
