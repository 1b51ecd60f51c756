"""Let a job finish its step and save a checkpoint before a signal ends it. Imports no torch."""

import signal
from types import FrameType

from hardpair.errors import UserError

AFFECTS_RESULTS = False
SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
