"""The error that is shown to the user as one sentence."""


class UserError(Exception):
    """Bad input: the message says which key or file, what is wrong and what to do, on one line that a terminal shows as it is."""

    def __str__(self) -> str:
        return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in super().__str__())
