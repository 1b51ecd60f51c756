"""Files and data as part of a page that loads nothing."""

import base64
import hashlib
import json
import re
from pathlib import Path

from hardpair.files.readers import read_with

ROOM = 3_500_000  # bytes of all figures together; where SVGs are more, the largest give way to their PNGs


def figures(folder: Path, names: list[str]) -> dict[str, dict]:
    """Each figure by name: its SVG, or its PNG where SVGs are too large together.

    Returns:
        ``source``, a data URI; ``size`` (width, height; empty where an SVG has none), so that a page has its layout before it draws; and
        whether it is ``light`` on a dark page too, as a PNG is.
    """
    svgs = {name: read_with(folder / f"{name}.svg", Path.read_bytes) for name in names}
    sizes = {name: re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg) for name, svg in svgs.items()}
    files = {name: ("svg+xml", svg) for name, svg in svgs.items()}
    for name in sorted(names, key=lambda name: len(svgs[name]), reverse=True):
        if sum(len(content) for _, content in files.values()) > ROOM:
            files[name] = ("png", read_with(folder / f"{name}.png", Path.read_bytes))
    return {
        name: {
            "source": f"data:image/{kind};base64,{base64.b64encode(content).decode()}",
            "light": kind == "png",
            "size": tuple(round(float(side)) for side in sizes[name].groups()) if sizes[name] else (),
        }
        for name, (kind, content) in files.items()
    }


def script_data(value: object) -> str:
    """``value`` as JSON that may stand in a ``<script type="application/json">``: no text in it can end the element."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def policy_hash(script: str) -> str:
    """The source that allows only this script in a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
