"""Let a job finish its step and save a checkpoint before a signal ends it, and Snakemake end its jobs. Imports no torch."""

import atexit
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from types import FrameType

from hardpair.errors import UserError

AFFECTS_RESULTS = False
SIGNALS = (signal.SIGINT, signal.SIGTERM)
ENDING = b"still ending: the jobs are not done yet; Ctrl-\\ ends everything at once\n"


class Stopped(UserError):
    """A signal stopped the job; ``code`` is the exit code that shells give to the signal."""

    def __init__(self, received: signal.Signals, sentence: str) -> None:
        super().__init__(f"stopped by {received.name}; {sentence}")
        self.code = 128 + received


class Stop:
    """Within its block, Ctrl-C and SIGTERM set ``requested`` instead of ending the process; a second one ends it at once."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._handlers: dict = {}  # those of before the block

    @property
    def requested(self) -> bool:
        return self.received is not None

    def __enter__(self) -> "Stop":
        self._handlers = {number: signal.signal(number, self._receive) for number in SIGNALS}
        return self

    def __exit__(self, *_) -> None:
        while self._handlers:
            signal.signal(*self._handlers.popitem())

    def now(self, sentence: str) -> None:
        """End the job.

        Raises:
            Stopped: always, with this sentence.
        """
        raise Stopped(self.received, sentence)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number)
        self.__exit__()  # a second signal ends the process


def ignore_signals_at_exit() -> None:
    """Let Python end undisturbed: the work is done, or its failure reported, and a signal would only make the one look like the other."""
    atexit.register(lambda: [signal.signal(number, signal.SIG_IGN) for number in SIGNALS])  # called first, as it is registered last


def interrupt_once() -> None:
    """Let Ctrl-C interrupt this process only once; later ones print that it is ending.

    A second one would interrupt the end itself, and leave its traceback instead of what was done. Where Ctrl-C is ignored or handled
    already, or outside the main thread, nothing changes.
    """

    def first(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, lambda *_: os.write(2, ENDING))  # print may be what it interrupts
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, first)


def run_to_its_end(command: Sequence[str]) -> int:
    """Run a command that ends by itself at Ctrl-C, which a terminal sends to it too, and return its exit code.

    ``subprocess.run`` would kill it a quarter of a second after Ctrl-C.

    Raises:
        KeyboardInterrupt: after the command has ended.
    """
    process, interrupt = subprocess.Popen(command), None
    while process.returncode is None:
        try:
            process.wait()
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt
    return process.returncode
