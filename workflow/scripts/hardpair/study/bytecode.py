"""Bytecode of the scripts: written when a study starts, and by no job.

A disk that gets full while Python writes such a file leaves it cut short (fixed in Python 3.12.8 and 3.13.1), and every later command
fails on it.
"""

import compileall
import os
import shutil
from pathlib import Path

ROOM = 2**24  # bytes; all bytecode is a tenth of it


def write_bytecode(scripts: Path) -> None:
    """Write what is missing or older than its script, if the disk has room; jobs that this process starts later will write none."""
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    if shutil.disk_usage(scripts).free > ROOM:
        compileall.compile_dir(str(scripts), quiet=2)  # which leaves out what it may not write
