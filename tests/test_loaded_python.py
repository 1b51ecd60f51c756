"""A script of the workflow does the same in the Python with loaded libraries, in which most tests run it, as in a new one."""

import os
import signal
import subprocess
import sys
import time

import pytest

import loaded_python
from workspace import environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="new Pythons are used here")

SCRIPT = """
import os, pathlib, sys, threading, atexit
atexit.register(print, "at exit")
print(sys.argv, sys.path[0] == os.path.realpath("workflow/scripts"), os.getcwd(), os.environ["WORD"], __name__, sys.stdin.read())
print("a", "\\udcff", file=sys.stderr)
(thread := threading.Thread(target=lambda: print("in a thread"))).start()
thread.join()
sys.stdout.flush()
{end}
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "workflow/scripts/one.py"
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.parametrize(
    "end",
    ["", "sys.exit(3)", "sys.exit('a reason')", "sys.exit(None)", "raise SystemExit(True)", "os.kill(os.getpid(), 15)", "os._exit(7)"],
)
def test_output_and_exit_code_are_those_of_a_new_python(script, end):
    script.write_text(SCRIPT.format(end=end))
    variables = environment() | {"WORD": "é"}
    new, loaded = (
        subprocess.run(
            ["python", "workflow/scripts/one.py", "--x", ""], cwd=script.parents[2], env=env, capture_output=True, input=b"given"
        )
        for env in (variables, loaded_python.first_in_path(variables))
    )
    assert (loaded.returncode, loaded.stdout, loaded.stderr) == (new.returncode, new.stdout, new.stderr)


@pytest.mark.parametrize(("change", "loaded"), [({}, True), ({"PYTHONDONTWRITEBYTECODE": "1"}, True), ({"OMP_NUM_THREADS": "2"}, False)])
def test_a_job_of_one_thread_has_the_libraries(script, change, loaded):
    """Snakemake sets the numbers of threads; without this the tests would be no more than slow."""
    script.write_text("import subprocess, sys\nprint('torch' in sys.modules, sys.dont_write_bytecode, sys.executable)\n")
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    variables = loaded_python.first_in_path(environment() | threads) | {"PYTHONDONTWRITEBYTECODE": ""} | change
    done = subprocess.run(["python", "workflow/scripts/one.py"], cwd=script.parents[2], env=variables, capture_output=True, text=True)
    python = os.path.join(variables["PATH"].split(os.pathsep)[0], "python") if loaded else sys.executable
    assert done.stdout == f"{loaded} {'PYTHONDONTWRITEBYTECODE' in change} {python}\n", done.stderr


def test_an_error_that_nobody_catches_ends_with_its_traceback(script):
    script.write_text("def f():\n    raise KeyError(5)\n\n\nf()\n")
    done = subprocess.run(
        ["python", "workflow/scripts/one.py"],
        cwd=script.parents[2],
        env=loaded_python.first_in_path(environment()),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "KeyError: 5"
    assert "line 2, in f" in done.stderr


def test_a_script_ends_with_the_command_that_started_it(script):
    script.write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)\n")
    command = subprocess.Popen(
        ["python", "workflow/scripts/one.py"], cwd=script.parents[2], env=loaded_python.first_in_path(environment()), stdout=subprocess.PIPE
    )
    process = int(command.stdout.readline())
    command.send_signal(signal.SIGKILL)
    command.wait()
    until = time.monotonic() + 60
    while os.path.exists(f"/proc/{process}"):
        assert time.monotonic() < until
        time.sleep(0.05)
