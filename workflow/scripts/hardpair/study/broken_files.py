"""Files of a study that a crash of the machine left cut short or zeroed; the jobs that made them make them again."""

import os
import sys
from collections.abc import Callable, Collection, Iterable
from functools import cache
from pathlib import Path

from hardpair.cli import inputs
from hardpair.errors import UserError, say
from hardpair.files import intact, paths
from hardpair.staleness.jobs import Jobs

DAMAGED = "or what it describes is cut short or damaged"


def broken_files(config: dict, study: Path, data: Path, is_produced: Callable[[str], bool]) -> frozenset[str]:
    """Files of a study and its data that are not complete, with their records, and those set aside that are still missing.

    They count as missing when jobs are planned, and nothing is changed before jobs start. Images that runs were trained on are left out:
    jobs refuse them, since to prepare them again within the same call would train the runs again. Files that the config does not make, as
    of runs that it does not declare, are left out too.

    Args:
        is_produced: whether a rule makes a file of this name.
    """
    folders = [study] if paths.every(study, paths.RUN_RECORD) else [study, data]
    found = intact.broken(folders, is_made := _made_by(config, is_produced))
    if data in folders and (about := data / "dataset.json").exists() and about not in found and is_made(about):
        try:
            inputs.check_data(data)
        except (UserError, OSError):  # such as pixels that are zeros now: their files have the right length
            found.append(about)
    return frozenset(map(str, found))


def set_aside(broken: Collection[str], outputs: Iterable[str]) -> None:
    """Rename broken files that jobs make again, so that they stay should a job fail, and print them.

    Args:
        broken: what ``broken_files`` returned.
        outputs: files that the planned jobs make.
    """
    for file in _made_again(broken, outputs):
        intact.set_aside(Path(file))
        say(f"{file} {DAMAGED}: set aside as {Path(file).name}{paths.UNREADABLE}, and made again", file=sys.stderr)


def print_broken(broken: Collection[str], outputs: Iterable[str]) -> None:
    """Print the files that ``set_aside`` would rename."""
    for file in _made_again(broken, outputs):
        say(f"{file} {DAMAGED}: without --dry-run it would be set aside and made again", file=sys.stderr)


def _made_again(broken: Collection[str], outputs: Iterable[str]) -> list[str]:
    return [file for file in sorted({*broken}.intersection(outputs)) if os.path.exists(file)]


def remove_replaced(config: dict, folders: Iterable[str], is_produced: Callable[[str], bool]) -> None:
    """Remove files that were set aside, now or by an earlier command, and have been made again."""
    intact.remove_replaced(list(map(Path, folders)), _made_by(config, is_produced))


def _made_by(config: dict, is_produced: Callable[[str], bool]) -> Callable[[Path], bool]:
    """Whether a file, or the record that describes it, is one that the config makes."""
    declared = cache(Jobs(config, "").files)  # a set of thousands, which few starts need

    def is_made(path: Path) -> bool:
        record = path.with_name(intact.RECORD_OF.get(path.name, path.name))
        return str(record) in declared() and is_produced(str(path))

    return is_made
