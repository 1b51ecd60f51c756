"""Losses and samplers of the user's own, tried before a study's first job and in a process of their own: Snakemake's loads no torch."""

import json
import subprocess
import sys
from pathlib import Path

from hardpair import plugins
from hardpair.data import sources
from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.staleness.code_hash import SCRIPTS

NO_TORCH = "lacks the Python package 'torch'"  # in the sentence of hardpair.cli.command


def refuse_faulty(config: dict) -> None:
    """Try the plugins of a study with each variant that uses some. Where this Python has no torch, the jobs that train do it alone.

    Raises:
        UserError: the first that is wrong, with its variant.
    """
    files = plugins.used_by(*config["variants"])
    if not files:
        return
    used = [variant for variant in config["variants"] if plugins.used_by(variant)]
    settings = {"variants": {variant["name"]: {part: variant[part] for part in ("loss", "sampler")} for variant in used}}
    data = config["data"]
    classes = len(sources.get(data["kind"]).inventory(data, Path(paths.IMAGES / data["name"])).classes)
    options = ["--classes", str(classes), "--settings", json.dumps(settings), "--"]
    done = subprocess.run([sys.executable, SCRIPTS / "try_plugins.py", *options, *files], capture_output=True, text=True)
    if done.returncode and NO_TORCH not in done.stderr:
        lines = done.stderr.strip().splitlines() or [f"the trial of the plugins ended with exit code {done.returncode}"]
        raise UserError(f"variant {lines[-1].removeprefix('try_plugins.py: ')}")
