"""A file or folder in a folder or archive, by its name: what it is called, and whether it is to be looked at."""

import re
from dataclasses import dataclass

LARGEST = 2**28  # bytes of a file that are read into memory, 256 MiB
MOST = 5_000_000  # files of a folder or archive; each needs some 400 bytes of memory
OUTSIDE = "leads out of the archive"  # the reason that counts before all others: the name is that of no class

# What systems leave among files, in lower case, apart from names that start with a dot: macOS, Windows, and the NAS of Synology and QNAP.
SYSTEM = {"__macosx", "icon\r", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin", "system volume information"}
SYSTEM |= {
    "@eadir",
    "@tmp",
    "#recycle",
    "#snapshot",
    "@recycle",
    "@recently-snapshot",
    "@__thumb",
    "@synoresource",
    "@sharebin",
    "picasa.ini",
    "zbthumbnail.info",
}
SYSTEM |= {"network trash folder", "temporary items", "lost+found", "__pycache__"}

# Texts, tables, checksums, programs: by the ending of the name, or by a name that needs none.
ENDINGS = "txt text md markdown rst rtf tex bib pdf doc docx odt htm html css csv tsv xls xlsx ods json jsonl ndjson xml yaml yml toml ini"
ENDINGS += " cfg conf log md5 sha1 sha256 sha512 sfv sig asc py pyc ipynb sh bat ps1 r js url lnk"
PAPERS = "read[ _.-]?me|licen[cs]e|copying|copyright|notice|authors|contributors|changelog|changes|citation|install|todo|version|manifest"
PAPERS += "|makefile|(md5|sha1|sha256|sha512)(sums?)?|checksums?"
SEVERAL = "(read[ _.-]?me|licen[cs]e|copying|notice)[_-][a-z]+"  # LICENSE-MIT
NO_PICTURE = re.compile(rf"{PAPERS}|{SEVERAL}|.*\.({ENDINGS.replace(' ', '|')})", re.IGNORECASE | re.DOTALL)


class Refused(Exception):
    """An archive that is not read; the message goes on after its name."""


@dataclass(frozen=True, order=True)
class Entry:
    """A file or a folder.

    Attributes:
        path: relative to the folder or archive, with slashes.
        size: in bytes.
        problem: why it must not be read; empty if it may be.
        is_folder: whether it is a folder, of which nothing else is known.
    """

    path: str
    size: int
    problem: str = ""
    is_folder: bool = False


def checked_entry(path: str, size: int, problem: str) -> Entry:
    """The file of that name, with the reason not to read it if there is one."""
    problem = _outside(path) or problem
    if size == 0 or size > LARGEST:
        problem = problem or ("is empty" if size == 0 else f"has more than {LARGEST:,} bytes")
    return Entry(_plain(path), size, problem)


def folder_entry(path: str) -> Entry:
    """The folder of that name."""
    return Entry(_plain(path), 0, _outside(path), is_folder=True)


def _outside(path: str) -> str:
    return OUTSIDE if path.startswith("/") or ".." in path.split("/") else ""


def _plain(path: str) -> str:
    return "/".join(name for name in path.split("/") if name not in ("", "."))


def hidden(name: str) -> bool:
    """Whether a file or folder of that name is a system's own."""
    lower = name.lower()
    return lower in SYSTEM or lower.endswith(":zone.identifier") or (name.startswith(".") and name != "..")


def no_picture(path: str) -> bool:
    """Whether a file is by its name a text, a table, a checksum or a program."""
    return NO_PICTURE.fullmatch(path.rpartition("/")[2]) is not None
