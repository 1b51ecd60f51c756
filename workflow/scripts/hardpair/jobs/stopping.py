"""A job that is told to stop stops at a moment of its own choosing. Imports no torch."""

import signal
from types import FrameType

from hardpair.errors import UserError

AFFECTS_RESULTS = False
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(UserError):
    """The job stopped because it was told to.

    Attributes:
        code: exit code that shells give to the signal.
    """

    def __init__(self, received: signal.Signals, sentence: str) -> None:
        super().__init__(f"stopped by {received.name}; {sentence}")
        self.code = 128 + received


class Stop:
    """Within its block, Ctrl-C and SIGTERM are noted instead of ending the process; a second one ends it at once.

    Attributes:
        requested: whether one came.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._before: dict = {}

    @property
    def requested(self) -> bool:
        return self.received is not None

    def __enter__(self) -> "Stop":
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_) -> None:
        self._give_back()

    def now(self, sentence: str) -> None:
        """End the job.

        Raises:
            Stopped: always, with this sentence.
        """
        raise Stopped(self.received, sentence)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number)
        self._give_back()

    def _give_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
