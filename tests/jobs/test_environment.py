"""What a command inherits from its caller neither changes nor breaks it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hardpair.jobs import environment

SCRIPTS = Path(environment.__file__).parents[2]
SHOW = """
import os, sys
from hardpair.cli.command import run

def main():
    print(ascii(os.listdir(sys.argv[1])), "\u2501 \xe9")
    print(ascii(sys.argv[1:]), os.environ.get("MPLBACKEND"), os.environ.get("ATEN_CPU_CAPABILITY"))

run(main)
"""


def output(folder, **variables):
    script = folder / "show.py"
    script.write_text(SHOW)
    (folder / "inner").mkdir()
    (folder / "inner" / "\xe4\u2501").touch()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    command = [sys.executable, script, folder / "inner", "two words", "\xe4"]
    done = subprocess.run(command, env=inherited | {"PYTHONPATH": str(SCRIPTS)} | variables, capture_output=True, check=True)
    return done.stdout.splitlines(), done.stderr.decode()


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C.utf8", "PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C.utf8"},
    ],
    ids=lambda variables: " ".join(f"{name}={value}" for name, value in variables.items()),
)
def test_files_and_arguments_have_the_same_names_under_every_locale(tmp_path, variables):
    (listing, arguments), _ = output(tmp_path, **variables)
    coding = variables.get("PYTHONIOENCODING", "utf-8")
    assert listing == ascii(["\xe4\u2501"]).encode() + " \u2501 \xe9".encode(coding, "backslashreplace")
    assert arguments.startswith(ascii([str(tmp_path / "inner"), "two words", "\xe4"]).encode())


def test_what_would_change_results_is_taken_away_and_named(tmp_path):
    changing = {"ATEN_CPU_CAPABILITY": "default", "DNNL_MAX_CPU_ISA": "SSE41", "NPY_DISABLE_CPU_FEATURES": "AVX2"}
    (_, shown), logged = output(tmp_path, MPLBACKEND="module://gone", OMP_NUM_THREADS="3", **changing)
    assert shown.endswith(b" agg None")
    assert logged == f"ignored environment variables that would change results: {', '.join(changing)}\n"


def test_commands_work_without_docstrings():
    command = [sys.executable, "-OO", SCRIPTS / "study.py", "status", "--help"]
    assert "--follow" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_nothing_is_printed_where_nothing_is_taken_away(tmp_path):
    assert output(tmp_path)[1] == ""


def test_figures_are_drawn_whatever_backend_is_named(tmp_path):
    code = """
from hardpair.jobs.environment import neutral
neutral()
from hardpair.figures.drawing import style
with style.applied():
    page = style.new_page(2, 2)
    page.subplots().plot([1, 2])
    style.save(page, "page.png")
import matplotlib
print(matplotlib.get_backend())
"""
    pages = []
    for number, variables in enumerate([{}, {"MPLBACKEND": "module://gone"}, {"MPLCONFIGDIR": str(tmp_path / "rc")}]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (tmp_path / "rc").mkdir(exist_ok=True)
        (tmp_path / "rc" / "matplotlibrc").write_text(
            "backend: svg\nlines.linewidth: 9\nsavefig.dpi: 50\nfont.size: 20\nsvg.fonttype: none\n"
        )
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MPL")}
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, cwd=folder, env=inherited | {"PYTHONPATH": str(SCRIPTS)} | variables, capture_output=True, text=True, check=True
        )
        assert done.stdout == "agg\n"
        pages.append([(folder / name).read_bytes() for name in ("page.png", "page.svg")])
    assert pages[1] == pages[0]
    assert pages[2] == pages[0]
