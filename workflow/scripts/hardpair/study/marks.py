"""Marks of jobs that are due, by which Snakemake runs them."""

import os
import tempfile
from pathlib import Path

from hardpair.files.atomic import PARTIAL, owner
from hardpair.files.paths import SNAKEMAKE
from hardpair.staleness.due import KINDS


class Marks:
    """Empty files that are newer than the outputs of jobs that are due. They last as long as this process.

    As inputs of jobs they must be there for all machines that share the folder, as a folder for temporary files of one machine is not.
    """

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory | None = None

    def newer(self, kind: str, outputs: list[str]) -> str:
        """The file of a kind, newer than these files, even if they are of the future; ``start`` gives it the present time."""
        if self._folder is None:
            SNAKEMAKE.mkdir(exist_ok=True)
            self._folder = tempfile.TemporaryDirectory(prefix=f"{PARTIAL}{owner()}-due-", dir=SNAKEMAKE.absolute())
            for name in KINDS:  # all at once: Snakemake remembers what a folder held when it first looked
                Path(self._folder.name, name).touch()
        mark = Path(self._folder.name, kind)
        newest = max((os.path.getmtime(file) for file in outputs if os.path.exists(file)), default=0)
        if newest >= mark.stat().st_mtime:
            os.utime(mark, (newest + 1, newest + 1))
        return str(mark)

    def folders(self) -> list[str]:
        """The folder that holds them, if there are any."""
        return [self._folder.name] if self._folder else []
