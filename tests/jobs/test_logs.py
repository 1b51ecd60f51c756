"""What is read from a job's log, written by the code that jobs write it with."""

import io
import os
import subprocess
import sys
import time
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, suppress
from pathlib import Path

import pytest
from filelock import FileLock

from hardpair.device import start_device
from hardpair.jobs import locks, logs
from hardpair.jobs.progress import Progress
from hardpair.training import checkpoint, cuda_graph

SCRIPTS = Path(logs.__file__).parents[2]
COLUMNS = ("epoch", "learning_rate", "train_loss", "train_accuracy", "validation_accuracy", "confused", "confused_rate")


def row(epoch, accuracy=None):
    values = {"epoch": epoch, "learning_rate": 4.817e-05, "train_loss": 0.5, "train_accuracy": 1.0}
    return values | ({} if accuracy is None else {"validation_accuracy": accuracy, "confused": "a 7 images/s-b", "confused_rate": 0.5})


def written(folder, capsys, *rows, epochs=3, images=45_000, error=None):
    """The log of a job that trained so far, and what can be read of it; without a last word if its error is empty."""
    path = folder / "dfl.seed3.log"
    try:
        with Progress(None, COLUMNS, epochs, images) as progress:
            for values, seconds in rows:
                progress(values, seconds)
            if error is not None:
                raise RuntimeError
    except RuntimeError:
        pass
    path.write_text(capsys.readouterr().err + (f"{error}\n" if error else ""))
    return path, logs.read_log(path)


@pytest.mark.parametrize("accuracy", [None, 0.0912, 1.0])
def test_an_epoch_is_read_as_it_was_written(tmp_path, capsys, accuracy):
    _, log = written(tmp_path, capsys, (row(1, accuracy), 9.0), (row(2, accuracy), 30.0), epochs=130)
    last = log.epoch
    assert (last.epoch, last.epochs, last.rate, last.left) == (2, 130, 1500, 128 * 30)
    assert last.accuracy == (None if accuracy is None else pytest.approx(accuracy))
    assert last.seconds == 30


def test_a_log_names_its_machine_and_the_start_of_training_before_an_epoch_ends(tmp_path, capsys):
    _, log = written(tmp_path, capsys)
    assert (log.host, log.training, log.epoch, log.error, log.ended) == (os.uname().nodename, True, None, None, False)
    before = tmp_path / "before.log"
    before.write_text("waiting for a free GPU: other jobs hold 0, 1\n")
    assert (logs.read_log(before).training, logs.read_log(before).error) == (False, None)
    assert logs.read_log(tmp_path / "none.log") == logs.Log()


def test_a_second_training_in_a_log_is_not_taken_for_the_first(tmp_path, capsys):
    path, log = written(tmp_path, capsys, (row(1, 0.5), 1.0))
    assert log.epoch.epoch == 1
    first_line = path.read_text().splitlines(keepends=True)[0]
    path.write_text(path.read_text() + first_line)
    assert logs.read_log(path).epoch is None


def test_an_end_differs_from_an_error_a_stop_and_silence(tmp_path, capsys):
    _, finished = written(tmp_path, capsys, (row(1), 1.0), epochs=1)
    assert (finished.finished, finished.ended, finished.error) == (True, True, None)
    path, failed = written(tmp_path, capsys, (row(1), 1.0), error="train.py: the loss became NaN")
    assert (failed.finished, failed.ended, failed.error) == (False, True, "train.py: the loss became NaN")
    path.write_text(path.read_text().replace("train.py: the loss became NaN\n", ""))
    cut = logs.read_log(path)
    assert (cut.finished, cut.ended, cut.error) == (False, False, None)
    _, stopped = written(tmp_path, capsys, (row(1), 1.0), error="train.py: stopped by SIGTERM; saved x, epoch 2 step 4: the same command")
    assert (stopped.finished, stopped.ended, stopped.error) == (False, True, None)
    for line in ("train.py: interrupted", "KeyboardInterrupt", "KeyboardInterrupt: "):  # by Ctrl-C before it listened to it
        path.write_text(f"{line}\n")
        early = logs.read_log(path)
        assert (early.stopped, early.ended, early.error) == (True, True, None)


def no_gpu(folder):
    start_device(0, 1, False)


def eager(folder):
    def refuse(step):
        raise RuntimeError("operation not permitted when stream is capturing")

    step = cuda_graph.GraphedStep(lambda size: None, 1, capture=refuse)
    for _ in range(cuda_graph.WARM_UP + 1):
        step(1)


def other_settings(folder):
    checkpoint.save(folder / "x.safetensors", "one", {}, {})
    checkpoint.load(folder / "x.safetensors", "another")


def damaged(folder):
    (folder / "x.safetensors").write_text("half")
    checkpoint.load(folder / "x.safetensors", "one")


def waits(folder):
    lock = FileLock(folder / ".x.lock", thread_local=False)
    lock.acquire()
    with redirect_stderr(io.StringIO()) as printed, ThreadPoolExecutor() as other:
        working = other.submit(locks.only_one(folder / "x.safetensors").__enter__)
        while "waiting for another job" not in printed.getvalue():
            assert not working.done()
            time.sleep(0.01)
        lock.release()
        assert working.result(), "it had to wait"
    sys.stderr.write(printed.getvalue())


def warns(folder):
    sys.stderr.write(warnings.formatwarning("a scheduler before its optimiser", UserWarning, "/lib/train.py", 7, "step()"))


def goes_on_after_an_error(folder):
    try:
        raise RuntimeError("a plugin's own")
    except RuntimeError:
        traceback.print_exc()
    with suppress(InterruptedError), Progress(None, COLUMNS, 3, 10) as progress:
        progress(row(1), 1.0)
        raise InterruptedError


HARMLESS = {
    no_gpu: "computing on the CPU: it was given no GPU",
    eager: "the step cannot be captured",
    other_settings: "is of other settings",
    damaged: "is damaged",
    waits: "waiting for another job",
    warns: "UserWarning",
    goes_on_after_an_error: "epoch 1/3",
}


@pytest.mark.parametrize("harmless", HARMLESS, ids=lambda harmless: harmless.__name__)
def test_a_job_that_is_killed_after_a_harmless_line_has_not_failed(tmp_path, capsys, harmless):
    harmless(tmp_path)
    path = tmp_path / "x.log"
    path.write_text(capsys.readouterr().err)
    log = logs.read_log(path)
    assert any(HARMLESS[harmless] in line for line in log.lines[-2:])
    assert (log.error, log.ended) == (None, False)


def dies(body, *arguments, script="split_data.py"):
    """What a script leaves on stderr whose main is this."""
    program = f"from hardpair.cli.command import parser, run\nfrom hardpair.errors import UserError\ndef main():\n    {body}\nrun(main)"
    code = f"import sys; sys.argv[0] = {script!r}\n{program}"
    return subprocess.run([sys.executable, "-c", code, *arguments], cwd=SCRIPTS, capture_output=True, text=True, check=False).stderr


DEATHS = {
    "bad input": (("raise UserError('a: b')",), "split_data.py: a: b"),
    "bad arguments": (("parser('').parse_args()", "--x"), "split_data.py: error: unrecognized arguments: --x"),
    "a bug": (("1 / 0",), "ZeroDivisionError: division by zero"),
    "a bug of many lines": (
        ("raise RuntimeError('CUDA error: no\\nFor debugging\\n\\n  see\\nCompile with x')",),
        "RuntimeError: CUDA error: no",
    ),
    "a bug in the handling of another": (("try: 1 / 0\n    except Exception: {}['x']",), "KeyError: 'x'"),
    "a warning after the last word": (
        ("import atexit; atexit.register(print, 'leaked', file=sys.stderr); sys.exit('split_data.py: a: b')",),
        "split_data.py: a: b",
    ),
}


@pytest.mark.parametrize("kind", DEATHS)
def test_a_job_that_dies_has_failed_with_the_error_that_it_prints(tmp_path, kind):
    arguments, error = DEATHS[kind]
    (tmp_path / "x.log").write_text("computing on the CPU: there is no GPU here\n" + dies(*arguments))
    log = logs.read_log(tmp_path / "x.log")
    assert (log.error, log.ended) == (error, True)


def test_nothing_of_a_log_can_command_a_terminal(tmp_path):
    path = tmp_path / "x.log"
    path.write_bytes(b"bar\rTraceback (most recent call last):\n\x1b[2J\x1b[31mRuntimeError: \x07caf\xc3\xa9 \xff\x1b]0;title\x07\n\n")
    assert logs.read_log(path).error.isprintable()
    assert logs.read_log(path).error.startswith("RuntimeError: café")


def test_a_long_log_is_read_at_its_ends(tmp_path, capsys):
    path, _ = written(tmp_path, capsys, *((row(epoch), 1.0) for epoch in range(1, 2001)), epochs=2000)
    log = logs.read_log(path)
    assert path.stat().st_size > 10 * logs.PIECE
    assert (log.host, log.finished, log.epoch.epoch) == (os.uname().nodename, True, 2000)


def test_a_job_of_another_machine_counts_as_running_until_its_log_is_old(tmp_path, capsys):
    path, _ = written(tmp_path, capsys, (row(1), 1000.0), error="")
    assert not logs.running_elsewhere(path), "on this machine the lock decides"
    path.write_text(path.read_text().replace(f"host {os.uname().nodename}", "host far-away"))
    assert logs.running_elsewhere(path)
    for ago, expected in ((2900, True), (3100, False)):  # three of its epochs
        os.utime(path, (time.time() - ago,) * 2)
        assert logs.running_elsewhere(path) == expected
    path.write_text(path.read_text() + "train.py: it broke\n")
    assert not logs.running_elsewhere(path)
