"""The ``python`` of PATH, which runs the jobs, beside the one that runs Snakemake."""

import shlex
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from hardpair.errors import UserError

PACKAGES = ("numpy", "torch", "matplotlib")
TRIAL = f"from importlib.metadata import version; list(map(version, {PACKAGES}))"


def refuse_other_python() -> None:
    """Refuse to start jobs with a ``python`` that lacks packages which the environment of this process has.

    Where this environment lacks them too, as one for Snakemake alone does, nothing is known of the one that jobs need.

    Raises:
        UserError: names it, and the command that puts this environment first.
    """
    here, python = Path(sys.executable).parent, shutil.which("python")
    if (python and Path(python).parent == here) or not _is_complete():
        return
    if python:
        with suppress(OSError):  # it cannot be started
            if subprocess.run([python, "-c", TRIAL], capture_output=True, check=False).returncode == 0:
                return
    found = f"{python} lacks packages of hardpair" if python else "no `python` is in PATH"
    raise UserError(f"{found}, and jobs start `python`: run `export PATH={shlex.quote(str(here))}:$PATH` first")


def _is_complete() -> bool:
    """Whether the environment of this process has the packages."""
    try:
        return all(map(metadata.version, PACKAGES))
    except metadata.PackageNotFoundError:
        return False
