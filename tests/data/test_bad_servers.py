"""Whatever a server does at random places, the archive that is kept is the right one; test_download.py tests how each fault is handled."""

import hashlib
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

import loopback
from faults import Attempt, tries
from hardpair.data.download import Limits, download, partial_path
from loopback import Server, failing, serving

LIMITS = Limits(attempts=4, backoff_seconds=0, read_seconds=20)


def cut(draw, archive):
    """Hangs up at random bytes, three times."""
    return [serving(archive, cut=draw.randrange(len(archive))) for _ in range(3)] + [serving(archive)]


def wrong_length(draw, archive):
    """Announces fewer bytes or more than it sends."""
    stated = len(archive) + draw.choice([-1, 1]) * draw.randrange(1, len(archive))
    return [serving(archive, length=False, headers=[("Content-Length", str(stated))])]


def wrong_content(draw, archive):
    """Sends one byte that is another."""
    changed = bytearray(archive)
    changed[draw.randrange(len(archive))] ^= draw.randrange(1, 256)
    return [serving(bytes(changed))]


def endless_redirects(draw, archive):
    return [failing(draw.choice([301, 302, 303, 307, 308]), Location="/first")]


def internal_errors(draw, archive):
    """Fails, or fails in the middle, up to as often as it is requested."""
    answers = [draw.choice([failing(500), serving(archive, cut=draw.randrange(len(archive)))]) for _ in range(draw.randint(1, 4))]
    return [*answers, failing(500)]


def stalls(draw, archive):
    """Goes silent at a random byte, and stays connected."""

    def stall(request):
        serving(archive, cut=at)(request)
        request.server.closed.wait()

    at = draw.randrange(len(archive))
    return [stall]


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr("hardpair.data.download.time", SimpleNamespace(sleep=lambda _: None, monotonic=time.monotonic))
    with loopback.running() as server:
        yield server


def try_download(behaviour, server: Server, attempt: Attempt, tmp_path, limits: Limits = LIMITS) -> None:
    """From an address that behaves badly, then from one that does not; the right bytes must arrive, and only they."""
    draw = attempt.random
    archive = draw.randbytes(draw.randint(10_000, 500_000))
    output = tmp_path / "a.tar.gz"
    urls = [server.url("/first", *behaviour(draw, archive)), server.url("/mirror", serving(archive))]
    download(urls, hashlib.sha256(archive).hexdigest(), output, limits)
    assert output.read_bytes() == archive
    assert not partial_path(output).exists()
    assert server.requests[0] == ("/first", None)


@tries("Download cut at random bytes")
def test_cut(server, attempt, tmp_path):
    try_download(cut, server, attempt, tmp_path)
    assert {path for path, _ in server.requests} == {"/first"}


@tries("Download served with a wrong length")
def test_wrong_length(server, attempt, tmp_path):
    try_download(wrong_length, server, attempt, tmp_path)


@tries("Download served with wrong content")
def test_wrong_content(server, attempt, tmp_path):
    try_download(wrong_content, server, attempt, tmp_path)
    assert server.requests[-1][0] == "/mirror"


@tries("Download redirected without end")
def test_endless_redirects(server, attempt, tmp_path):
    try_download(endless_redirects, server, attempt, tmp_path)
    assert server.requests[-1][0] == "/mirror"


@tries("Download answered by errors 500")
def test_internal_errors(server, attempt, tmp_path):
    try_download(internal_errors, server, attempt, tmp_path)


@tries("Download over a socket that stalls")
def test_stalls(server, attempt, tmp_path):
    try_download(stalls, server, attempt, tmp_path, replace(LIMITS, read_seconds=0.2))
