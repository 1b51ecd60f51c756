"""Download one file of known SHA-256 from the first of several addresses that serves it. Imports no torch.

What has arrived is kept in a hidden file beside the output, so that the next attempt, address or command continues from there. The file
gets the output's name only once it has the SHA-256.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import requests
import urllib3

from hardpair.errors import UserError, one_line, say
from hardpair.files.atomic import file_sha256, flush
from hardpair.jobs.locks import alone

CHUNK = 2**16  # bytes
DIGITS = 18  # of a length that are read: more are too large, however they go on
LASTING = (requests.exceptions.SSLError, requests.exceptions.InvalidProxyURL, ValueError, urllib3.exceptions.LocationValueError)


@dataclass(frozen=True)
class Limits:
    """How long and how much: seconds until a connection stands, seconds without a byte, attempts at each address, seconds before the
    second attempt (doubled for each further one), redirects followed, and bytes taken at most."""

    connect_seconds: float = 15
    read_seconds: float = 30
    attempts: int = 4
    backoff_seconds: float = 1
    redirects: int = 5
    max_bytes: int = 2**30


LIMITS = Limits()


class _Failure(Exception):
    """An attempt that received no file; ``again`` is whether to try the same address once more."""

    def __init__(self, reason: str, again: bool) -> None:
        super().__init__(reason)
        self.again = again


def partial_path(output: Path) -> Path:
    """Where the bytes of an unfinished download lie: always the same name, so that the next command finds them."""
    return output.with_name(f".{output.name}.part")


def download(urls: Sequence[str], sha256: str, output: Path, limits: Limits = LIMITS) -> None:
    """Leave the file with that SHA-256 at ``output``, from the first address that serves it.

    Args:
        urls: addresses, tried in order; each several times where another attempt may help.
        sha256: of the complete file, in hexadecimal.

    Raises:
        UserError: no address served the file, or the output cannot be written.
    """
    partial = partial_path(output)
    try:
        if _is_there(output, sha256):
            return
        output.parent.mkdir(parents=True, exist_ok=True)
        # A process that outlived its workflow may be writing the same partial file.
        waiting = f"waiting for another process that downloads {output}: end it to continue from what it has"
        with alone(output.with_name(f".{output.name}.lock"), waiting), requests.Session() as session:
            if _is_there(output, sha256):
                return
            if not (partial.is_file() and file_sha256(partial) == sha256):  # else it was stopped just before the last step
                _fetch(session, urls, sha256, partial, limits)
            flush(partial)
            os.replace(partial, output)
    except OSError as error:
        raise UserError(
            f"{error.filename or output} cannot be written ({error.strerror or error}): free space or choose another place"
        ) from None
    _log(f"{output} has the right SHA-256, {sha256}")


def _is_there(output: Path, sha256: str) -> bool:
    """Whether the file has arrived; prints that it has."""
    complete = output.is_file() and file_sha256(output) == sha256
    if complete:
        _log(f"{output} is there already, and its SHA-256 is right")
    return complete


def _fetch(session: requests.Session, urls: Sequence[str], sha256: str, partial: Path, limits: Limits) -> None:
    """Complete ``partial`` from the first address that can, with several attempts at each."""
    failures = {}
    for url in dict.fromkeys(urls):
        for attempt in range(1, limits.attempts + 1):
            try:
                return _complete(session, url, sha256, partial, limits)
            except _Failure as failure:
                failures[url] = failure
            if not failures[url].again or attempt == limits.attempts:
                _log(f"{url}: {failures[url]}")
                break
            seconds = limits.backoff_seconds * 2 ** (attempt - 1)
            _log(f"{url}: {failures[url]}; attempt {attempt + 1} of {limits.attempts} in {seconds:g} s")
            time.sleep(seconds)
    raise UserError(
        f"no address served the archive: tried {', '.join(f'{url} ({failure})' for url, failure in failures.items())}; check the network, "
        "add a mirror to data.urls, or set data.source to a local copy of it"
    )


def _complete(session: requests.Session, url: str, sha256: str, partial: Path, limits: Limits) -> None:
    """Get the bytes that ``partial`` lacks and check its SHA-256.

    Raises:
        _Failure: the connection failed or ended early, or the server refused, or sent too much or something else. What is worth keeping
            stays in ``partial``.
    """
    have = partial.stat().st_size if partial.exists() else 0
    with _response(session, url, have, limits) as response:
        status = response.status_code
        if have and status == 416:
            partial.unlink()
            raise _Failure("the server cannot continue from the bytes that are there", again=True)
        if status != 200 and not (have and status == 206):
            raise _Failure(f"{status} {response.reason}".strip(), again=status >= 500 or status in (408, 425, 429))
        start = have if status == 206 else 0
        length = response.headers.get("Content-Length", "")
        total = start + int(length.lstrip("0")[:DIGITS] or 0) if length.isdecimal() else None
        if total is not None and total > limits.max_bytes:
            raise _Failure(f"it announces {total} bytes, more than the {limits.max_bytes} allowed", again=False)
        _log(f"{url}: " + (f"continuing after {_mebibytes(start)}" if start else "downloading"))
        with open(partial, "ab") as file:
            file.truncate(start)
            size = start
            for chunk in _chunks(response, start, total):
                size += len(chunk)
                if size > limits.max_bytes:
                    partial.unlink()
                    raise _Failure(f"it sent more than the {limits.max_bytes} bytes allowed", again=False)
                file.write(chunk)
    if file_sha256(partial) != sha256:
        partial.unlink()
        # The fault may lie in what was there before, such as another server's error page: then this address gets a fresh start.
        raise _Failure("its content has another SHA-256", again=start > 0)


def _response(session: requests.Session, url: str, have: int, limits: Limits) -> requests.Response:
    """The server's answer, its body unread; redirects are followed here, since requests would read their bodies, however long."""
    # The archive's own bytes: neither compressed for the transfer nor unpacked because a server takes .gz for an encoding.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    timeout = (limits.connect_seconds, limits.read_seconds)
    address = url
    for _ in range(limits.redirects + 1):
        with _network_failures():
            response = session.get(address, headers=headers, stream=True, allow_redirects=False, timeout=timeout)
            target = session.get_redirect_target(response)
            if target is None:
                return response
            response.close()
            address = urljoin(address, target)
    raise _Failure(f"more than {limits.redirects} redirects", again=False)


def _chunks(response: requests.Response, start: int, total: int | None) -> Iterator[bytes]:
    """The body as it is sent; shows how much has arrived: a bar on a terminal, else a line at every tenth and after every minute.

    Raises:
        _Failure: no byte came for too long, or the connection broke.
    """
    from tqdm import tqdm

    terminal, expected, size = sys.stderr.isatty(), total or 160 * 2**20, start
    tenths_shown, shown_at = 10 * start // expected, time.monotonic()
    bar = tqdm(total=total, initial=start, unit="B", unit_scale=True, unit_divisor=1024, disable=not terminal, leave=False)
    with _network_failures(), bar:
        for chunk in response.raw.stream(CHUNK, decode_content=False):
            yield chunk
            size += len(chunk)
            bar.update(len(chunk))
            tenths = 10 * size // expected
            if not terminal and (tenths > tenths_shown or time.monotonic() > shown_at + 60):
                tenths_shown, shown_at = tenths, time.monotonic()
                _log(f"{100 * size // total} % of {_mebibytes(total)}" if total else _mebibytes(size))


@contextmanager
def _network_failures() -> Iterator[None]:
    """Errors of the network within the block as failures of the attempt; another one helps unless an address or certificate is wrong."""
    try:
        yield
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:  # the last one of addresses and numbers that are none
        raise _Failure(_reason(error), again=not isinstance(error, LASTING)) from None


def _reason(error: BaseException) -> str:
    """A few words for an error of the network; the libraries' messages are paragraphs."""
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate was not accepted"
    reason = "the connection ended early" if isinstance(error, urllib3.exceptions.ProtocolError) else one_line(error, 100)
    while error is not None:
        reason = getattr(error, "strerror", None) or reason
        error = error.__cause__ or error.__context__
    return reason


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB" if size >= 10 * 2**20 else f"{size} bytes"


def _log(line: str) -> None:
    say(line, file=sys.stderr)
