"""Show a study's status, once or until it is finished. Imports no torch."""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.live import Live

from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.study.status import StudyStatus
from hardpair.study.status_reader import Watch
from hardpair.study.status_view import WIDE, view

SECONDS = 2.0  # between two updates


def show(config: dict, following: bool) -> None:
    """Print the status of the study of a resolved config; with ``following``, as a full-screen display until it is finished.

    Raises:
        UserError: the output is not a terminal, where ``following`` needs one.
    """
    watch, console = Watch(config, paths.RESULTS / config["study"]), Console(highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = WIDE
        if following:
            raise UserError("--follow needs a terminal, but the output is not one: omit --follow")
    console.print(view(follow(watch, console) if following else watch.status(), console.size.width))


def follow(watch: Watch, console: Console) -> StudyStatus:
    """Show the status until the study is finished or q or Ctrl-C is pressed; return the last one."""
    status, screen = watch.status(), Live(console=console, screen=True, auto_refresh=False)
    with contextlib.suppress(KeyboardInterrupt), _exit_on_sigterm(), _keys() as pressed, screen:
        while not status.finished:
            screen.update(view(status, *console.size), refresh=True)
            if pressed(SECONDS) == "q":
                break
            status = watch.status()
    return status


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], str]]:
    """A function that waits so many seconds for a key and returns it, or an empty text; without a terminal to read from it only waits."""
    if not sys.stdin.isatty():
        yield lambda seconds: time.sleep(seconds) or ""
        return
    import termios
    import tty

    def pressed(seconds: float) -> str:
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        return os.read(sys.stdin.fileno(), 1).decode(errors="replace").lower() if ready else ""  # a file object would read ahead

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield pressed
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """Within its block, SIGTERM ends the process as an exception, so that the terminal is restored."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
