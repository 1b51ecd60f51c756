"""Jobs that die without a message are reported with the cause."""

import re
import signal
import subprocess

import pytest

from hardpair.study import deaths, messages
from workspace import Workspace


def test_ends_are_those_of_snakemakes_log(tmp_path):
    log = tmp_path / "snakemake.log"
    log.write_text(
        "Command 'set -euo pipefail;  python a.py --settings '{\"a\": 1}' 2> logs/a.log && python r.py --made '{}' 2>> logs/a.log'"
        " returned non-zero exit status 137.\n"
        "Error in rule a:\n    jobid: 3\n    log: logs/a.log (check log file(s) for error details)\n"
        "Command 'python b.py 2> logs/b.log' died with <Signals.SIGSEGV: 11>.\n"
        "Error in rule c:\n    message: None\n    log: logs/c.log (check log file(s) for error details)\n"
        "Error in rule d:\n    message: sbatch failed. The error was 'no such partition\nsubmission failed'.\n"
        '    sbatch call:\n        sbatch -p gpu --wrap="x"\nFor further error details see the cluster/cloud log and the\n'
        "    jobid: 4\n    log: logs/d.log (check log file(s) for error details)\n"
        "Error in rule e:\n    message: job '7' failed, status is: 'OUT_OF_MEMORY'. For further error details see the cluster/cloud log\n"
        "    jobid: 5\n    log: logs/e.log, slurm/7.log (check log file(s) for error details)\n"
        "Error in rule f:\n    message: job '8' failed\n    jobid: 6\n    log: logs/f.log (check log file(s) for error details)\n"
        "Trying to restart job 6.\nFinished jobid: 55 (Rule: e)\nFinished jobid: 6 (Rule: f)\n"
    )
    submission = "sbatch failed. The error was 'no such partition submission failed'."
    assert deaths.ends([log, tmp_path / "missing"]) == {
        "logs/a.log": deaths.End(137),
        "logs/b.log": deaths.End(139),
        "logs/c.log": deaths.End(),
        "logs/d.log": deaths.End(message=submission),
        "logs/e.log": deaths.End(message="job '7' failed, status is: 'OUT_OF_MEMORY'. See slurm/7.log."),
    }


@pytest.mark.parametrize(
    "said",
    [
        "sinfo: error: fetch_config: DNS SRV lookup failed\nsinfo: fatal: Could not establish a configuration source",
        "sinfo: error: s_p_parse_file: cannot stat file /etc/slurm.conf\nsinfo: fatal: Unable to process configuration file",
        "slurm_load_partitions: Unable to contact slurm controller (connect failure)",
    ],
)
def test_slurm_that_cannot_be_reached_is_said_in_one_sentence(tmp_path, said, capsys):
    snakemakes = tmp_path / "snakemake.log"
    message = f"Job submission failed with exception: Failed to run sinfo for retrieval of cluster partitions: {said}"
    block = "Error in rule train:\n    message: {}\nFor further error details see the cluster/cloud log\n    jobid: {}\n    log: {} (check"
    logs = [tmp_path / f"{name}.log" for name in "ab"]
    snakemakes.write_text(
        "".join(block.format(message, place, log) + " log file(s) for error details)\n" for place, log in enumerate(logs))
    )
    messages.print_failures([(f"Train {log.stem}", log, []) for log in logs], tmp_path, [snakemakes], 0)
    assert capsys.readouterr().err == "Slurm cannot be reached from this machine: run the command on a login node of the cluster\n"


@pytest.mark.parametrize("number", [signal.SIGILL, signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_signal_is_named_as_bash_reports_it(number):
    status = subprocess.run(["bash", "-c", f"set -e; (kill -{number.value} $BASHPID); true"], capture_output=True).returncode
    assert deaths.cause(deaths.End(status), "", False).startswith(f"killed by {number.name}: ")
    assert not deaths.stopped(status)


def test_signals_that_stop_are_no_deaths():
    assert [deaths.stopped(status) for status in (None, 1, 129, 130, 143, 137)] == [False, False, True, True, True, False]


def test_sigkill_is_for_memory_where_the_kernel_says_so(tmp_path):
    assert "the machine was out of memory" in deaths.cause(deaths.End(137), "", True)
    assert deaths.cause(deaths.End(137), "", False).startswith("killed by SIGKILL: by hand, ")
    counter = tmp_path / "memory.events"
    counter.write_text("oom 4\noom_kill 3\noom_group_kill 1\n")
    assert deaths.oom_kills([tmp_path / "missing", counter]) == 3
    assert deaths.oom_kills([tmp_path / "missing"]) == 0


@pytest.mark.parametrize("last", ["bash: line 1: python: command not found", "python: error while loading shared libraries: libx.so: no"])
def test_a_program_or_library_that_is_missing_is_named_with_the_remedy(last):
    assert deaths.cause(deaths.End(127), last, False) == f"{last}: {deaths.SETUP}"


def test_other_deaths_name_status_and_last_line():
    assert deaths.cause(deaths.End(3), "", False) == "ended with exit status 3; its log is empty"
    assert deaths.cause(deaths.End(), "epoch 3", False) == "ended without a message; its log ends with 'epoch 3'"
    assert deaths.cause(deaths.End(message="Out of memory."), "", False) == "Out of memory."
    assert deaths.cause(deaths.End(message="Out of memory."), "epoch 3", False) == "Out of memory. Its log ends with 'epoch 3'"


def test_a_study_whose_python_is_missing_or_killed_says_so(tmp_path):
    """Not "rerun the same command" alone. The first recipes need no images, so that two jobs fail for one cause, in either order."""
    study = Workspace.fresh(tmp_path / "study")
    programs = tmp_path / "bin"
    programs.mkdir()
    fake = programs / "python"
    for text, expected in (
        (
            "#!/bin/bash\n[ $1 = -c ] || kill -ILL $$\n",
            r"Prepare the images of synthetic.* failed: .*killed by SIGILL: .*resources/synthetic/logs/prepare_data.log",
        ),
        ("#!/bin/bash\n[ $1 = -c ] || exec /no/python\n", r"Prepare the images of synthetic.* failed: .*python.*: run `make setup`"),
    ):
        fake.write_text(text)
        fake.chmod(0o755)
        command = f"PATH={programs}:$PATH exec snakemake --cores 1 --configfile tiny.yaml"
        done = study.run("bash", "-c", command, check=False)
        assert done.returncode != 0
        assert re.search(expected, done.stderr), done.stderr[-3000:]
        assert "stopped before the end" not in done.stderr
