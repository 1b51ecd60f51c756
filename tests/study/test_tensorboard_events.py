"""Events as TensorBoard itself reads them, against the tables that they come from."""

import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hardpair.errors import UserError
from hardpair.study.tensorboard_events import Events

HEADER = (
    "epoch,learning_rate,train_loss,train_accuracy,validation_loss,validation_accuracy,confused,confused_rate,seconds,images_per_second"
)
ROWS = ["1,0.1,2.5,0.25,2.25,0.5,cat-dog,0.125,2.0,100", "2,0.1,2.0,0.5,2.0,0.75,cat-dog,0.25,3.0,90", "3,0.01,1.5,0.75,,,,,4.0,80"]


def read(folder):
    """{tag: [(step, value)]} and {tag: [wall times]} of a folder of events."""
    events = EventAccumulator(str(folder))
    events.Reload()
    scalars = {tag: events.Scalars(tag) for tag in events.Tags()["scalars"]}
    values = {tag: [(event.step, event.value) for event in series] for tag, series in scalars.items()}
    return values, {tag: [event.wall_time for event in series] for tag, series in scalars.items()}


@pytest.fixture
def progress(tmp_path):
    path = tmp_path / "progress" / "dfl" / "seed3.csv"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join([HEADER, *ROWS[:2]]) + "\n")
    return path


def test_rows_are_added_as_a_run_writes_them(tmp_path, progress):
    events = Events(tmp_path)
    assert events.write() == 2
    assert events.write() == 0
    with open(progress, "a") as file:
        file.write(ROWS[2][:9])
        file.flush()
        assert events.write() == 0, "half a row is none"
        file.write(ROWS[2][9:] + "\n")
    assert events.write() == 1
    values, times = read(tmp_path / "events/dfl/seed3")
    assert values["loss/train"] == [(1, 2.5), (2, 2.0), (3, 1.5)]
    assert values["accuracy/validation"] == [(1, 0.5), (2, 0.75)], "an empty cell is no value"
    assert values["confusion/cat-dog"] == [(1, 0.125), (2, 0.25)]
    assert values["speed/images_per_second"] == [(1, 100), (2, 90), (3, 80)]
    assert times["loss/train"][1] - times["loss/train"][0] == pytest.approx(3.0, abs=1e-3), "an epoch later by its seconds"


def test_a_run_that_begins_anew_replaces_its_events(tmp_path, progress):
    events = Events(tmp_path)
    events.write()
    progress.write_text(f"{HEADER}\n{ROWS[0].replace('2.5', '7.5')}\n")
    assert events.write() == 1
    assert read(tmp_path / "events/dfl/seed3")[0]["loss/train"] == [(1, 7.5)]


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("progress/dfl/seed3.csv", HEADER.replace("seconds", "second") + "\n" + "\n".join(ROWS[:2]), "'seconds'"),
        ("progress/dfl/seed3.csv", f"{HEADER}\n{ROWS[0].replace('2.5', 'high')}", "could not convert string to float: 'high'"),
        ("runs/dfl/seed3/refreshes.csv", "epoch,mean_p\n1,0.5", "'applied'"),
        ("runs/dfl/seed3/refreshes.csv", "applied,mean_p\n1,0.5", "'epoch'"),
    ],
)
def test_a_damaged_table_is_named(tmp_path, progress, name, text, wrong):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(f"{text}\n")
    with pytest.raises(UserError) as caught:
        Events(tmp_path).write()
    problem = f"does not hold what it should ({wrong}): delete it and run the step that makes it again"
    assert str(caught.value) == f"{tmp_path / name} {problem}"


@pytest.mark.parametrize("name", ["progress/dfl/seed3.csv", "runs/dfl/seed3/refreshes.csv"])
def test_a_table_in_another_encoding_is_named(tmp_path, progress, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(f"{HEADER}\n{ROWS[0]}".replace("cat", "caf\xe9").encode("latin-1"))
    with pytest.raises(UserError, match=rf"{name} cannot be read \(.*decode.*\): delete it and run the step that makes it again"):
        Events(tmp_path).write()


def test_all_runs_of_a_study_are_written_with_their_weights(finished, tmp_path):
    study = finished.copy(tmp_path)
    output = study.run("python", "workflow/scripts/study.py", "events", "--configfile", "tiny.yaml").stdout
    assert "of 6 runs written: tensorboard --logdir results/tiny/events" in output
    for variant in ("ce", "dfl", "ce_sampler"):
        run = f"{variant}/seed1"
        values, _ = read(study.folder / "results/tiny/events" / run)
        epochs = pd.read_csv(study.folder / f"results/tiny/runs/{run}/epochs.csv")
        assert [value for _, value in values["loss/train"]] == pytest.approx(epochs["train_loss"].tolist(), rel=1e-6)
        refreshes = pd.read_csv(study.folder / f"results/tiny/runs/{run}/refreshes.csv").query("applied == 1").dropna(axis=1)
        weights = {tag: series for tag, series in values.items() if tag.startswith("weights/")}
        assert set(weights) == {
            f"weights/{column}" for column in refreshes.columns if column not in ("epoch", "applied", "sampler_distinct_share")
        } | ({"weights/sampler_distinct_share"} if "sampler" in variant else set())
        assert weights["weights/mean_p"] == [(row.epoch, pytest.approx(row.mean_p)) for row in refreshes.itertuples()]


def test_a_study_without_runs_is_refused(finished, tmp_path):
    study = finished.copy(tmp_path)
    for path in study.folder.glob("results/tiny/progress/*/*.csv"):
        path.unlink()
    done = study.run("python", "workflow/scripts/study.py", "events", "--configfile", "tiny.yaml", check=False)
    assert done.returncode != 0
    assert done.stderr == "study.py: results/tiny has no progress of a run: train one first, or use --follow\n"
