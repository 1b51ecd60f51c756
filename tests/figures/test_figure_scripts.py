"""Scripts of figures: the same files again, and errors in one sentence."""

import hashlib
import importlib
import json
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

import fake_study
from hardpair.figures import arguments, style
from hardpair.staleness.code_hash import code_hash

pytestmark = pytest.mark.usefixtures("coarse")

SCRIPTS = Path(fake_study.__file__).parents[2] / "workflow" / "scripts"


FIGURES = [
    "plot_curves",
    "plot_plane",
    "plot_classes",
    "plot_confusion",
    "plot_reliability",
    "plot_variants",
    "plot_weights",
    "plot_difficulty",
    "plot_search",
    "plot_hardest",
    "assemble_figure",
]


def command(script, folder, told, output):
    inputs = ["--runs", str(folder / "results" / "runs")]
    if script == "plot_search":
        inputs = ["--trials", str(folder / "results" / "search" / "trials.csv")]
    if script == "plot_hardest":
        inputs += ["--images", str(folder / "data" / "test" / "images.npy"), "--classes", str(folder / "data" / "dataset.json")]
    if script == "plot_classes":
        inputs += ["--data", str(folder / "data"), "--split", str(folder / "results" / "split.json")]
    return [f"{script}.py", *inputs, "--settings", json.dumps(told), "--output", str(output)]


@pytest.mark.parametrize("script", FIGURES)
def test_script_writes_the_same_png_and_svg_again(script, drawn_study, tmp_path, monkeypatch):
    folder, told, _ = drawn_study
    told = told | {"variants": told["variants"][::2], "plane": told["plane"][::2], "seeds": [0, 2]}
    written = []
    for name in ("first", "second"):
        monkeypatch.setattr(sys, "argv", command(script, folder, told, tmp_path / f"{name}.png"))
        importlib.import_module(script).main()
        written.append([(tmp_path / f"{name}{suffix}").read_bytes() for suffix in (".png", ".svg")])
    assert written[0] == written[1]
    png, svg = written[0]
    assert png.startswith(b"\x89PNG")
    assert b"<svg" in svg
    assert b"<dc:date>" not in svg
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.png", "first.svg", "second.png", "second.svg"]


def test_missing_run_ends_in_one_sentence_and_no_file(drawn_study, tmp_path):
    folder, told, _ = drawn_study
    line = command("plot_weights", folder, told | {"seeds": [0, 77]}, tmp_path / "weights.png")
    ended = subprocess.run([sys.executable, *line], cwd=SCRIPTS, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert ended.stderr.count("\n") == 1
    assert "seed77/refreshes.csv is missing" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_style_does_not_depend_on_the_users(drawn_study):
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "lines.linewidth": 9}):
        with style.applied():
            assert matplotlib.rcParams["font.size"] == 8
            assert not matplotlib.rcParams["axes.grid"]
        assert matplotlib.rcParams["font.size"] == 30


def test_the_footer_tells_settings_and_code(drawn_study, monkeypatch):
    folder, told, _ = drawn_study
    made = []
    for given in (told, dict(reversed(told.items())), told | {"seeds": [0, 1]}):
        monkeypatch.setattr(sys, "argv", command("plot_variants", folder, given, "a.png"))
        made.append(arguments.parse("", ("study",), runs="runs").settings["made"])
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    assert made[0] == f"settings {hashlib.sha256(text.encode()).hexdigest()[:8]}, code {code_hash('plot_variants.py')[:8]}"
    assert made[0] == made[1] != made[2]
    assert style.origin(told | {"made": made[0]}).endswith(f" seeds ({made[0]})")
