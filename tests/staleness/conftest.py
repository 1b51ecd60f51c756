import functools
import shutil

import pytest

from edited_scripts import Tree, by_content, hashes
from hardpair.staleness import code_hash


@pytest.fixture(scope="module")
def original():
    return hashes()


@pytest.fixture(scope="module")
def copied(tmp_path_factory, original):
    folder = tmp_path_factory.mktemp("elsewhere") / "scripts"
    shutil.copytree(code_hash.SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_hash, "SCRIPTS", folder)
        memory = {}
        patch.setattr(code_hash, "_parsed", functools.partial(by_content, memory, code_hash._parsed.__wrapped__))
        yield Tree(folder, original, memory)
    hashes({})


@pytest.fixture
def moving(copied, tmp_path):
    """A copy of its own, whose modules may move."""
    shutil.copytree(copied.folder, tmp_path / "scripts")
    copied.memory.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_hash, "SCRIPTS", tmp_path / "scripts")
        yield Tree(tmp_path / "scripts", copied.original, copied.memory)
    copied.memory.clear()


@pytest.fixture
def tree(copied):
    yield copied
    copied.restore()
