"""The ``python`` of PATH, which runs the jobs, beside the one that runs Snakemake."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from hardpair.errors import UserError

PACKAGES = ("numpy", "torch", "matplotlib")
MISSING = f"import sys; from importlib.util import find_spec; sys.exit(not all(map(find_spec, {PACKAGES})))"


def refuse_other_python() -> None:
    """Refuse to start jobs with a ``python`` that lacks packages which the environment of this process has.

    Where this environment lacks them too, as one for Snakemake alone does, nothing is known of the one that jobs need.

    Raises:
        UserError: names it, and the command that puts this environment first.
    """
    here, python = Path(sys.executable).parent, shutil.which("python")
    if (python and Path(python).parent == here) or not all(map(find_spec, PACKAGES)):
        return
    if python is None or subprocess.run([python, "-c", MISSING], capture_output=True, check=False).returncode != 0:
        found = f"{python} lacks packages of hardpair" if python else "no `python` is in PATH"
        raise UserError(f"{found}, and jobs start `python`: run `export PATH={here}:$PATH` first")
