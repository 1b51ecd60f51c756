"""Which goals and variables the Makefile takes, and the commands that it makes of them."""

import os
import re
import subprocess
import sys

import pytest

from workspace import PROJECT

TAKES_FILES = 'it takes CONFIG CORES GPUS (write keys into overlays: CONFIG="files")'
GOALS = "help setup demo study status runs clean-study adopt keep settle test faults dag config-docs docs"


def make(*words: str) -> subprocess.CompletedProcess:
    command = ["make", "--no-print-directory", "--old-file=setup", *words]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("goal", ["status", "runs", "keep", "clean-study STUDY=x", "adopt RUNS=x"])
def test_commands_about_a_study_install_nothing_where_there_is_an_environment(tmp_path, goal):
    (tmp_path / "Makefile").write_text((PROJECT / "Makefile").read_text())
    (tmp_path / "requirements.lock").touch()

    def installs() -> bool:
        command = ["make", "-n", *goal.split()]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=True, env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
        )
        assert "study.py" in done.stdout
        return "-m venv .venv" in done.stdout

    assert installs()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "bin/python").chmod(0o755)
    assert not installs(), "an environment of one's own"
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone/snakemake.py").touch()
    (tmp_path / "bin/python").write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path}/alone exec {sys.executable} -S "$@"\n')
    assert installs(), "Snakemake alone, as by pipx, is none"
    for package in ("numpy", "rich"):
        (tmp_path / f"alone/{package}.py").touch()
    assert not installs()
    (tmp_path / "bin/python").unlink()
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/installed").touch()
    os.utime(tmp_path / ".venv/installed", (0, 0))
    assert not installs(), "an older one, in which a study may be running"


def test_0_is_off():
    for value, expected in {"1": True, "yes": True, "0": False, "no": False, "Off": False, "": False}.items():
        assert ("--follow" in make("-n", "status", f"FOLLOW={value}").stdout) == expected
        assert ("--leftovers" in make("-n", "clean-study", "STUDY=x", f"LEFTOVERS={value}").stdout) == expected
        assert ("--yes" in make("-n", "clean-study", "STUDY=x", f"YES={value}").stdout) == expected


@pytest.mark.parametrize(
    ("words", "refusal"),
    {
        "study GPU=1": f"make study takes no GPU: {TAKES_FILES}",
        "study config=config/fair.yaml": f"make study takes no config: {TAKES_FILES}",
        "study STUDY=demo CONFIG=config/fair.yaml": f"make study takes no STUDY: {TAKES_FILES}",
        "runs SORT=accuracy GPUS=1": 'make runs takes no GPUS: it takes CONFIG SORT STUDY (write keys into overlays: CONFIG="files")',
        "demo CORES=1": "make demo takes no CORES: leave it out",
        "study CONFIG=config/published.yaml local.yaml": (
            f'local.yaml is not a goal: choose from {GOALS} (several files of one variable need quotes: CONFIG="a.yaml b.yaml")'
        ),
        "demo stauts": f"stauts is not a goal: choose from {GOALS}",
        "study CONFIG=nope.yaml": "make study finds no nope.yaml: CONFIG takes overlays such as config/fair.yaml",
        "dag CONFIG=config/demo.yaml\u00a0nope.yaml": "make dag finds no nope.yaml: CONFIG takes overlays such as config/fair.yaml",
    }.items(),
)
def test_what_make_would_ignore_or_cannot_find_is_refused(words, refusal):
    done = make(*(word.replace("\u00a0", " ") for word in words.split(" ")))
    assert done.returncode == 2
    assert re.fullmatch(rf"Makefile:\d+: \*\*\* {re.escape(refusal)}\.  Stop\.\n", done.stderr)
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "command"),
    {
        "study CONFIG=config/fair.yaml CORES=2 GPUS=0": "snakemake --cores '2' --resources gpu='0' --configfile 'config/fair.yaml'",
        "status CONFIG=a.yaml": "python workflow/scripts/study.py status  --configfile 'a.yaml'",
        "keep CONFIG=a.yaml": "python workflow/scripts/study.py keep  --configfile 'a.yaml'",
        "settle CORES=2 GPUS=0": "python workflow/scripts/study.py settle   \\\n\t-- --cores '2' --resources gpu='0'",
        "study CONFIG=config/publ*.yaml CORES=2 GPUS=0": "snakemake --cores '2' --resources gpu='0' --configfile 'config/published.yaml'",
        "test PYTHON=python3": "pytest -n auto --dist loadfile --no-loadscope-reorder",
    }.items(),
)
def test_each_variable_is_taken(words, command):
    done = make("-n", *words.split())
    assert done.stdout.strip() == command


PRINTED = """python() { printf '%s\\n' "$@"; }; snakemake() { python "$@"; }; """


@pytest.mark.parametrize("value", ['x"; touch made; "', "$(touch made)", "`touch made`", "it's; touch made", "x' ; touch made #"])
@pytest.mark.parametrize(
    ("goal", "name"),
    [
        ("status", "STUDY"),
        ("runs", "SORT"),
        ("keep", "STUDY"),
        ("clean-study", "STUDY"),
        ("adopt", "RUNS"),
        ("settle", "GPUS"),
        ("study", "CORES"),
    ],
)
def test_the_shell_runs_nothing_of_a_value(tmp_path, goal, name, value):
    script = make("-n", goal, f"{name}={value.replace('$', '$$')}").stdout
    done = subprocess.run(["bash", "-c", PRINTED + script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert value in [word.removeprefix("gpu=") for word in done.stdout.splitlines()]
    assert done.stderr == ""
    assert not list(tmp_path.iterdir())
