"""The files that a command line writes, checked before the script starts: none may be one that it reads."""

import errno
import os
import re
from collections.abc import Iterable
from pathlib import Path

from hardpair.errors import UserError
from hardpair.files import paths

AFFECTS_RESULTS = False
RUN, TRIAL = (re.sub(r"{\w+}", "*", path) for path in (paths.RUN_NAME, paths.TRIAL_NAME))
STUDY = ("*.csv", "*.json", f"{paths.RUNS}/{RUN}/*", f"{paths.SEARCH}/*", f"{paths.SEARCH}/**/*")
INNER = {  # files that are read in a folder which an option names
    "data": ("dataset.json", "*/*.npy"),
    "runs": (f"{RUN}/*",),
    "search_dir": (TRIAL,),
    "study_dir": STUDY,
    "study": STUDY,
}


def check(options: dict[str, object], words: Iterable[str]) -> None:
    """Check the paths among the ``options`` of a command line, and the names of JSON and YAML files among its ``words``.

    Raises:
        IsADirectoryError: a file to be written is a folder.
        UserError: a file to be written is read too, is to be written twice, or would lie in the folder that images come from.
    """
    outputs = {name: Path(value) for name, value in options.items() if name.startswith("output") and value is not None}
    files = [path for name, path in outputs.items() if name != "output_dir"]
    texts = [word.partition("=")[2] if word.startswith("-") else word for word in words]
    named = [_real(text) for text in texts if text.endswith((".json", ".yaml", ".yml"))]
    for file in files:
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
        if list(map(_real, files)).count(_real(file)) > 1:
            raise UserError(f"{file} would be written twice: name two files")
        if named.count(_real(file)) > 1:
            raise UserError(_sentence(file))
        refuse_overwriting([file], _paths(value for name, value in options.items() if name not in outputs))
        for name, patterns in INNER.items():
            folder = _real(options[name]) if isinstance(options.get(name), Path) else None
            if folder and _real(file).is_relative_to(folder) and any(_real(file).relative_to(folder).match(each) for each in patterns):
                raise UserError(_sentence(file))
    source, folder = options.get("source"), outputs.get("output_dir")
    if isinstance(source, Path) and folder and any(_real(folder / part).is_relative_to(_real(source)) for part in ("", "train", "test")):
        raise UserError(f"--output-dir is {folder}, but images are read from {source}: choose a folder outside it")


def refuse_overwriting(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse to write a file that is read.

    Raises:
        UserError: names it.
    """
    read = set(map(_real, inputs))
    for output in outputs:
        if _real(output) in read:
            raise UserError(_sentence(output))


def _sentence(output: Path) -> str:
    return f"{output} is read, and would be overwritten: choose another output"


def _paths(values: Iterable[object]) -> list[Path]:
    """The paths among values and lists of them."""
    flat = [each for value in values for each in (value if isinstance(value, list) else [value])]
    return [each for each in flat if isinstance(each, Path)]


def _real(path: str | Path) -> Path:
    """A path without links, whether or not it is there."""
    return Path(os.path.realpath(path))
