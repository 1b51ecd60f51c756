"""What imported runs replace, kept until all of an import is in place."""

import os
import shutil
from pathlib import Path

from hardpair.files import paths


def aside(target: Path) -> Path:
    """Where what a run replaces is kept until all of an import is in place: the earlier run, or an empty folder."""
    return target.with_name(f".replaced-{target.name}")


def restore(study: Path) -> None:
    """Undo an import that was not completed: its runs go, what they replaced comes back."""
    for kept in (study / paths.RUNS).glob("*/.replaced-*"):
        target = kept.with_name(kept.name.removeprefix(".replaced-"))
        if target.exists():
            shutil.rmtree(target)
        if any(kept.iterdir()):
            os.replace(kept, target)
        else:
            kept.rmdir()


def interrupted(study: Path) -> bool:
    """Whether an import into a study was cut short, so that it has some of its runs."""
    return any((study / paths.RUNS).glob("*/.replaced-*"))
