"""Times of files that lie in the future, since a clock was wrong or is set back now. Imports nothing heavy."""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from hardpair.errors import say
from hardpair.files import paths
from hardpair.files.atomic import PARTIAL

AFFECTS_RESULTS = False


def date_now(folders: Iterable[Path]) -> None:
    """Date all files of the future in these folders now, in their order, and print that to stderr."""
    found = (entry for folder in folders for entry in entries(folder) if not entry.name.startswith(PARTIAL))
    future = [entry for entry in found if entry.is_file(follow_symlinks=False) and _is_of_future(entry)]
    files = [entry.path for entry in sorted(future, key=lambda entry: (entry.stat().st_mtime_ns, entry.path))]
    now = time.time_ns()
    for place, path in enumerate(files, start=1 - len(files)):  # microseconds apart, to keep their order
        with suppress(PermissionError, FileNotFoundError):  # another user's, in a shared folder of data
            os.utime(path, ns=(now, now + 1000 * place))
    if files:
        say(f"set the times of files dated in the future to now: {named(files)}", file=sys.stderr)


def date_inputs(words: Iterable[str]) -> None:
    """Date the files of a study and its data now if one that a command line names, or that lies in a folder it names, is of the future.

    Snakemake dates what a job has made, and takes it for failed if an input is newer: a clock was set back while it was at work.
    """
    homes = (paths.RESULTS.absolute(), paths.IMAGES.absolute())
    inputs = [path for path in map(Path.absolute, map(Path, words)) if path.is_relative_to(homes[0]) or path.is_relative_to(homes[1])]
    if any(_is_of_future(file) for path in inputs if os.path.exists(path) for file in _files(path)):
        folders = {Path(*path.parts[: len(home.parts) + 1]) for path in inputs for home in homes if home in path.parents}
        date_now(sorted(folders))


def _is_of_future(file: os.DirEntry | Path) -> bool:
    """Whether the time of a file is later than now; False if a job at work has just removed it.

    The clock is read after the time: other jobs write files while many are looked at.
    """
    with suppress(FileNotFoundError):
        return file.stat(follow_symlinks=False).st_mtime_ns > time.time_ns()
    return False


def _files(path: Path) -> Iterator[os.DirEntry | Path]:
    """A file, or those below a folder."""
    return (entry for entry in entries(path) if entry.is_file(follow_symlinks=False)) if path.is_dir() else iter([path])


def entries(folder: str | Path) -> Iterator[os.DirEntry]:
    """All entries below a folder, not descending into unfinished folders; none if it does not exist."""
    try:
        inner = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in inner:
        yield entry
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(PARTIAL):
            yield from entries(entry.path)


def named(files: Sequence[str]) -> str:
    """One file by its name, several by their number."""
    return files[0] if len(files) == 1 else f"{len(files)} files, such as {files[0]}"
