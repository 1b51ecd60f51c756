"""Runs train.py in forks of one process that has all of it loaded, so that tests can afford to kill many runs.

Reads an order a line from stdin, JSON with ``arguments``, ``log`` (a file for stderr) and, if the run is to be disturbed, ``signal`` with
``after`` (seconds) or ``progress`` (the signal is sent after its first epoch), or ``write`` alone: the run kills itself in
the middle of its so-manieth checkpoint. Answers with the exit code.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import torch
import tqdm  # noqa: F401, loaded for the forks

import train
from hardpair.cli import command
from hardpair.training import checkpoint, job  # noqa: F401


def die_while_writing(number):
    """Make the checkpoint of this number end with the process, half of it written."""
    save_file, written = checkpoint.save_file, []

    def cut_short(tensors, path, metadata):
        save_file(tensors, path, metadata)
        written.append(path)
        if len(written) == number:
            os.truncate(path, Path(path).stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    checkpoint.save_file = cut_short


def child(order):
    """Run the script as its command line would, and end."""
    os.dup2(os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    sys.argv = ["train.py", *order["arguments"]]
    if "write" in order:
        die_while_writing(order["write"])
    code = 0
    try:
        command.run(train.main)
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):  # which Python prints
            sys.stderr.write(f"{code}\n")
            code = 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 99
    sys.stderr.flush()
    os._exit(code)


def wait_for_an_epoch(progress, pid):
    """Wait until a child has recorded its first epoch, or has ended."""
    while not progress.exists() or progress.read_bytes().count(b"\n") < 2:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.01)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if (pid := os.fork()) == 0:
            child(order)
        if "progress" in order:
            wait_for_an_epoch(Path(order["progress"]), pid)
        if "signal" in order:
            time.sleep(order.get("after", 0))
            os.kill(pid, signal.Signals[order["signal"]])
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
