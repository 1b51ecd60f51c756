"""The command that compares runs of a CSV."""

import sys

import pandas as pd
import pytest

import compare_runs
from hardpair.cli.command import run


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs the command on a table; its exit message, standard output and standard error."""

    def call(table, *options):
        path = tmp_path / "runs.csv"
        if isinstance(table, pd.DataFrame):
            table.to_csv(path, index=False)
        else:
            path.write_bytes(table if isinstance(table, bytes) else table.encode())
        monkeypatch.setattr(sys, "argv", ["compare_runs.py", str(path), *options])
        code = None
        try:
            run(compare_runs.main)
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return call
