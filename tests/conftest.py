import pytest

from workspace import Workspace


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished tiny study, to look at or to copy; with what its run printed in ``said``."""
    study = Workspace.fresh(tmp_path_factory.mktemp("finished"))
    study.said = study.snakemake().stderr
    return study
