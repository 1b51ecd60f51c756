"""Where images come from. Each module of this folder is a kind of data, with the name of its ``kind`` in the config and a ``SOURCE``.

The workflow loads these modules each time that it starts: they import NumPy, Pillow or torchvision only where images are read.
"""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hardpair.files.visible import visible_files

if TYPE_CHECKING:
    import numpy as np

Arrays = dict[str, tuple["np.ndarray", "np.ndarray"]]  # images uint8 (N, 3, S, S) and labels int64 (N,) of ``train`` and ``test``


@dataclass(frozen=True)
class Release:
    """An official archive: its address and its SHA-256 in hexadecimal."""

    url: str
    sha256: str


@dataclass(frozen=True)
class Inventory:
    """What is known of images before they are prepared.

    Attributes:
        train, test: number of training images, those for validation included, and of test images.
        classes: names in the order of the labels.
        size: height and width in pixels.
        fingerprint: changes when the images that ``data.source`` names do; empty for images that are always the same.
    """

    train: int
    test: int
    classes: Sequence[str]
    size: int
    fingerprint: str = ""


class Source(ABC):
    """A kind of data.

    Attributes:
        classes: names in the order of the labels; None if only the images show them.
        local: what ``data.source`` may name, in words; empty for generated images.
        release: the archive to download where ``data.source`` is null; without one, ``local`` images are required.
        settings: keys of ``data`` that the images depend on.
        checks: keys of ``data`` that decide only whether the images are accepted. Each is an option of prepare_data.py.
        threads: how many preparing can use; with more than one it takes long, and is a job of its own on a cluster.
    """

    classes: Sequence[str] | None = None
    local: str = ""
    release: Release | None = None
    settings: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    threads: int = 1

    @abstractmethod
    def inventory(self, data: dict, folder: Path | None = None) -> Inventory:
        """What is known of the images that ``data`` of a config describes; they are or will be prepared in ``folder``.

        Raises:
            UserError: local images are missing or cannot be used.
        """

    @abstractmethod
    def read(self, data: dict, folder: Path, threads: int) -> tuple[dict, Arrays]:
        """Entries of dataset.json (``classes`` and others), and the images. ``data.source`` names the archive where one was downloaded.

        Reports on the images may be left in ``folder``, where the arrays are written afterwards.

        Raises:
            UserError: the images are missing, damaged, or not what they should be.
        """


def kinds() -> list[str]:
    """All kinds of data, sorted."""
    return [path.stem for path in visible_files(Path(__file__).parent.glob("[!_]*.py"))]


def get(kind: str) -> Source:
    """The source of that kind."""
    return importlib.import_module(f"{__name__}.{kind}").SOURCE
