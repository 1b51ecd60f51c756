"""Errors as they are shown to the user: one sentence, on one line."""

import sys
from typing import TextIO

AFFECTS_RESULTS = False
OUT_OF_MEMORY = "the machine was out of memory: start fewer jobs at once (--cores, or jobs_per_gpu), or use a machine with more memory"
GPU_OUT_OF_MEMORY = "the GPU was out of memory: use a smaller recipe.batch_size or data.size, or put fewer jobs on it (jobs_per_gpu)"


class UserError(Exception):
    """Bad input: the message names the key or file, what is wrong and what to do, on one line that a terminal shows as it is."""

    def __str__(self) -> str:
        return harmless(super().__str__())


def harmless(text: str) -> str:
    """Text from anywhere as a terminal may show it on one line: controls (C0, C1, of directions of writing) and line breaks are escaped."""
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text)


def say(*lines: str, file: TextIO | None = None) -> None:
    """Print lines that may hold text from elsewhere, by default to stdout, before anything that another process prints later."""
    for line in lines:
        print(harmless(line), file=file or sys.stdout, flush=True)


def one_line(error: Exception, most: int = 200) -> str:
    """The message of another library's error, on one line of at most so many characters that a terminal takes."""
    text = " ".join(str(error).split()) or type(error).__name__
    return (text if text.isprintable() else ascii(text)[1:-1])[:most]
