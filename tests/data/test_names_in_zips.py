"""Names of files in zips: their encoding, and how folders are parted."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from hardpair.data.pictures import archives, tree


def read(source: Path) -> dict[str, bytes | str]:
    return {member.path: content for member, content in tree.contents(source, tree.listing(source))}


def named(raw: bytes, extra: bytes = b"") -> bytes:
    """A zip of files whose names are these bytes, without the flag for UTF-8."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("x" * len(raw) + "/1.png", "dog/1.png"):
            member = zipfile.ZipInfo(name)
            member.extra = extra if name.startswith("x") else b""
            archive.writestr(member, b"content")
    return file.getvalue().replace(b"x" * len(raw), raw)


def unicode_path(raw: bytes, name: str) -> bytes:
    value = struct.pack("<BI", 1, zlib.crc32(raw)) + name.encode()
    return struct.pack("<HH", 0x7075, len(value)) + value


@pytest.mark.parametrize(
    ("raw", "extra", "name", "clear"),
    [
        ("Äpfel".encode(), b"", "Äpfel", True),
        ("猫".encode(), b"", "猫", True),
        ("Äpfel".encode("cp437"), b"", "Äpfel", False),
        ("Äpfel".encode("latin-1"), b"", b"\xc4pfel".decode("cp437"), False),
        (b"\x8epfel", unicode_path(b"\x8epfel/1.png", "Apfel/1.png"), "Apfel", True),
        (b"\x8epfel", unicode_path(b"another", "Apfel/1.png"), "Äpfel", False),
    ],
)
def test_names_in_a_zip_are_utf8_where_they_can_be(tmp_path, raw, extra, name, clear):
    (tmp_path / "a.zip").write_bytes(named(raw, extra))
    assert read(tmp_path / "a.zip") == {f"{name}/1.png": b"content", "dog/1.png": b"content"}
    remarks = archives.remarks(tmp_path / "a.zip")
    assert len(remarks) == (0 if clear else 1)
    if not clear:
        assert "of unclear encoding, read as cp437: 1" in remarks[0]


@pytest.mark.parametrize("system", [0, 3])
def test_backslashes_part_folders_in_a_zip_of_windows_alone(tmp_path, system):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("cat\\", "cat\\1.png", "dog\\deep\\1.png"):
            member = zipfile.ZipInfo(name)
            member.create_system = system
            archive.writestr(member, b"" if name.endswith("\\") else b"content")
    names = [entry.path for entry in tree.listing(tmp_path / "a.zip")]
    assert names == (["cat/1.png", "dog/deep/1.png"] if system == 0 else ["cat\\", "cat\\1.png", "dog\\deep\\1.png"])
