import argparse
import csv
import errno
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardpair import command, files
from hardpair.errors import UserError
from hardpair.progress import Progress

SCRIPTS = Path(files.__file__).parents[1]


# --- files


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_files_have_the_permissions_of_the_umask_whoever_wrote_them(tmp_path, mask):
    before = os.umask(mask)
    try:
        with files.written_whole(tmp_path / "weights") as temporary:
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
        with files.written_whole(path) as temporary:
            temporary.write_text("ne")
            assert path.read_text() == "old"
            raise error

    with pytest.raises(error):
        interrupted()
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"table.csv": "old"}


def test_a_writer_that_writes_nothing_leaves_the_old_content(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(FileNotFoundError), files.written_whole(tmp_path / "a.txt"):
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
    ("fault", "number", "told"),
    [
        (full_disk, errno.ENOSPC, "No space left on device"),
        (full_disk_of_numpy, errno.EIO, "128 requested and 0 written"),
        (full_disk_of_safetensors, errno.ENOSPC, "No space left on device"),
        (no_permission, errno.EACCES, "Permission denied"),
    ],
)
def test_what_the_system_has_against_writing_a_file_is_told_of_that_file(tmp_path, fault, number, told):
    with pytest.raises(OSError, match=told) as caught, files.written_whole(tmp_path / "a.csv") as temporary:
        fault(temporary)
    assert (caught.value.errno, caught.value.strerror, caught.value.filename) == (number, told, str(tmp_path / "a.csv"))


def test_what_the_system_has_against_another_file_is_told_of_that_one(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, files.written_whole(tmp_path / "a.csv"):
        (tmp_path / "b.csv").read_text()
    assert caught.value.filename == str(tmp_path / "b.csv")


def test_a_file_is_written_beside_its_place_under_its_own_suffix(tmp_path):
    path = tmp_path / "new" / "folders" / "image.svg"
    with files.written_whole(str(path)) as temporary:
        assert (temporary.parent, temporary.suffix) == (path.parent, ".svg")
        temporary.write_bytes(b"whole")
        assert not path.exists()
    assert [(each.name, each.read_bytes()) for each in path.parent.iterdir()] == [("image.svg", b"whole")]


def test_json_keeps_its_order_and_its_letters_and_is_never_half_written(tmp_path):
    value = {"b": 1, "a": [0.1, None, "γ"], "c": {"z": True, "y": 1e-300}}
    files.write_json(tmp_path / "x.json", value)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert "γ" in text
    assert text.endswith("}\n")
    read = files.read_json(tmp_path / "x.json")
    assert (read, list(read)) == (value, ["b", "a", "c"])
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "x.json", {"mean": float("nan")})
    assert files.read_json(tmp_path / "x.json") == value
    assert len(list(tmp_path.iterdir())) == 1


def test_unreadable_json_is_told_in_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"none\.json is missing: run the step that makes it first$"):
        files.read_json(tmp_path / "none.json")
    for content in (b'{"a": 1', b"", b'\xff\xfe{"a"'):
        (tmp_path / "bad.json").write_bytes(content)
        with pytest.raises(
            UserError, match=r"^[^\n]*bad\.json is not valid JSON \([^\n]+\): delete it and run the step that makes it again$"
        ):
            files.read_json(tmp_path / "bad.json")


def test_rows_are_a_csv_with_empty_cells_for_what_they_lack(tmp_path):
    rows = [{"name": 'a "b", c', "value": 0.1 + 0.2}, {"value": None, "name": "γ\nnext"}, {"name": "x"}]
    files.write_rows(tmp_path / "t.csv", rows, ("value", "name"))
    raw = (tmp_path / "t.csv").read_bytes()
    assert raw.startswith(b"value,name\n0.30000000000000004,")
    assert b"\r" not in raw
    with open(tmp_path / "t.csv", newline="", encoding="utf-8") as file:
        assert list(csv.reader(file))[1:] == [["0.30000000000000004", 'a "b", c'], ["", "γ\nnext"], ["", "x"]]


def test_a_row_with_an_unknown_key_leaves_the_old_table(tmp_path):
    files.write_rows(tmp_path / "t.csv", [{"a": 1}], ("a",))
    with pytest.raises(ValueError, match="b"):
        files.write_rows(tmp_path / "t.csv", [{"a": 2}, {"b": 3}], ("a",))
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"t.csv": "a\n1\n"}


def test_a_files_hash_is_that_of_its_bytes(tmp_path):
    (tmp_path / "b").write_bytes(bytes(range(256)) * 5000)
    assert files.file_sha256(tmp_path / "b") == hashlib.sha256(bytes(range(256)) * 5000).hexdigest()


# --- command lines


def test_settings_are_json_or_a_file_of_json_or_yaml(tmp_path):
    value = {"a": [1, 2.5, None], "b": {"c": "d"}}
    (tmp_path / "s.json").write_text(json.dumps(value))
    (tmp_path / "s.yaml").write_text("a: [1, 2.5, null]\nb:\n  c: d\n")
    for text in (json.dumps(value), f"  {json.dumps(value)}", str(tmp_path / "s.json"), str(tmp_path / "s.yaml")):
        assert command.json_or_file(text) == value
        assert command.settings_with("a", "b")(text) == value


UNREADABLE = {
    "broken JSON": ('{"a": ', "not valid JSON"),
    "no such file": ("nowhere.yaml", "neither JSON nor a readable file: .*nowhere.yaml"),
    "broken YAML": ("a: [1\nb: }", "neither JSON nor a readable file: while parsing"),
    "code": ("!!python/object/apply:os.mkdir [made]", "neither JSON nor a readable file: .*python/object"),
    "a word": ("word", "is not a map of keys and values"),
    "nothing": ("", "is not a map of keys and values"),
    "a list": ("[1, 2]", "is not a map of keys and values"),
    "a key too few": ("other: 1", "the settings lack needed: see --help"),
    "bytes": (b"\xff\xfe\xfd", "neither JSON nor a readable file"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_unreadable_settings_are_told_in_one_line(tmp_path, monkeypatch, capsys, kind):
    content, expected = UNREADABLE[kind]
    monkeypatch.chdir(tmp_path)
    argument = content if kind in ("broken JSON", "no such file") else "s.yaml"
    if argument == "s.yaml":
        Path(argument).write_bytes(content if isinstance(content, bytes) else content.encode())
    cli = command.parser("Words.")
    cli.add_argument("--settings", type=command.settings_with("needed"))
    with pytest.raises(SystemExit) as caught:
        cli.parse_args(["--settings", argument])
    assert caught.value.code == 2
    assert re.search(rf"error: argument --settings: [^\n]*{expected}[^\n]*\n$", capsys.readouterr().err)
    assert not Path("made").exists()


@given(st.integers(1, 10**12))
def test_a_count_is_read(number):
    assert command.positive(str(number)) == number


@pytest.mark.parametrize("text", ["0", "00", "-1", "1.5", "1e3", "", " 1", "ten", "²"])
def test_what_is_no_count_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is not a whole number above 0"):
        command.positive(text)


def ended(monkeypatch, error):
    """Exit code with which a script ends whose main raises ``error``."""
    monkeypatch.setattr(sys, "argv", ["/some/where/train.py"])

    def main():
        raise error

    with pytest.raises(SystemExit) as caught:
        command.run(main)
    return caught.value.code


def test_errors_of_the_user_and_the_machine_end_in_one_line(monkeypatch, capsys):
    assert ended(monkeypatch, UserError("recipe.epochs is 0: raise it")) == "train.py: recipe.epochs is 0: raise it"
    lacking = ended(monkeypatch, ModuleNotFoundError("No module named 'torch'", name="torch"))
    assert lacking.startswith(f"train.py: {sys.executable} lacks the Python package 'torch': run `make setup`")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert ended(monkeypatch, full).startswith("train.py: No space left on device: check the path")
    denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/out/run.json")
    assert ended(monkeypatch, denied).startswith("train.py: /out/run.json: Permission denied: check the path")
    assert capsys.readouterr().err == ""
    assert ended(monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "train.py: interrupted\n"


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError("of a library")])
def test_other_errors_keep_their_traceback(monkeypatch, error):
    with pytest.raises(type(error), match=str(error)):
        ended(monkeypatch, error)


def test_a_script_that_succeeds_ends_as_usual_and_one_that_fails_does_not():
    program = "from hardpair.command import run\nfrom hardpair.errors import UserError\ndef main():\n    {}\nrun(main)"
    ends = []
    for body in ("print(1)", "raise UserError('a: b')", "open('/nowhere/x')"):
        done = subprocess.run([sys.executable, "-c", program.format(body)], cwd=SCRIPTS, capture_output=True, text=True)
        ends.append((done.returncode, len(done.stderr.splitlines())))
    assert ends == [(0, 0), (1, 1), (1, 1)]


# --- progress

COLUMNS = ("epoch", "learning_rate", "train_loss", "train_accuracy", "validation_accuracy", "confused", "confused_rate")


def record(epoch, validation=True):
    row = {"epoch": epoch, "learning_rate": 0.001, "train_loss": 1.23456, "train_accuracy": 0.5}
    return row | ({"validation_accuracy": 0.0912, "confused": "cat-dög", "confused_rate": 0.25} if validation else {})


def test_every_epoch_is_on_disk_as_soon_as_it_ends_and_stays_after_a_failure(tmp_path, capsys):
    path = tmp_path / "new" / "seed0.csv"

    def rows():
        return path.read_text(encoding="utf-8").splitlines()

    def interrupted():
        with Progress(path, COLUMNS, epochs=3, images=100) as progress:
            assert rows() == [f"{','.join(COLUMNS)},seconds,images_per_second"]
            progress(record(1), 2.0)
            assert rows()[1:] == ["1,0.001,1.23456,0.5,0.0912,cat-dög,0.25,2.0,50.0"]
            progress(record(2, validation=False), 1 / 3)
            assert rows()[2:] == ["2,0.001,1.23456,0.5,,,,0.333,300.0"]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(rows()) == 3
    assert len(capsys.readouterr().err.splitlines()) == 3, "its head and two epochs, no word of an end"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_that_is_full_is_told_with_the_name_of_the_progress():
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"), Progress(Path("/dev/full"), COLUMNS, epochs=3, images=100):
        pass


@pytest.mark.parametrize(
    ("epoch", "seconds", "left"),
    [(1, 0.5, "00:00:50"), (1, 36.0, "00:59:24"), (1, 1000.0, "27:30:00"), (1, 4000.0, "110:00:00"), (100, 9.0, "00:00:00")],
)
def test_the_log_tells_an_epoch_in_a_line_with_the_time_left(capsys, epoch, seconds, left):
    with Progress(None, COLUMNS, epochs=100, images=1000) as progress:
        progress(record(epoch), seconds)
    start = f"epoch {epoch:>3}/100  lr 0.001      loss 1.2346  train 50.00%  validation  9.12%  "
    rate = f"{1000 / seconds:,.0f}"
    assert capsys.readouterr().err.splitlines()[1] == f"{start}{rate:>7} images/s  {left} left  most confused cat-dög 25.00%"


def test_without_validation_the_log_leaves_it_out(capsys):
    with Progress(None, COLUMNS, epochs=9, images=10) as progress:
        progress(record(1, validation=False), 1.0)
    line, end = capsys.readouterr().err.splitlines()[1:]
    assert line == "epoch 1/9  lr 0.001      loss 1.2346  train 50.00%       10 images/s  00:00:08 left"
    assert end == "trained: 1 epoch in 00:00:01, 10 images/s"


def test_the_log_begins_with_the_run_and_where_it_trains_and_ends_with_its_best(tmp_path, capsys):
    with Progress(tmp_path / "dfl" / "seed3.csv", COLUMNS, epochs=3, images=45_000) as progress:
        for epoch, accuracy in ((1, 0.5), (2, 0.75), (3, 0.75)):
            progress(record(epoch) | {"validation_accuracy": accuracy}, 30.0)
    begin, *_, end = capsys.readouterr().err.splitlines()
    assert begin.startswith("dfl, seed 3: 3 epochs of 45,000 images on ")
    assert begin.endswith(f" (host {platform.node()}, process {os.getpid()})")
    assert end == "trained: 3 epochs in 00:01:30, 1,500 images/s; highest validation accuracy 75.00%, after epoch 2"
