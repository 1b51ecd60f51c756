"""A web server on this machine whose every answer a test decides."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY = bytes(range(256)) * 8


class Server(ThreadingHTTPServer):
    """A loopback server: each path has a list of answers, of which the last is given again and again."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.requests, self.closed = {}, [], threading.Event()

    def url(self, path, *answers):
        self.answers[path] = list(answers)
        return f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, *_):
        """Clients that hang up are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append((self.path, self.headers["Range"]))
        answers = self.server.answers[self.path]
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, *_):
        pass


def serving(body=BODY, *, ranges=True, cut=None, headers=(), length=True):
    """An answer: ``body``, from the requested byte if ``ranges``, hung up after byte ``cut`` of it."""

    def answer(request):
        first = int(request.headers["Range"][len("bytes=") : -1]) if ranges and request.headers["Range"] else 0
        if first and first >= len(body):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(body)}")
            return request.end_headers()
        request.send_response(206 if first else 200)
        if first:
            request.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        if length:
            request.send_header("Content-Length", str(len(body) - first))
        for name, value in headers:
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body[first:cut])

    return answer


def failing(status, **headers):
    def answer(request):
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()

    return answer


@contextmanager
def running() -> Iterator[Server]:
    """A server that answers until the block ends."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.closed.set()
            server.shutdown()
            thread.join()


@contextmanager
def closed_port() -> Iterator[str]:
    """An address at which nobody listens, and that nobody else can take."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
