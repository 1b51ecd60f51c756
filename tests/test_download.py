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

import loopback
from hardpair.download import Limits, download, partial_path
from hardpair.errors import UserError
from loopback import BODY, failing, serving

SHA256 = hashlib.sha256(BODY).hexdigest()
NO_WAIT = Limits(attempts=3, backoff_seconds=0)


@pytest.fixture
def server():
    with loopback.running() as server:
        yield server


@pytest.fixture
def closed_url():
    with loopback.closed_port() as address:
        yield f"{address}/a.tar.gz"


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The seconds that were to be slept, none of which is."""
    slept = []
    monkeypatch.setattr("hardpair.download.time", SimpleNamespace(sleep=slept.append, monotonic=time.monotonic))
    return slept


@pytest.fixture
def output(tmp_path):
    return tmp_path / "download" / "a.tar.gz"


def test_a_whole_file_arrives_and_leaves_no_partial_one(server, output):
    download([server.url("/a", serving())], SHA256, output)
    assert output.read_bytes() == BODY
    assert not partial_path(output).exists()


def test_a_file_that_is_there_already_is_not_fetched_again(server, output):
    url = server.url("/a", serving())
    download([url], SHA256, output)
    download([url], SHA256, output)
    assert len(server.asked) == 1


def test_another_file_at_the_output_is_replaced(server, output):
    output.parent.mkdir()
    output.write_bytes(b"older")
    download([server.url("/a", serving())], SHA256, output)
    assert output.read_bytes() == BODY


@pytest.mark.parametrize("cut", [1, 700, len(BODY) - 1])
def test_the_next_attempt_asks_only_for_what_is_missing(server, output, cut):
    download([server.url("/a", serving(cut=cut), serving())], SHA256, output, NO_WAIT)
    assert server.asked == [("/a", None), ("/a", f"bytes={cut}-")]
    assert output.read_bytes() == BODY


def test_the_next_command_asks_only_for_what_is_missing(server, output):
    with pytest.raises(UserError, match="ended early"):
        download([server.url("/a", serving(cut=700))], SHA256, output, Limits(attempts=1))
    assert not output.exists()
    assert partial_path(output).read_bytes() == BODY[:700]
    download([server.url("/a", serving())], SHA256, output)
    assert server.asked[-1] == ("/a", "bytes=700-")
    assert output.read_bytes() == BODY


def test_a_mirror_goes_on_where_another_address_ended(server, output):
    urls = [server.url("/a", serving(cut=700), failing(404)), server.url("/b", serving())]
    download(urls, SHA256, output, NO_WAIT)
    assert server.asked[-1] == ("/b", "bytes=700-")
    assert output.read_bytes() == BODY


def test_a_whole_partial_file_needs_no_server(closed_url, output):
    output.parent.mkdir()
    partial_path(output).write_bytes(BODY)
    download([closed_url], SHA256, output)
    assert output.read_bytes() == BODY


prefixes = st.integers(0, len(BODY)).map(lambda size: BODY[:size])


@given(
    before=st.one_of(prefixes, st.binary(max_size=100), prefixes.map(lambda text: text + b"junk"), st.just(BODY + b"more")),
    ranges=st.booleans(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_an_earlier_attempt_left_the_file_is_right_in_the_end(server, output, before, ranges):
    output.parent.mkdir(exist_ok=True)
    output.unlink(missing_ok=True)
    partial_path(output).write_bytes(before)
    download([server.url("/a", serving(ranges=ranges))], SHA256, output, NO_WAIT)
    assert output.read_bytes() == BODY
    assert not partial_path(output).exists()


def test_a_server_that_sends_another_range_than_asked_for_gets_a_fresh_start(server, output):
    def elsewhere(request):
        request.send_response(206)
        request.send_header("Content-Range", f"bytes 600-{len(BODY) - 1}/{len(BODY)}")
        request.end_headers()
        request.wfile.write(BODY[600:])

    download([server.url("/a", serving(cut=700), elsewhere, serving())], SHA256, output, NO_WAIT)
    assert server.asked[-1] == ("/a", None)
    assert output.read_bytes() == BODY


def test_wrong_content_leads_to_the_next_address_and_is_thrown_away(server, output):
    download([server.url("/a", serving(b"<html>sign in</html>")), server.url("/b", serving())], SHA256, output)
    assert server.asked == [("/a", None), ("/b", None)]
    assert output.read_bytes() == BODY


def test_wrong_content_never_gets_the_name_of_the_output(server, output):
    with pytest.raises(UserError, match="another SHA-256"):
        download([server.url("/a", serving(BODY[:-1] + b"x"))], SHA256, output)
    assert not output.exists()
    assert not partial_path(output).exists()


def test_a_good_address_is_not_blamed_for_the_wrong_start_that_another_sent(server, output):
    urls = [server.url("/a", serving(b"<html>" + BODY, cut=50), failing(404)), server.url("/b", serving())]
    download(urls, SHA256, output, NO_WAIT)
    assert [asked for asked in server.asked if asked[0] == "/b"] == [("/b", "bytes=50-"), ("/b", None)]
    assert output.read_bytes() == BODY


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_passing_faults_are_tried_again_after_doubled_waits(server, output, waits, status):
    download([server.url("/a", failing(status), failing(status), failing(status), serving())], SHA256, output, Limits(backoff_seconds=1))
    assert waits == [1, 2, 4]
    assert output.read_bytes() == BODY


def test_attempts_are_bounded(server, output, waits):
    with pytest.raises(UserError, match=r"500 Internal Server Error"):
        download([server.url("/a", failing(500))], SHA256, output, Limits(attempts=3, backoff_seconds=1))
    assert len(server.asked) == 3
    assert waits == [1, 2]


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_missing_file_is_asked_for_once(server, output, waits, status):
    download([server.url("/a", failing(status)), server.url("/b", serving())], SHA256, output)
    assert server.asked == [("/a", None), ("/b", None)]
    assert waits == []


def test_redirects_are_followed_but_not_for_ever(server, output):
    there = server.url("/there", serving())
    download([server.url("/moved", failing(302, Location="/there"))], SHA256, output)
    assert output.read_bytes() == BODY
    output.unlink()
    server.asked.clear()
    loop = server.url("/loop", failing(302, Location="/loop"))
    download([loop, there], SHA256, output, Limits(redirects=4))
    assert server.asked == [("/loop", None)] * 5 + [("/there", None)]


def test_a_redirect_to_a_local_file_is_not_followed(server, output, tmp_path):
    (tmp_path / "local").write_bytes(BODY)
    with pytest.raises(UserError):
        download([server.url("/a", failing(302, Location=f"file://{tmp_path}/local"))], SHA256, output)
    assert not output.exists()


def test_a_server_that_announces_too_much_is_not_listened_to(server, output):
    with pytest.raises(UserError, match=r"announces 2048 bytes, more than the 2047 allowed"):
        download([server.url("/a", serving())], SHA256, output, Limits(max_bytes=2047))
    assert len(server.asked) == 1
    assert not partial_path(output).exists()


def test_a_server_that_sends_without_end_is_stopped(server, output):
    hung_up = threading.Event()

    def endless(request):
        try:
            serving(length=False)(request)
            for _ in range(100_000):
                request.wfile.write(BODY)
        except OSError:
            hung_up.set()

    with pytest.raises(UserError, match=r"more than the 3000 bytes allowed"):
        download([server.url("/a", endless)], SHA256, output, Limits(max_bytes=3000))
    assert hung_up.wait(30)
    assert len(server.asked) == 1
    assert not partial_path(output).exists()


def test_a_file_of_just_the_size_allowed_is_taken(server, output):
    download([server.url("/a", serving())], SHA256, output, Limits(max_bytes=len(BODY)))
    assert output.read_bytes() == BODY


@pytest.mark.parametrize("sent", [0, 700])
def test_a_connection_without_bytes_ends_and_is_tried_again(server, output, sent, capsys):
    def stall(request):
        if sent:
            serving(cut=sent)(request)
        request.server.ended.wait()

    with pytest.raises(UserError, match="no answer in time"):
        download([server.url("/a", stall)], SHA256, output, Limits(attempts=2, backoff_seconds=0, read_seconds=0.2))
    assert "no answer in time; attempt 2 of 2" in capsys.readouterr().err


def test_a_body_without_a_length_is_taken(server, output):
    download([server.url("/a", serving(length=False))], SHA256, output)
    assert output.read_bytes() == BODY


def test_an_archive_is_not_unpacked_because_the_server_takes_gz_for_an_encoding(server, output):
    packed = gzip.compress(BODY, mtime=0)
    url = server.url("/a.tar.gz", serving(packed, headers=[("Content-Encoding", "gzip")]))
    download([url], hashlib.sha256(packed).hexdigest(), output)
    assert output.read_bytes() == packed


@pytest.mark.parametrize("url", ["http://", "ftp://127.0.0.1/a", "http://[::1/a", "no address", "http://127.0.0.1:99999/a"])
def test_an_address_that_is_none_is_passed_over(server, output, url, waits):
    download([url, server.url("/b", serving())], SHA256, output)
    assert output.read_bytes() == BODY
    assert waits == []


def test_an_address_given_twice_is_tried_once(server, output):
    url = server.url("/a", failing(404))
    with pytest.raises(UserError):
        download([url, url], SHA256, output)
    assert len(server.asked) == 1


def test_an_output_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"file.* cannot be written"):
        download([server.url("/a", serving())], SHA256, tmp_path / "file" / "a.tar.gz")


@pytest.mark.parametrize("brought", [True, False])
def test_a_second_process_waits_for_the_first_and_takes_what_that_has_brought(server, output, capfd, brought):
    output.parent.mkdir()
    url = server.url("/a", serving())
    with FileLock(output.with_name(".a.tar.gz.lock")) as other, ThreadPoolExecutor(1) as pool:
        second = pool.submit(download, [url], SHA256, output)
        said = ""
        while "waiting for another process that downloads" not in said:
            assert not second.done()
            said += capfd.readouterr().err
        assert server.asked == []
        (output if brought else partial_path(output)).write_bytes(BODY if brought else BODY[:700])
        other.release()
        second.result()
    assert output.read_bytes() == BODY
    assert server.asked == ([] if brought else [("/a", "bytes=700-")])


def test_a_log_gets_a_line_at_every_tenth(server, output, capsys):
    body = os.urandom(2**21)
    download([server.url("/a", serving(body))], hashlib.sha256(body).hexdigest(), output)
    said = capsys.readouterr().err
    shares = [int(share) for share in re.findall(r"^(\d+) % of 2097152 bytes$", said, re.MULTILINE)]
    assert [share // 10 for share in shares] == list(range(1, 11))
    assert f"http://127.0.0.1:{server.server_port}/a: downloading" in said


def test_a_terminal_gets_a_bar(server, output, monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    download([server.url("/a", serving())], SHA256, output)
    assert "B/s" in terminal.getvalue()
    assert " % of " not in terminal.getvalue()
