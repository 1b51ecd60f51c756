"""The status that is kept on screen, in a terminal of its own."""

import os
import pty
import select
import subprocess
import sys
import time

import pytest

from workspace import PROJECT


@pytest.mark.parametrize(("end", "code"), [(b"xq", 0), (b"\x03", 0), ("finish", 0), ("SIGTERM", 143)])
def test_following_draws_until_a_key_or_the_end_and_gives_the_terminal_back(finished, tmp_path, end, code):
    run, away = finished.copy_results(tmp_path).folder / "results/tiny/runs/dfl/seed1", tmp_path / "away"
    run.rename(away)
    main, side = pty.openpty()
    command = [sys.executable, PROJECT / "workflow/scripts/study.py", "status", "--configfile", "tiny.yaml", "--follow"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    with subprocess.Popen(command, cwd=tmp_path, stdin=side, stdout=side, stderr=side, env=environment, start_new_session=True) as job:
        os.close(side)
        drawn = read_until(main, b"next:")
        if end == "finish":
            away.rename(run)
        elif end == "SIGTERM":
            job.terminate()
        elif end == b"\x03":
            os.kill(job.pid, 2)
        else:
            os.write(main, end)
        drawn += read_until(main, None)
        try:
            assert job.wait(30) == code
        finally:
            job.kill()
    text = drawn.decode(errors="replace")
    assert "\x1b[?1049h" in text
    assert text.count("\x1b[?1049l") == 1, "the screen of before is back"
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "and so is the cursor"
    assert ("all done" in text.rpartition("\x1b[?1049l")[2]) == (end == "finish")
    os.close(main)


def read_until(terminal, mark, seconds=60):
    """What a program writes until it writes ``mark``, or until it ends."""
    text, ends = b"", time.monotonic() + seconds
    while time.monotonic() < ends and (mark is None or mark not in text):
        if select.select([terminal], [], [], 1)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # it has ended
                break
            text += piece
    assert mark is None or mark in text, text
    return text
