"""Write down what a study declares, in its registration.json, before runs can answer it. Imports no torch.

The command that starts a study's jobs does so, before the first of them, and not a training job: no run depends on what is claimed of it,
so the code that trains does not depend on claims, and no edit of them or of this makes a run stale. Nor is the file the output of a rule:
Snakemake removes outputs before it makes them again.
"""

import errno
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hardpair.comparison import registration
from hardpair.errors import say
from hardpair.files import formats, paths
from hardpair.files.atomic import PARTIAL, flush, owner, write_json

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}  # a filesystem that has none


def register(study: Path, config: dict, imported: Iterable[str] = ()) -> None:
    """Add an entry to a study's registration if its config declares something else than the last one, or if runs were imported.

    A file that cannot be trusted is set aside, with a line on stderr. The caller holds the study's lock; where that does not reach, as
    between machines, the first entry stays what it is.

    Args:
        config: resolved.
        imported: runs that were trained elsewhere, such as ``ce/seed0``, and are in the study now.
    """
    path, imported = study / paths.REGISTRATION, sorted(imported)
    declared = registration.declared(config)
    found = registration.read(path)
    if found.problem:
        aside = path.with_name(f"{path.name}.damaged")
        os.replace(path, aside)
        say(f"{path} is damaged, {found.problem}: renamed to {aside.name}; a new one is started", file=sys.stderr)
    entries = list(found.entries)
    if entries and entries[-1]["declared"] == declared and not imported:
        return
    # Removed runs have been seen; what was recorded of their evaluation outlives their folders.
    present = (len(paths.every(study, path)) for path in (paths.RUN_RECORD, paths.EVALUATED))
    finished = max(*present, *(entry["finished_runs"] for entry in entries))
    previous = entries[-1]["sha256"] if entries else formats.DAMAGED if found.problem else None
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished_runs": finished,
        "imported": imported,
        "declared": declared,
        "previous": previous,
    }
    entry["sha256"] = registration.digest(entry)
    if entries:
        write_json(path, {"entries": [*entries, entry]})
    elif not _written_first(path, {"entries": [entry]}):
        register(study, config, imported)  # after what another process has written


def _written_first(path: Path, value: dict) -> bool:
    """Write a JSON file completely; False, and nothing is written, if it is there already."""
    temporary = path.with_name(f"{PARTIAL}{owner()}-{path.name}")
    try:
        write_json(temporary, value)
        os.link(temporary, path)  # unlike a rename, it replaces nothing
        with suppress(OSError):  # not every filesystem can flush folders
            flush(path.parent)
        return True
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        os.replace(temporary, path)  # the study's lock keeps others away
        return True
    finally:
        temporary.unlink(missing_ok=True)
