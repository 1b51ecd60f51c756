"""Errors as they are shown to the user: one sentence, on one line."""

AFFECTS_RESULTS = False


class UserError(Exception):
    """Bad input: the message says which key or file, what is wrong and what to do, on one line that a terminal shows as it is."""

    def __str__(self) -> str:
        return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in super().__str__())


def one_line(error: Exception, most: int = 200) -> str:
    """What another library's error says, on one line of at most so many characters that a terminal takes."""
    text = " ".join(str(error).split()) or type(error).__name__
    return (text if text.isprintable() else ascii(text)[1:-1])[:most]
