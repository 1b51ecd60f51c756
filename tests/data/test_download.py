import gzip
import hashlib
import io
import os
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardpair.data.download import Limits, download, partial_path
from hardpair.errors import UserError
from loopback import BODY, failing, serving

SHA256 = hashlib.sha256(BODY).hexdigest()
NO_WAIT = Limits(attempts=3, backoff_seconds=0)


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The seconds that were to be slept, none of which is."""
    slept = []
    monkeypatch.setattr("hardpair.data.download.time", SimpleNamespace(sleep=slept.append, monotonic=time.monotonic))
    return slept


def test_a_complete_file_is_kept_and_no_partial_one(loopback_server, archive):
    download([loopback_server.url("/a", serving())], SHA256, archive)
    assert archive.read_bytes() == BODY
    assert not partial_path(archive).exists()


def test_a_file_that_is_there_already_is_not_fetched_again(loopback_server, archive):
    url = loopback_server.url("/a", serving())
    download([url], SHA256, archive)
    download([url], SHA256, archive)
    assert len(loopback_server.requests) == 1


def test_another_file_at_the_output_is_replaced(loopback_server, archive):
    archive.parent.mkdir()
    archive.write_bytes(b"older")
    download([loopback_server.url("/a", serving())], SHA256, archive)
    assert archive.read_bytes() == BODY


@pytest.mark.parametrize("cut", [1, 700, len(BODY) - 1])
def test_the_next_attempt_requests_only_the_missing_bytes(loopback_server, archive, cut):
    download([loopback_server.url("/a", serving(cut=cut), serving())], SHA256, archive, NO_WAIT)
    assert loopback_server.requests == [("/a", None), ("/a", f"bytes={cut}-")]
    assert archive.read_bytes() == BODY


def test_the_next_command_requests_only_the_missing_bytes(loopback_server, archive):
    with pytest.raises(UserError, match="ended early"):
        download([loopback_server.url("/a", serving(cut=700))], SHA256, archive, Limits(attempts=1))
    assert not archive.exists()
    assert partial_path(archive).read_bytes() == BODY[:700]
    download([loopback_server.url("/a", serving())], SHA256, archive)
    assert loopback_server.requests[-1] == ("/a", "bytes=700-")
    assert archive.read_bytes() == BODY


def test_a_mirror_continues_where_another_address_ended(loopback_server, archive):
    urls = [loopback_server.url("/a", serving(cut=700), failing(404)), loopback_server.url("/b", serving())]
    download(urls, SHA256, archive, NO_WAIT)
    assert loopback_server.requests[-1] == ("/b", "bytes=700-")
    assert archive.read_bytes() == BODY


def test_a_complete_partial_file_needs_no_server(closed_url, archive):
    archive.parent.mkdir()
    partial_path(archive).write_bytes(BODY)
    download([closed_url], SHA256, archive)
    assert archive.read_bytes() == BODY


prefixes = st.integers(0, len(BODY)).map(lambda size: BODY[:size])


@given(
    before=st.one_of(prefixes, st.binary(max_size=100), prefixes.map(lambda text: text + b"junk"), st.just(BODY + b"more")),
    ranges=st.booleans(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_an_earlier_attempt_left_the_file_is_right_in_the_end(loopback_server, archive, before, ranges):
    archive.parent.mkdir(exist_ok=True)
    archive.unlink(missing_ok=True)
    partial_path(archive).write_bytes(before)
    download([loopback_server.url("/a", serving(ranges=ranges))], SHA256, archive, NO_WAIT)
    assert archive.read_bytes() == BODY
    assert not partial_path(archive).exists()


def test_a_server_that_sends_a_wrong_range_is_requested_from_the_start(loopback_server, archive):
    def wrong_range(request):
        request.send_response(206)
        request.send_header("Content-Range", f"bytes 600-{len(BODY) - 1}/{len(BODY)}")
        request.end_headers()
        request.wfile.write(BODY[600:])

    download([loopback_server.url("/a", serving(cut=700), wrong_range, serving())], SHA256, archive, NO_WAIT)
    assert loopback_server.requests[-1] == ("/a", None)
    assert archive.read_bytes() == BODY


def test_wrong_content_leads_to_the_next_address_and_is_thrown_away(loopback_server, archive):
    download([loopback_server.url("/a", serving(b"<html>sign in</html>")), loopback_server.url("/b", serving())], SHA256, archive)
    assert loopback_server.requests == [("/a", None), ("/b", None)]
    assert archive.read_bytes() == BODY


def test_wrong_content_never_gets_the_name_of_the_output(loopback_server, archive):
    with pytest.raises(UserError, match="another SHA-256"):
        download([loopback_server.url("/a", serving(BODY[:-1] + b"x"))], SHA256, archive)
    assert not archive.exists()
    assert not partial_path(archive).exists()


def test_a_good_address_is_not_blamed_for_the_wrong_start_that_another_sent(loopback_server, archive):
    urls = [loopback_server.url("/a", serving(b"<html>" + BODY, cut=50), failing(404)), loopback_server.url("/b", serving())]
    download(urls, SHA256, archive, NO_WAIT)
    assert [request for request in loopback_server.requests if request[0] == "/b"] == [("/b", "bytes=50-"), ("/b", None)]
    assert archive.read_bytes() == BODY


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_passing_faults_are_tried_again_after_doubled_waits(loopback_server, archive, waits, status):
    download(
        [loopback_server.url("/a", failing(status), failing(status), failing(status), serving())],
        SHA256,
        archive,
        Limits(backoff_seconds=1),
    )
    assert waits == [1, 2, 4]
    assert archive.read_bytes() == BODY


def test_attempts_are_bounded(loopback_server, archive, waits):
    with pytest.raises(UserError, match=r"500 Internal Server Error"):
        download([loopback_server.url("/a", failing(500))], SHA256, archive, Limits(attempts=3, backoff_seconds=1))
    assert len(loopback_server.requests) == 3
    assert waits == [1, 2]


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_missing_file_is_requested_once(loopback_server, archive, waits, status):
    download([loopback_server.url("/a", failing(status)), loopback_server.url("/b", serving())], SHA256, archive)
    assert loopback_server.requests == [("/a", None), ("/b", None)]
    assert waits == []


def test_redirects_are_followed_but_not_for_ever(loopback_server, archive):
    target = loopback_server.url("/there", serving())
    download([loopback_server.url("/moved", failing(302, Location="/there"))], SHA256, archive)
    assert archive.read_bytes() == BODY
    archive.unlink()
    loopback_server.requests.clear()
    loop = loopback_server.url("/loop", failing(302, Location="/loop"))
    download([loop, target], SHA256, archive, Limits(redirects=4))
    assert loopback_server.requests == [("/loop", None)] * 5 + [("/there", None)]


def test_a_redirect_to_a_local_file_is_not_followed(loopback_server, archive, tmp_path):
    (tmp_path / "local").write_bytes(BODY)
    with pytest.raises(UserError):
        download([loopback_server.url("/a", failing(302, Location=f"file://{tmp_path}/local"))], SHA256, archive)
    assert not archive.exists()


@pytest.mark.parametrize(
    "answer",
    [
        failing(302, Location="http://[bad/x"),
        serving(length=False, headers=[("Content-Length", "1" * 5000)]),
        serving(length=False, headers=[("Transfer-Encoding", "chunked")], body=b"-5\r\nabc\r\n"),
    ],
    ids=["an address that is none", "a length of 5,000 digits", "a negative length"],
)
def test_an_answer_that_is_none_leads_to_the_next_address(loopback_server, archive, answer):
    download([loopback_server.url("/a", answer), loopback_server.url("/b", serving())], SHA256, archive)
    assert archive.read_bytes() == BODY


def test_a_server_that_announces_too_much_is_not_listened_to(loopback_server, archive):
    with pytest.raises(UserError, match=r"announces 2048 bytes, more than the 2047 allowed"):
        download([loopback_server.url("/a", serving())], SHA256, archive, Limits(max_bytes=2047))
    assert len(loopback_server.requests) == 1
    assert not partial_path(archive).exists()


def test_a_server_that_sends_without_end_is_stopped(loopback_server, archive):
    hung_up = threading.Event()

    def endless(request):
        try:
            serving(length=False)(request)
            for _ in range(100_000):
                request.wfile.write(BODY)
        except OSError:
            hung_up.set()

    with pytest.raises(UserError, match=r"more than the 3000 bytes allowed"):
        download([loopback_server.url("/a", endless)], SHA256, archive, Limits(max_bytes=3000))
    assert hung_up.wait(30)
    assert len(loopback_server.requests) == 1
    assert not partial_path(archive).exists()


def test_a_file_of_just_the_size_allowed_is_taken(loopback_server, archive):
    download([loopback_server.url("/a", serving())], SHA256, archive, Limits(max_bytes=len(BODY)))
    assert archive.read_bytes() == BODY


@pytest.mark.parametrize("sent", [0, 700])
def test_a_connection_without_bytes_ends_and_is_tried_again(loopback_server, archive, sent, capsys):
    def stall(request):
        if sent:
            serving(cut=sent)(request)
        request.server.closed.wait()

    with pytest.raises(UserError, match="no answer in time"):
        download([loopback_server.url("/a", stall)], SHA256, archive, Limits(attempts=2, backoff_seconds=0, read_seconds=0.2))
    assert "no answer in time; attempt 2 of 2" in capsys.readouterr().err


def test_a_body_without_a_length_is_taken(loopback_server, archive):
    download([loopback_server.url("/a", serving(length=False))], SHA256, archive)
    assert archive.read_bytes() == BODY


def test_an_archive_is_not_unpacked_because_the_server_takes_gz_for_an_encoding(loopback_server, archive):
    packed = gzip.compress(BODY, mtime=0)
    url = loopback_server.url("/a.tar.gz", serving(packed, headers=[("Content-Encoding", "gzip")]))
    download([url], hashlib.sha256(packed).hexdigest(), archive)
    assert archive.read_bytes() == packed


@pytest.mark.parametrize("url", ["http://", "ftp://127.0.0.1/a", "http://[::1/a", "no address", "http://127.0.0.1:99999/a"])
def test_an_address_that_is_none_is_passed_over(loopback_server, archive, url, waits):
    download([url, loopback_server.url("/b", serving())], SHA256, archive)
    assert archive.read_bytes() == BODY
    assert waits == []


def test_an_address_given_twice_is_tried_once(loopback_server, archive):
    url = loopback_server.url("/a", failing(404))
    with pytest.raises(UserError):
        download([url, url], SHA256, archive)
    assert len(loopback_server.requests) == 1


def test_an_output_that_cannot_be_written_is_named(loopback_server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"file.* cannot be written"):
        download([loopback_server.url("/a", serving())], SHA256, tmp_path / "file" / "a.tar.gz")


@pytest.mark.parametrize("complete", [True, False])
def test_a_second_process_waits_for_the_first_and_uses_its_download(loopback_server, archive, monkeypatch, complete):
    archive.parent.mkdir()
    url = loopback_server.url("/a", serving())
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # pytest's own capture loses what a thread writes while it is read
    with FileLock(archive.with_name(".a.tar.gz.lock")) as other, ThreadPoolExecutor(1) as pool:
        second = pool.submit(download, [url], SHA256, archive)
        while "waiting for another process that downloads" not in sys.stderr.getvalue():
            assert not second.done()
            time.sleep(0.01)
        assert loopback_server.requests == []
        (archive if complete else partial_path(archive)).write_bytes(BODY if complete else BODY[:700])
        other.release()
        second.result()
    assert archive.read_bytes() == BODY
    assert loopback_server.requests == ([] if complete else [("/a", "bytes=700-")])


def test_a_log_gets_a_line_at_every_tenth(loopback_server, archive, capsys):
    body = os.urandom(2**21)
    download([loopback_server.url("/a", serving(body))], hashlib.sha256(body).hexdigest(), archive)
    output = capsys.readouterr().err
    shares = [int(share) for share in re.findall(r"^(\d+) % of 2097152 bytes$", output, re.MULTILINE)]
    assert [share // 10 for share in shares] == list(range(1, 11))
    assert f"http://127.0.0.1:{loopback_server.server_port}/a: downloading" in output


def test_a_terminal_gets_a_bar(loopback_server, archive, monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    download([loopback_server.url("/a", serving())], SHA256, archive)
    assert "B/s" in terminal.getvalue()
    assert " % of " not in terminal.getvalue()
