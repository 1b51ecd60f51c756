import gc
import signal

import filelock
import pytest

from faults import Undisturbed
from workspace import Workspace

# Started in the background, a shell has its commands ignore Ctrl-C, and the programs that tests interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish():
    """All that was imported stays, so that no search for garbage need look at it."""
    gc.freeze()


def pytest_unconfigure():
    gc.unfreeze()


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A finished tiny study, to read or to copy; ``output`` is what its run printed. It is run once, and each worker has a copy."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "finished"
    output = folder / "output"
    with filelock.FileLock(f"{folder}.lock"):
        if not output.exists():
            output.write_text(Workspace.fresh(folder).snakemake().stderr)
    study = Workspace(folder).copy(base / "copy")
    study.output = output.read_text()
    return study


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, worker_id):
    """The study that faults are tried on, finished without any, run once for all workers; to read only."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "undisturbed"
    with filelock.FileLock(f"{folder}.lock"):
        return Undisturbed.run_once(folder)


@pytest.fixture
def attempt(request, record_property):
    """A try of a fault, which docs/faults.md counts."""
    record_property("fault", request.param.fault)
    return request.param


@pytest.fixture
def coarse(monkeypatch):
    """Figures of few pixels, for tests that do not look at pixels."""
    from hardpair.figures.drawing import style

    monkeypatch.setitem(style.STYLE, "savefig.dpi", 40)


@pytest.fixture(scope="session")
def drawn_study(tmp_path_factory):
    """A made-up study to draw figures of: its folder, the settings of figures, and its runs."""
    import fake_study
    from hardpair.comparison.runs import Runs

    folder, settings = tmp_path_factory.mktemp("study"), fake_study.settings(seeds=3)
    fake_study.write_study(folder, settings, epochs=6)
    return folder, settings, Runs.declared(folder / "results" / "runs", settings)


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """Prepared data of 8×8 pixels: 200 images to train on (three batches of 64 and one of 8), 30 to validate, 100 to test."""
    from prepared_data import prepare

    return prepare(tmp_path_factory.mktemp("data"), training=200, validation=30, test=100)


@pytest.fixture(scope="session")
def small_images(small_data):
    """Its images that are not for testing, on the CPU."""
    import torch

    from hardpair.training.images import load_images

    return load_images(small_data, "train", torch.device("cpu"))


@pytest.fixture(scope="session")
def small_split(small_data):
    """Which of them are to train on and which to validate."""
    from hardpair.training.images import load_split

    return load_split(small_data / "split.json", small_data)


@pytest.fixture(scope="session")
def plain_history(small_images, small_split):
    """What a run of cross-entropy on them leaves."""
    from small_runs import history_of

    return history_of(small_images, small_split)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A study of four variants, three seeds and two pairs that was never trained, to compare; its files are to look at only."""
    from compared_study import Study

    return Study(tmp_path_factory.mktemp("study"), pairs=[["cat", "dog"], ["truck", "automobile"]])


@pytest.fixture
def loopback_server():
    """A server whose answers the test gives."""
    import loopback

    with loopback.running() as server:
        yield server


@pytest.fixture
def closed_url():
    """An address at which nobody answers."""
    import loopback

    with loopback.closed_port() as address:
        yield f"{address}/a.tar.gz"


@pytest.fixture
def archive(tmp_path):
    """Where a download is to go."""
    return tmp_path / "download" / "a.tar.gz"


@pytest.fixture(scope="session")
def trained_data(tmp_path_factory):
    """Prepared data with the split: 170 images to train on, 30 to validate, 100 to test; and a split that holds out none."""
    from hardpair.files.atomic import write_json
    from hardpair.files.json_text import read_json
    from prepared_data import prepare

    folder = prepare(tmp_path_factory.mktemp("data"), training=170, validation=30, test=100)
    write_json(folder / "no-validation.json", read_json(folder / "split.json") | {"validation": []})
    return folder


@pytest.fixture(scope="session")
def trained_run(trained_data, tmp_path_factory):
    """A finished run with focal loss and sampler, and its progress beside it; to look at only."""
    from in_process import train_into

    folder = tmp_path_factory.mktemp("run")
    train_into(folder, trained_data, "--seed", 4, "--variant", "both", "--progress", folder.parent / "progress.csv")
    return folder
