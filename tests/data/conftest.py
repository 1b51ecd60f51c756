import json
import sys
from pathlib import Path

import pytest

import prepare_data
from hardpair.cli import command


@pytest.fixture
def prepare(tmp_path, monkeypatch, capsys):
    """Prepare a source through the command; its output."""

    def prepared(source: Path, *options: object, size: int = 8, test_share: float = 0.2, output: Path = tmp_path / "out") -> str:
        shape = json.dumps({"size": size, "test_share": test_share})
        line = ["--kind", "folder", "--name", "p", "--source", source, "--settings", shape, "--output-dir", output, *options]
        monkeypatch.setattr(sys, "argv", ["prepare_data.py", *map(str, line)])
        command.run(prepare_data.main)
        return capsys.readouterr().out

    return prepared


@pytest.fixture
def complaint(prepare, tmp_path):
    """The one line in which the command ends; no arrays are left."""

    def complained(source: Path, *options: object, **shape) -> str:
        with pytest.raises(SystemExit) as caught:
            prepare(source, *options, **shape)
        assert not list((tmp_path / "out").rglob("*.npy"))
        assert not (tmp_path / "out" / "dataset.json").exists()
        message = str(caught.value.code)
        assert message.startswith("prepare_data.py: ")
        assert message.isprintable()
        return message

    return complained
