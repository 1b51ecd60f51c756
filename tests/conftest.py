import filelock
import pytest

from workspace import Workspace


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A finished tiny study, to look at or to copy; with what its run printed in ``said``. It is run once, and each worker has a copy."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "finished"
    told = folder / "said"
    with filelock.FileLock(f"{folder}.lock"):
        if not told.exists():
            told.write_text(Workspace.fresh(folder).snakemake().stderr)
    study = Workspace(folder).copy(base / "copy")
    study.said = told.read_text()
    return study
