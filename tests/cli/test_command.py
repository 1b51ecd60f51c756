"""What every command line shares."""

import argparse
import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hardpair.cli import command
from hardpair.errors import UserError
from hardpair.files import atomic

SCRIPTS = Path(atomic.__file__).parents[2]


def test_settings_are_json_or_a_file_of_json_or_yaml(tmp_path):
    value = {"a": [1, 2.5, None], "b": {"c": "d"}}
    (tmp_path / "s.json").write_text(json.dumps(value))
    (tmp_path / "s.yaml").write_text("a: [1, 2.5, null]\nb:\n  c: d\n")
    for text in (json.dumps(value), f"  {json.dumps(value)}", str(tmp_path / "s.json"), str(tmp_path / "s.yaml")):
        assert command.json_or_file(text) == value
        assert command.settings_with("a", "b")(text) == value
    assert command.json_or_file('{"pairs": "auto"}') == {"pairs": "auto"}, "a config, not the file of chosen pairs"


@pytest.mark.parametrize("words", ["--seed 1 --seed 2", "--seed=1 --seed 1", "--files a b --files c", "--seed 1 --se 2"])
def test_an_option_that_is_there_twice_is_refused(words, capsys):
    cli = command.parser("Words.")
    cli.add_argument("--seed", type=int, default=0)
    cli.add_argument("--files", nargs="+", default=[])
    cli.add_argument("--fast", action="store_true")
    assert vars(cli.parse_args(["--seed", "1", "--files", "a", "b"])) == {"seed": 1, "files": ["a", "b"], "fast": False}
    assert cli.parse_args(["--seed", "2", "--fast", "--fast"]).seed == 2, "each call anew"
    with pytest.raises(SystemExit):
        cli.parse_args(words.split())
    assert re.search(r"error: --\w+ is given twice: write it once\n$", capsys.readouterr().err)


UNREADABLE = {
    "broken JSON": ('{"a": ', "not valid JSON"),
    "no such file": ("nowhere.yaml", r"nowhere\.yaml does not exist: check the path"),
    "broken YAML": ("a: [1\nb: }", r"s\.yaml, line 1: the \[ is not closed"),
    "code": ("!!python/object/apply:os.mkdir [made]", r"s\.yaml, line 1: !!python/object/apply:os\.mkdir is no type"),
    "a word": ("word", "is not a map of keys and values"),
    "nothing": ("", "is empty: write at least one"),
    "a list": ("[1, 2]", "is not a map of keys and values"),
    "a key too few": ("{}", "the settings lack needed: see --help"),
    "a key too many": ("{needed: 1, neded: 2}", r"neded is not a key of settings: did you mean needed\?"),
    "bytes": (b"a: 1\nb: \xff", r"s\.yaml, line 2: the byte 0xff is not UTF-8: save the file as UTF-8"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_unreadable_settings_end_in_one_line(tmp_path, monkeypatch, capsys, kind):
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


def exit_message(monkeypatch, error):
    """Exit code with which a script ends whose main raises ``error``."""
    monkeypatch.setattr(sys, "argv", ["/some/where/train.py"])

    def main():
        raise error

    with pytest.raises(SystemExit) as caught:
        command.run(main)
    return caught.value.code


def raised(function, *arguments, **options):
    """What a library raises."""
    with pytest.raises((MemoryError, RuntimeError)) as caught:
        function(*arguments, **options)
    return caught.value


def test_errors_of_the_user_and_the_machine_end_in_one_line(monkeypatch, capsys):
    assert exit_message(monkeypatch, UserError("recipe.epochs is 0: raise it")) == "train.py: recipe.epochs is 0: raise it"
    lacking = exit_message(monkeypatch, ModuleNotFoundError("No module named 'torch'", name="torch"))
    assert lacking.startswith(f"train.py: {sys.executable} lacks the Python package 'torch': run `make setup`")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert exit_message(monkeypatch, full).startswith("train.py: No space left on device: check the path")
    denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/out/run.json")
    assert exit_message(monkeypatch, denied).startswith("train.py: /out/run.json: Permission denied: check the path")
    for error in (MemoryError(), raised(np.empty, 2**60, np.uint8), raised(torch.empty, 2**60, dtype=torch.uint8)):
        assert exit_message(monkeypatch, error).startswith("train.py: the machine was out of memory: start fewer jobs at once")
    of_gpus = [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), torch.AcceleratorError("CUDA error: out of memory")]
    for error in (*of_gpus, RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")):
        assert exit_message(monkeypatch, error).startswith("train.py: the GPU was out of memory: use a smaller recipe.batch_size")
    assert capsys.readouterr().err == ""
    assert exit_message(monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "train.py: interrupted\n"


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_has_read_enough_is_no_error(lines):
    program = f"from hardpair.cli.command import run\nrun(lambda: print('line\\n' * {lines}))"
    command = subprocess.Popen([sys.executable, "-c", program], cwd=SCRIPTS, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    command.stdout.close()
    assert (command.wait(), command.stderr.read()) == (141, "")
    command.stderr.close()


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError("of a library"), RuntimeError("shapes differ")])
def test_other_errors_keep_their_traceback(monkeypatch, error):
    with pytest.raises(type(error), match=str(error)):
        exit_message(monkeypatch, error)


def test_a_script_that_succeeds_ends_as_usual_and_one_that_fails_does_not():
    program = "from hardpair.cli.command import run\nfrom hardpair.errors import UserError\ndef main():\n    {}\nrun(main)"
    ends = []
    for body in ("print(1)", "raise UserError('a: b')", "open('/nowhere/x')"):
        done = subprocess.run([sys.executable, "-c", program.format(body)], cwd=SCRIPTS, capture_output=True, text=True)
        ends.append((done.returncode, len(done.stderr.splitlines())))
    assert ends == [(0, 0), (1, 1), (1, 1)]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(("body", "code", "lines"), [("", 0, 0), ("raise UserError('a: b')", 1, 1), ("raise KeyboardInterrupt", 130, 1)])
def test_a_signal_while_python_ends_changes_nothing(name, body, code, lines):
    program = f"""
import atexit, os, signal
from hardpair.cli.command import run
from hardpair.errors import UserError

class Late:
    def __del__(self, kill=os.kill, process=os.getpid(), number=signal.{name}):  # after the functions of atexit
        kill(process, number)

def main():
    atexit.register(os.kill, os.getpid(), signal.{name})  # as libraries register theirs
    os.late = Late()
    {body}

run(main)"""
    done = subprocess.run([sys.executable, "-c", program], cwd=SCRIPTS, capture_output=True, text=True)
    assert (done.returncode, len(done.stderr.splitlines())) == (code, lines), done.stderr
