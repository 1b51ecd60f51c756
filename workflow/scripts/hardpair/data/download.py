"""Download one file of known SHA-256 from the first of several addresses that serves it. Imports no torch.

What has arrived is kept in a hidden file beside the output, so that the next attempt, address or command goes on from there.
Nothing gets the output's name before its bytes have shown the hash, which is known beforehand.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import requests
import urllib3

from hardpair.errors import UserError
from hardpair.files.atomic import file_sha256
from hardpair.jobs.locks import alone

CHUNK = 2**16  # bytes


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
    """An attempt that brought no file; ``again`` says whether to try the same address once more."""

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
        sha256: of the whole file, in hexadecimal.

    Raises:
        UserError: no address served the file, or the output cannot be written.
    """
    partial = partial_path(output)
    try:
        if _is_there(output, sha256):
            return
        output.parent.mkdir(parents=True, exist_ok=True)
        # An orphan of a killed workflow may be writing the same partial file.
        waiting = f"waiting for another process that downloads {output}: end it to go on from what it has"
        with alone(output.with_name(f".{output.name}.lock"), waiting) as waited, requests.Session() as session:
            if waited and _is_there(output, sha256):
                return
            if not (partial.is_file() and file_sha256(partial) == sha256):  # else it was stopped just before the last step
                _fetch_first(session, urls, sha256, partial, limits)
            os.replace(partial, output)
    except OSError as error:
        raise UserError(
            f"{error.filename or output} cannot be written ({error.strerror or error}): free space or choose another place"
        ) from None
    _say(f"{output} has the right SHA-256, {sha256}")


def _is_there(output: Path, sha256: str) -> bool:
    """Whether the file has arrived; prints that it has."""
    there = output.is_file() and file_sha256(output) == sha256
    if there:
        _say(f"{output} is there already, and its SHA-256 is right")
    return there


def _fetch_first(session: requests.Session, urls: Sequence[str], sha256: str, partial: Path, limits: Limits) -> None:
    """Complete ``partial`` from the first address that can."""
    failures = []
    for url in dict.fromkeys(urls):
        try:
            return _fetch(session, url, sha256, partial, limits)
        except _Failure as failure:
            failures.append(f"{url} ({failure})")
    raise UserError(
        f"no address served the archive: tried {', '.join(failures)}; check the network, add a mirror to data.urls, "
        "or set data.source to a local copy of it"
    )


def _fetch(session: requests.Session, url: str, sha256: str, partial: Path, limits: Limits) -> None:
    """Complete ``partial`` from one address, in several attempts."""
    for attempt in range(1, limits.attempts + 1):
        try:
            resumed = _append(session, url, partial, limits)
            if file_sha256(partial) == sha256:
                return
            partial.unlink()
            # The fault may lie in what was there before: another server's error page, say. Then this address gets a fresh start.
            raise _Failure("its content has another SHA-256", again=resumed)
        except _Failure as failure:
            if not failure.again or attempt == limits.attempts:
                _say(f"{url}: {failure}")
                raise
            seconds = limits.backoff_seconds * 2 ** (attempt - 1)
            _say(f"{url}: {failure}; attempt {attempt + 1} of {limits.attempts} in {seconds:g} s")
            time.sleep(seconds)


def _append(session: requests.Session, url: str, partial: Path, limits: Limits) -> bool:
    """Get the bytes that ``partial`` lacks.

    Returns:
        Whether it began with bytes of an earlier attempt.

    Raises:
        _Failure: the connection failed or ended early, or the server refused, or sent too much. What is worth keeping stays in ``partial``.
    """
    have = partial.stat().st_size if partial.exists() else 0
    with _response(session, url, have, limits) as response:
        start = _start(response, have)
        if start is None:
            partial.unlink()
            raise _Failure("the server cannot go on from the bytes that are there", again=True)
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        if total is not None and total > limits.max_bytes:
            raise _Failure(f"it announces {total} bytes, more than the {limits.max_bytes} allowed", again=False)
        _say(f"{url}: " + (f"going on after {_mebibytes(start)}" if start else "downloading"))
        with open(partial, "ab") as file:
            file.truncate(start)
            size = start
            for chunk in _shown(_chunks(response), start, total):
                size += len(chunk)
                if size > limits.max_bytes:
                    break
                file.write(chunk)
    if size > limits.max_bytes:
        partial.unlink()
        raise _Failure(f"it sent more than the {limits.max_bytes} bytes allowed", again=False)
    return start > 0


def _response(session: requests.Session, url: str, have: int, limits: Limits) -> requests.Response:
    """The server's answer, its body unread; redirects are followed by hand, since requests would read their bodies, however long."""
    # The archive's own bytes: neither compressed for the transfer nor unpacked because a server takes .gz for an encoding.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    address = url
    for _ in range(limits.redirects + 1):
        try:
            response = session.get(
                address, headers=headers, stream=True, allow_redirects=False, timeout=(limits.connect_seconds, limits.read_seconds)
            )
            target = session.get_redirect_target(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
            raise _Failure(_reason(error), again=_is_passing(error)) from None
        if target is None:
            return response
        response.close()
        address = urljoin(address, target)
    raise _Failure(f"more than {limits.redirects} redirects", again=False)


def _start(response: requests.Response, have: int) -> int | None:
    """At which byte of the file the body begins: 0 or ``have``; None if the server has no byte after these.

    Raises:
        _Failure: the answer is an error.
    """
    status = response.status_code
    if status == 200:
        return 0
    if have and status == 206:
        return have
    if have and status == 416:
        return None
    raise _Failure(f"{status} {response.reason}".strip(), again=status >= 500 or status in (408, 425, 429))


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """The body as it is sent.

    Raises:
        _Failure: no byte came for too long, or the connection broke. (A failure to write a chunk is the caller's, and passes.)
    """
    try:
        yield from response.raw.stream(CHUNK, decode_content=False)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise _Failure(_reason(error), again=True) from None


def _is_passing(error: Exception) -> bool:
    """Whether another attempt may fare better: not with an address or a certificate that is wrong."""
    lasting = (requests.exceptions.SSLError, requests.exceptions.InvalidProxyURL, ValueError, urllib3.exceptions.LocationValueError)
    return not isinstance(error, lasting)


def _reason(error: Exception) -> str:
    """A few words for an error of the network; the libraries' messages are paragraphs."""
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate was not accepted"
    reason, inner = "", error
    while inner is not None:
        reason = getattr(inner, "strerror", None) or reason
        inner = inner.__cause__ or inner.__context__
    if reason:
        return reason
    return "the connection ended early" if isinstance(error, urllib3.exceptions.ProtocolError) else " ".join(str(error).split())[:100]


def _shown(chunks: Iterator[bytes], start: int, total: int | None) -> Iterator[bytes]:
    """The chunks; shows how much has arrived: a bar on a terminal, else a line at every tenth and after every minute."""
    from tqdm import tqdm

    terminal, size, shown_at = sys.stderr.isatty(), start, time.monotonic()
    with tqdm(total=total, initial=start, unit="B", unit_scale=True, unit_divisor=1024, disable=not terminal, leave=False) as bar:
        for chunk in chunks:
            before = 10 * size // (total or 160 * 2**20)
            yield chunk
            size += len(chunk)
            bar.update(len(chunk))
            if not terminal and (10 * size // (total or 160 * 2**20) > before or time.monotonic() > shown_at + 60):
                shown_at = time.monotonic()
                _say(f"{100 * size // total} % of {_mebibytes(total)}" if total else _mebibytes(size))


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB" if size >= 10 * 2**20 else f"{size} bytes"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
