"""What a command takes: time, processor time and memory; and the machine that it was measured on."""

import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

PROJECT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def measured(command: list, folder: Path) -> dict[str, float]:
    """Run a command in ``folder``.

    Returns:
        ``seconds`` (wall), ``cpu`` (user and system seconds of it and its children), ``peak_mb`` (largest resident set of one process).

    Raises:
        SystemExit: it failed; with the end of its output.
    """
    with open(folder / "output", "w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], cwd=folder, env=ENVIRONMENT, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)  # so that Popen waits for it no more
        if process.returncode:
            output.seek(0)
            sys.exit(f"{' '.join(map(str, command[:2]))} failed:\n{output.read()[-3000:]}")
    return {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}


def machine(*packages: str) -> dict:
    """Processor, cores and versions, for the head of a table."""
    return {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()} | {
        name: metadata.version(name) for name in packages
    }


def _processor() -> str:
    """Its name, where the system knows it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def in_words(about: dict) -> str:
    """``machine`` on a line."""
    return ", ".join(f"{name} {value}" for name, value in about.items())
