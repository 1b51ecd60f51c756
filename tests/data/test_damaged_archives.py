"""Archives are read completely or refused, as what their content says that they are."""

import bz2
import contextlib
import gzip
import io
import lzma
import os
import random
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

import picture_tree
from hardpair.data.pictures import archives, entry, tars, tree
from hardpair.errors import UserError

FILES = {f"{name}/{number}.png": picture_tree.png(7 * number + len(name)) for name in ("cat", "mouse") for number in range(4)}
LONG = {f"cat/{'x' * 120}/{'y' * 150}.png": b"long", "cat/ü.png": b"two"}


def read(source: Path) -> dict[str, bytes | str]:
    return {member.path: content for member, content in tree.contents(source, tree.listing(source))}


def refusal(source: Path) -> str:
    with pytest.raises(UserError) as caught:
        read(source)
    message = str(caught.value)
    assert message.startswith(f"data.source {source} ")
    assert message.isprintable()
    return message


def tar(files: dict[str, bytes], **options) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", **options) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def headers(content: bytes) -> list[int]:
    """Where the headers of a tar lie."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return [member.offset for member in archive]


def with_times(content: bytes) -> bytes:
    """A GNU tar with the times of an incremental one, which lie where ustar has the beginning of a name."""
    changed = bytearray(content)
    for number, place in enumerate(headers(content)):
        changed[place + 345 : place + 357] = f"{15125442640 + 1000 * number:011}\0".encode()
        changed[place + 148 : place + 156] = b" " * 8
        changed[place + 148 : place + 156] = f"{sum(changed[place : place + 512]):06o}\0 ".encode()
    return bytes(changed)


SOUND = {
    "gnu with times": with_times(tar(FILES, format=tarfile.GNU_FORMAT)),
    "gnu": tar(FILES | LONG, format=tarfile.GNU_FORMAT),
    "pax": tar(FILES | LONG, format=tarfile.PAX_FORMAT),
    "pax with global headers": tar(FILES | LONG, format=tarfile.PAX_FORMAT, pax_headers={"comment": "x" * 2000}),
    "ustar": tar(FILES | {"cat/ü.png": b"two"}, format=tarfile.USTAR_FORMAT),
    "gzip": gzip.compress(tar(FILES)),
    "gzip of two streams": gzip.compress(tar(FILES)[:3000]) + gzip.compress(tar(FILES)[3000:]),
    "bzip2": bz2.compress(tar(FILES)),
    "xz": lzma.compress(tar(FILES)),
    "lzma": lzma.compress(tar(FILES), lzma.FORMAT_ALONE),
    "tar without the last record": tar(FILES).rstrip(b"\0") + bytes(-len(tar(FILES).rstrip(b"\0")) % 512 + 1024),
    "tar and zeros": tar(FILES) + bytes(12345),
    "tar and data": tar(FILES) + b"a signature of 3,000 bytes or so" * 100,
    "tar and a zip": tar(FILES) + zipped({"fox/1.png": b"fox"}),
    "tar that ends in a zip": tar(FILES | {"mouse/z.dat": zipped({"fox/1.png": b"fox"})}),
    "zip": zipped(FILES | LONG),
    "deflated zip": zipped(FILES, zipfile.ZIP_DEFLATED),
    "zip by lzma": zipped(FILES, zipfile.ZIP_LZMA),
    "zip and zeros": zipped(FILES) + bytes(512),
    "zip that holds a tar": zipped(FILES | {"mouse/t.dat": tar({"fox/1.png": b"fox"})}),
}


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".jpg", ""])
@pytest.mark.parametrize("kind", SOUND)
def test_an_archive_is_what_its_content_says_whatever_its_name(tmp_path, kind, suffix):
    source = tmp_path / f"a{suffix}"
    source.write_bytes(SOUND[kind])
    actual = read(source)
    assert {path: content for path, content in actual.items() if path in FILES} == FILES
    if "holds" in kind or "ends in" in kind:
        assert len(actual) == len(FILES) + 1
    if kind in ("gnu", "pax", "pax with global headers", "zip"):
        assert actual == FILES | LONG
    assert not any("fox" in path for path in actual)


def test_a_tar_cut_at_any_header_is_refused(tmp_path):
    sound = SOUND["gnu"]
    for place in [*headers(sound), len(sound.rstrip(b"\0")) // 512 * 512 + 512]:
        (tmp_path / "a").write_bytes(sound[:place])
        assert "neither" in refusal(tmp_path / "a") or "is damaged (it was cut short: its end is missing)" in refusal(tmp_path / "a")


@pytest.mark.parametrize("kind", ["gnu", "pax", "ustar"])
def test_a_tar_with_any_bit_of_a_header_flipped_is_refused(tmp_path, kind):
    sound, source, drawn = SOUND[kind], tmp_path / "a", random.Random(1)
    source.write_bytes(sound)
    expected = read(source)
    for place in headers(sound)[1:]:
        for _ in range(12):
            content, flipped = bytearray(sound), drawn.randrange(512)
            content[place + flipped] ^= 1 << drawn.randrange(8)
            source.write_bytes(content)
            if 148 <= flipped < 156:  # its checksum, where a bit may say nothing, such as one of a space
                with contextlib.suppress(UserError):
                    assert read(source) == expected
            else:
                assert "is damaged" in refusal(source)


@pytest.mark.parametrize("length", [512, 1024, 4096])
def test_a_tar_with_a_header_of_zeros_is_refused(tmp_path, length):
    files = {f"cat/{number}.png": bytes([number + 1]) * 6000 for number in range(5)}
    sound, source = tar(files), tmp_path / "a"
    for place in headers(sound)[1:]:
        source.write_bytes(sound[:place] + bytes(length) + sound[place + length :])
        refusal(source)


def multi_volume() -> bytes:
    content = bytearray(tar(FILES))
    member = tarfile.TarInfo("cat/rest.png")
    member.type, member.size = b"M", 0
    return bytes(member.tobuf() + content)


def sparse() -> bytes:
    member = tarfile.TarInfo("cat/sparse.png")
    member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "cat/sparse.png"}
    return tar(FILES)[: -tarfile.RECORDSIZE] + member.tobuf(tarfile.PAX_FORMAT) + bytes(1024)


def several_volumes() -> bytes:
    content = bytearray(zipped(FILES))
    content[-18] = 1  # the number of this disk
    return bytes(content)


OTHER = {
    "a 7z archive": b"7z\xbc\xaf\x27\x1c" + bytes(100),
    "a rar archive": b"Rar!\x1a\x07\x01\0" + bytes(100),
    "compressed by zstd": b"\x28\xb5\x2f\xfd" + bytes(100),
    "compressed by lzip": b"LZIP\x01" + bytes(100),
    "a cpio archive": b"070701" + b"0" * 100,
    "a single picture": picture_tree.png(1),
    "the image of a disc": bytes(0x8001) + b"CD001" + bytes(100),
    "compressed by gzip, but holds no tar": gzip.compress(b"no tar" * 500),
    "compressed by xz, but holds no tar": lzma.compress(b""),
    "several tars one after the other": tar(FILES) + tar({"fox/1.png": b"fox"}),
    "a tar with a file that began in another volume": multi_volume(),
    "a tar with sparse files": sparse(),
    "one of several volumes of a zip": several_volumes(),
    "one of several volumes of a zip, ": b"the end of a file" + several_volumes(),
    "the first of several volumes of a zip": b"PK\x07\x08" + zipped(FILES),
}


@pytest.mark.parametrize("kind", OTHER)
def test_other_archives_are_refused_as_what_they_are(tmp_path, kind):
    (tmp_path / "a.zip").write_bytes(OTHER[kind])
    assert f"a.zip is {kind}" in refusal(tmp_path / "a.zip")


def test_zips_that_hold_more_than_their_directory_lists_are_refused(tmp_path):
    source, (first, second) = tmp_path / "a", (zipped(FILES), zipped({"fox/1.png": b"fox"}))
    source.write_bytes(first + second)
    assert "holds files that its directory does not list" in refusal(source)
    source.write_bytes(b"#!/bin/sh\n" + first)
    assert "has other data before its zip archive" in refusal(source)
    directory = first.index(b"PK\1\2")
    entry_length = first.index(b"PK\1\2", directory + 4) - directory
    end = bytearray(first[first.rindex(b"PK\5\6") :])
    count, size = struct.unpack_from("<H", end, 10)[0], struct.unpack_from("<I", end, 12)[0]
    source.write_bytes(first[:directory] + first[directory + entry_length :])
    assert "is damaged" in refusal(source)
    struct.pack_into("<HHI", end, 8, count - 1, count - 1, size - entry_length)
    source.write_bytes(first[:directory] + first[directory + entry_length : -len(end)] + end)
    refusal(source)
    source.write_bytes(first[:-30])
    assert "its end is missing: it was cut short, is one of several volumes, or has more than 64 KiB of other data behind" in refusal(
        source
    )


def test_a_zip_of_many_files_may_count_them_modulo_65536(tmp_path):
    files, directory, place, crc = [], [], 0, zlib.crc32(b"x")
    for number in range(66_000):
        name = b"%d/%d" % (number % 2, number)
        files.append(struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, crc, 1, 1, len(name), 0) + name + b"x")
        directory.append(struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 33, crc, 1, 1, len(name), 0, 0, 0, 0, 0, place) + name)
        place += len(files[-1])
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 464, 464, sum(map(len, directory)), place, 0)
    (tmp_path / "a").write_bytes(b"".join([*files, *directory, end]))
    assert len(tree.listing(tmp_path / "a")) == 66_000
    (tmp_path / "a").write_bytes(b"".join([*files, *directory, end.replace(struct.pack("<H", 464), struct.pack("<H", 463))]))
    assert "is damaged (its directory lists 66,000 of 463 files)" in refusal(tmp_path / "a")


def test_files_of_a_zip_that_share_their_bytes_are_refused(tmp_path):
    content = bytearray(zipped(FILES))
    second = content.index(b"PK\1\2", content.index(b"PK\1\2") + 4)
    content[second + 42 : second + 46] = bytes(4)  # where the first file begins
    (tmp_path / "a").write_bytes(content)
    assert "files in it share their bytes" in refusal(tmp_path / "a")


def test_a_header_of_a_tar_that_promises_much_is_not_read_into_memory(tmp_path):
    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE):
        bomb = tarfile.TarInfo("bomb")
        bomb.type, bomb.size = kind, 2**33
        (tmp_path / "a.tar").write_bytes(tar(FILES).rstrip(b"\0")[:1024] + bomb.tobuf(tarfile.GNU_FORMAT) + bytes(2**21))
        assert "a header in it has more than 1,048,576 bytes" in refusal(tmp_path / "a.tar")


def test_an_endless_end_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(tars, "PADDING", 2**20)
    (tmp_path / "a").write_bytes(gzip.compress(tar(FILES) + bytes(2**22)))
    assert "is followed by more than 1,048,576 bytes after its end" in refusal(tmp_path / "a")


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    for module in (entry, tree):
        monkeypatch.setattr(module, "MOST", 7)
    picture_tree.write(tmp_path / "folder", FILES)
    (tmp_path / "a.tar").write_bytes(tar(FILES))
    for name in ("folder", "a.tar"):
        assert "has more than 7 files: name a smaller part of it" in refusal(tmp_path / name)


def test_names_of_a_packed_tar_that_fill_the_memory_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "NAMES", 10_000)
    long = tar({f"cat/{number}{'x' * 3000}": b"x" for number in range(5)}, format=tarfile.GNU_FORMAT)
    (tmp_path / "a.tar.xz").write_bytes(lzma.compress(long))
    assert "has names of files of more than 10,000 characters together" in refusal(tmp_path / "a.tar.xz")


def test_a_method_of_compression_that_not_every_python_has_is_named(tmp_path):
    content = bytearray(zipped(FILES))
    for mark, place in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        content[content.index(mark) + place] = 93
    (tmp_path / "a.zip").write_bytes(content)
    (bad,) = (member for member in tree.listing(tmp_path / "a.zip") if member.problem)
    assert bad.problem == "is compressed by zstd, which is not read"


def test_what_is_no_file_is_refused_without_being_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for ask in (tree.listing, tree.fingerprint):
        with pytest.raises(UserError, match="pipe is no regular file"):
            ask(tmp_path / "pipe")
