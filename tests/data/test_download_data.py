import hashlib
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

import download_data
from hardpair.cli import command
from hardpair.data.sources import Release, cifar10
from loopback import BODY, failing, serving

SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("hardpair.data.download.time", SimpleNamespace(sleep=lambda _: None, monotonic=time.monotonic))


def call(monkeypatch, *arguments):
    """Call the command in this process."""
    monkeypatch.setattr(sys, "argv", ["download_data.py", *map(str, arguments)])
    command.run(download_data.main)


@pytest.fixture
def official(monkeypatch, loopback_server):
    """A stand-in for the official archive, on the loopback server."""
    release = Release(url=loopback_server.url("/official", serving()), sha256=SHA256)
    monkeypatch.setattr(cifar10.SOURCE, "release", release)
    return release


def test_the_command_takes_the_official_address_first_then_the_mirrors_in_order(loopback_server, official, archive, monkeypatch):
    loopback_server.url("/official", failing(404))
    mirrors = [loopback_server.url("/one", failing(404)), loopback_server.url("/two", serving())]
    call(monkeypatch, "--kind", "cifar10", "--mirrors", *mirrors[:2], "--output", archive)
    assert [path for path, _ in loopback_server.requests] == ["/official", "/one", "/two"]
    assert archive.read_bytes() == BODY


def test_without_network_one_sentence_names_every_address_and_data_source(official, closed_url, archive, monkeypatch):
    monkeypatch.setattr(cifar10.SOURCE, "release", Release(closed_url, SHA256))
    mirror = closed_url.replace("a.tar", "mirror.tar")
    with pytest.raises(SystemExit) as caught:
        call(monkeypatch, "--kind", "cifar10", "--mirrors", mirror, "--output", archive)
    assert isinstance(caught.value.code, str)  # which Python prints before it ends with exit code 1
    assert "\n" not in caught.value.code
    for part in (f"{closed_url} (Connection refused)", f"{mirror} (Connection refused)", "data.source"):
        assert part in caught.value.code
    assert not archive.exists()


def test_a_wrong_address_is_named(official, loopback_server, archive, monkeypatch):
    with pytest.raises(SystemExit, match=r"data\.urls\[0\]"):
        call(monkeypatch, "--kind", "cifar10", "--mirrors", "ftp://a/b", "--output", archive)


def test_the_command_imports_neither_arrays_nor_networks():
    code = "import sys, download_data, hardpair.config.resolve, hardpair.data.download, hardpair.study.status\n"
    code += "sys.exit(bool({'numpy', 'torch', 'torchvision'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], cwd=os.path.dirname(download_data.__file__), check=True)
