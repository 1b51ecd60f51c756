"""A second Ctrl-C does not interrupt the end that the first one began."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from hardpair.jobs.stopping import interrupt_once
from workspace import PROJECT

PROGRAM = """
import os, signal
from hardpair.jobs.stopping import interrupt_once
{before}
interrupt_once()
try:
    os.kill(os.getpid(), signal.SIGINT)
    print("not interrupted")
except KeyboardInterrupt:
    print("interrupted")
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGINT)
    print("ended")
"""


def outcome(before=""):
    """Exit code and lines of the program."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)], cwd=PROJECT / "workflow/scripts", capture_output=True, text=True
    )
    return done.returncode, done.stdout.split("\n")[:-1], done.stderr.splitlines()


def test_the_first_interrupts_and_later_ones_are_answered():
    code, printed, errors = outcome()
    assert (code, printed) == (0, ["interrupted", "ended"])
    assert errors == ["still ending: the jobs are not done yet; Ctrl-\\ ends everything at once"] * 2


@pytest.mark.parametrize("handler", ["signal.SIG_IGN", "lambda *_: None"])
def test_where_ctrl_c_is_ignored_or_handled_nothing_changes(handler):
    assert outcome(f"signal.signal(signal.SIGINT, {handler})") == (0, ["not interrupted"], [])


def test_another_thread_changes_nothing():
    before = signal.getsignal(signal.SIGINT)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(interrupt_once).result()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_study_that_is_interrupted_twice_ends_with_its_sentence(undisturbed, tmp_path):
    study = undisturbed.start(tmp_path)
    with study.started() as running:
        undisturbed.wait(running, 0)
        running.send_all(signal.SIGINT)
        running.send_all(signal.SIGINT)
        assert running.wait() == 1
        running.wait_for_orphans()
        output = running.output_text()
    assert "Traceback" not in output
    assert "stopped before the end: rerun the same command" in output
    assert not list(study.folder.glob(".snakemake/locks/*"))
    study.finish()
    undisturbed.assert_same(study)
