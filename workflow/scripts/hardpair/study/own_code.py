"""Networks and code of the user's own, tried before a study's first job and in a process of their own: Snakemake's loads no torch."""

import json
import subprocess
import sys

from hardpair import plugins
from hardpair.config.schema import TRAINED
from hardpair.errors import UserError
from hardpair.staleness.code_hash import SCRIPTS

NO_TORCH = "lacks the Python package 'torch'"  # in the sentence of hardpair.cli.command


def refuse_faulty(config: dict) -> None:
    """Try plugins and networks with each variant that has some. Where this Python has no torch, the jobs that train do it alone.

    Raises:
        UserError: the first that is wrong, with its variant.
    """
    used = [variant for variant in config["variants"] if plugins.used_by(variant) or "network" in variant]
    if not used:
        return
    from hardpair.study.estimate import inventory

    settings = {"variants": {variant["name"]: {part: variant[part] for part in TRAINED if part in variant} for variant in used}}
    images, files = inventory(config), plugins.used_by(*used)
    options = ["--classes", str(len(images.classes)), "--size", str(images.size), "--settings", json.dumps(settings)]
    options += ["--recipe", json.dumps(config["recipe"]), "--"]
    command = [sys.executable, SCRIPTS / "try_plugins.py", *options, *files]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode and NO_TORCH not in done.stderr:
        lines = done.stderr.strip().splitlines() or [f"the trial of plugins and networks ended with exit code {done.returncode}"]
        raise UserError(f"variant {lines[-1].removeprefix('try_plugins.py: ')}")
