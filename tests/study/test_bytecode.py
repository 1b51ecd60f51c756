import os
import shutil
from types import SimpleNamespace

import pytest

from hardpair.study import bytecode


@pytest.mark.parametrize(("free", "written"), [(2**30, True), (2**20, False)])
def test_bytecode_is_written_where_there_is_room(tmp_path, monkeypatch, free, written):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/module.py").write_text("a = 1\n")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "")  # put back after the test
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    bytecode.write_bytecode(tmp_path)
    assert bool(list(tmp_path.glob("inner/__pycache__/module.*.pyc"))) == written
    assert os.environ["PYTHONDONTWRITEBYTECODE"]
