"""What fuzz tests share: how many cases they try, how files are damaged, and what a command may do with bad input."""

import contextlib
import io
import json
import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from hardpair.cli import command
from hardpair.files import own_folder

FULL = os.environ.get("FAULTS") == "full"
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
PLACED = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.truncate")  # audit events with a path
NEVER = ("os.symlink", "os.link", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect", "pickle.find_class")
NUMBERS = ["-1", "0", "1", "2", "1.5", "1e999", "NaN", "-Infinity", "9" * 5000, "1" + "0" * 40, "9223372036854775808"]
TEXTS = ['""', '"x"', '"../../x"', '"/dev/zero"', r'"\u0000"', r'"\ud800"', '"<script>"', '"$(touch sprung)"', json.dumps("x" * 5000)]
OTHERS = ["null", "true", "[]", "{}", "[[]]", '[{"a": [1]}]', '{"a": 1, "a": 2}', "[" * 60 + "]" * 60, "[" * 9999 + "]" * 9999]
TOKENS = NUMBERS + TEXTS + OTHERS


def fuzzed(few: int, many: int):
    """So many cases in every test run, or the full count where the environment has FAULTS=full."""
    phases = (Phase.explicit, Phase.generate, Phase.shrink)  # to explain a failure, each case would be traced, a hundred times slower
    return settings(
        max_examples=many if FULL else few, deadline=None, phases=phases, suppress_health_check=list(HealthCheck), database=None
    )


class Watch:
    """Notes whatever this process writes outside some folders, or runs, within its block."""

    on = None

    def __init__(self, *folders: Path) -> None:
        marks = own_folder.TEMPORARY / f"hardpair-verified-{os.getuid()}"  # of arrays that were hashed
        self.folders = tuple(os.path.realpath(folder) + os.sep for folder in (*folders, marks))
        self.noted: list[str] = []

    def __enter__(self) -> "Watch":
        Watch.on = self
        return self

    def __exit__(self, *_) -> None:
        Watch.on = None

    def see(self, event: str, arguments: tuple) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if event in NEVER or ((writes or event in PLACED) and not self.inside(arguments[0])):
            self.noted.append(f"{event} {arguments!r}"[:200])

    def inside(self, path: object) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return True  # a number of a file that is open
        path = os.path.abspath(os.fsdecode(path))
        real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        return real == os.devnull or (real + os.sep).startswith(self.folders)


sys.addaudithook(lambda event, arguments: Watch.on and Watch.on.see(event, arguments))


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if not path.is_dir()}


def run(script, *arguments: object, writes: Path, leaves: tuple[str, ...] = ()) -> str | None:
    """Run a script that may write into one folder; the sentence in which it ends, or None if it came to its end.

    Args:
        leaves: names of files that it may leave even so.
    """
    name, argv, message = f"{script.__name__}.py", sys.argv, None
    before, errors = files_below(writes), io.StringIO()
    sys.argv = [name, *map(str, arguments)]
    try:
        with Watch(writes) as watch, contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
            command.run(script.main)
    except SystemExit as end:
        if end.code not in (None, 0):
            message = end.code if isinstance(end.code, str) else (errors.getvalue().splitlines() or [""])[-1]
            assert message.startswith(f"{name}: "), message
            assert message.isprintable(), message
    finally:
        sys.argv = argv
    assert watch.noted == []
    new = files_below(writes) - before
    assert not [path for path in new if path.name.startswith(".partial")]
    assert message is None or {path.name for path in new} <= set(leaves), new
    return message


def steps_of(value: object) -> list[tuple]:
    """Paths to everything within a value; of long lists, to the first few entries and the last."""
    inner = value.items() if isinstance(value, dict) else []
    if isinstance(value, list):
        inner = [(place, value[place]) for place in {0, 1, 2, len(value) - 1} if place < len(value) and value]
    return [(), *((key, *rest) for key, item in inner for rest in steps_of(item))]


@st.composite
def damaged_json(draw, value: object) -> bytes:
    """A JSON file in which something is changed, added or removed, or no JSON."""
    kind = draw(st.sampled_from(["replace", "replace", "replace", "drop", "double", "bytes", "whole"]))
    if kind == "whole":
        return draw(st.sampled_from(TOKENS)).encode()
    if kind == "bytes":
        return draw(damaged(json.dumps(value).encode()))
    value = json.loads(json.dumps(value))
    path = draw(st.sampled_from(steps_of(value)))
    if not path:
        return draw(st.sampled_from(TOKENS)).encode()
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    if kind == "drop":
        del inner[path[-1]]
    elif kind == "double" and isinstance(inner, list):
        inner.append(inner[path[-1]])
    else:
        inner[path[-1]] = "@@"
    return json.dumps(value).replace('"@@"', draw(st.sampled_from(TOKENS))).encode()


@st.composite
def damaged(draw, content: bytes) -> bytes:
    """Bytes that were cut off, flipped, or have others among them."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(changed) - 1, 0)))
        match draw(st.sampled_from(["cut", "flip", "flip", "insert", "zero"])):
            case "cut":
                del changed[at:]
            case "flip" if changed:
                changed[at] ^= 1 << draw(st.integers(0, 7))
            case "insert":
                changed[at:at] = draw(st.sampled_from([b"\0", b"\xff", b"\xef\xbb\xbf", b"\n", b"PK\3\4", b"9" * 50]))
            case "zero":
                changed[at : at + 16] = bytes(16)
    return bytes(changed)
