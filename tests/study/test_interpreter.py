"""Jobs start ``python``: one that lacks what they import is refused before the first job."""

import re
import sys
from pathlib import Path

import pytest

from hardpair.errors import UserError
from hardpair.study.interpreter import refuse_other_python
from workspace import Workspace

HERE = Path(sys.executable).parent


def program(folder, text):
    folder.mkdir()
    (folder / "python").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "python").chmod(0o755)
    return str(folder)


def test_a_python_without_the_packages_is_refused_and_one_with_them_is_not(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{HERE}:/usr/bin:/bin")
    refuse_other_python()
    monkeypatch.setenv("PATH", program(tmp_path / "same", f'exec {sys.executable} "$@"'))
    refuse_other_python()
    monkeypatch.setenv("PATH", program(tmp_path / "bare", f'exec {sys.executable} -IS "$@"'))
    message = f"{tmp_path}/bare/python lacks packages of hardpair, and jobs start `python`: run `export PATH={HERE}:$PATH` first"
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        refuse_other_python()
    (tmp_path / "bare/python").write_text("#!/no/python\n")
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        refuse_other_python()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"^no `python` is in PATH, "):
        refuse_other_python()


def test_a_snakemake_that_is_called_by_its_path_ends_before_the_first_job(tmp_path):
    study = Workspace.fresh(tmp_path / "study")
    folder = program(tmp_path / "bare", f'exec {sys.executable} -IS "$@"')
    command = f'PATH="{folder}:/usr/bin:/bin" exec {HERE}/snakemake --cores 1 --configfile tiny.yaml'
    done = study.run("bash", "-c", command, check=False)
    assert done.returncode == 1
    assert f"run `export PATH={HERE}:$PATH` first" in done.stdout + done.stderr
    assert not (study.folder / "resources/synthetic").exists()
