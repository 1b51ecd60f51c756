"""Counts the cases that fuzz tests really try, for the table of docs/faults.md, and ends one that hangs."""

import functools
import signal

import pytest

LONGEST = 120  # seconds of one case; most take milliseconds


class Hung(BaseException):
    """A case took too long; no ``except Exception`` of what is tested may catch it."""


def pytest_collection_modifyitems(items):
    for item in items:
        if handle := getattr(getattr(item, "obj", None), "hypothesis", None):
            if not hasattr(handle, "tried"):
                handle.tried = [0]
                handle.inner_test = counted(handle.inner_test, handle.tried)
            item.tried = handle.tried


def counted(test, tried):
    @functools.wraps(test)
    def case(*arguments, **named):
        tried[0] += 1
        signal.setitimer(signal.ITIMER_REAL, LONGEST)
        try:
            return test(*arguments, **named)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    return case


@pytest.fixture(autouse=True)
def no_hanging():
    def end(*_):
        raise Hung(f"more than {LONGEST} s")

    before = signal.signal(signal.SIGALRM, end)
    yield
    signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    if call.when == "call":
        tried = getattr(item, "tried", [1])
        kind = item.callspec.params.get("kind") if hasattr(item, "callspec") else None
        item.user_properties += [("fault", f"Bad input: {kind or item.path.stem.removeprefix('test_fuzz_')}"), ("tries", tried[0])]
        tried[0] = 0
    yield
