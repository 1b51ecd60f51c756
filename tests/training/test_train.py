"""The command train, run in this process on tiny generated images."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import train
from hardpair.errors import UserError
from hardpair.files import formats, shapes
from hardpair.files.atomic import file_sha256, write_json
from hardpair.training import loop
from hardpair.training.history import EPOCH_COLUMNS
from in_process import RECIPE, SETTINGS, call, evaluate_into, rows_of, train_into

FILLED_IN = {"momentum": 0.9, "weight_decay": 0.0005, "lr_drops": [0.5, 0.8], "lr_factor": 0.1, "dropout": 0.5}
FILES = ["best.safetensors", "epochs.csv", "history.npz", "last.safetensors", "refreshes.csv", "run.json"]


def test_a_run_leaves_its_files_and_nothing_else(trained_run):
    assert sorted(path.name for path in trained_run.iterdir()) == FILES


def test_a_run_records_all_that_it_was_made_of(trained_run, trained_data):
    record = json.loads((trained_run / "run.json").read_text())
    assert (record["variant"], record["seed"], record["epochs"], record["parameters"]) == ("both", 4, 3, 644_234)
    assert record["settings"] == {
        "loss": {"kind": "focal", "gamma": 2, "scale": "dynamic", "scale_over": "training", "scale_max": None, "detach_weight": False},
        "sampler": {"kind": "focal", "gamma": 2, "unbias": 0, "factor_max": 100},
        "precision": "fp32",
        "deterministic": False,
    }
    assert record["recipe"] == RECIPE | FILLED_IN
    about = json.loads((trained_data / "dataset.json").read_text())
    assert record["data"] == {"name": "tiny", "sha256": about["sha256"]}
    assert {key: record[key] for key in ("classes", "size", "mean", "std")} == {
        key: about[key] for key in ("classes", "size", "mean", "std")
    }
    assert (record["device_type"], record["precision"], record["threads"]) == ("cpu", "fp32", 1)
    assert record["versions"]["torch"] == torch.__version__.partition("+")[0] or record["versions"]["torch"] == torch.__version__
    assert record["weights"] == {name: file_sha256(trained_run / f"{name}.safetensors") for name in ("last", "best")}
    assert record["seconds"] > 0
    assert record["images_per_second"] == pytest.approx(3 * 170 / record["seconds"], rel=0.01)
    assert shapes.difference(record, formats.RUN) is None
    assert 50 < record["peak_memory_mb"] < 20_000


def test_tables_have_a_row_for_each_epoch_and_refresh(trained_run):
    epochs, refreshes, progress = (
        rows_of(path) for path in (trained_run / "epochs.csv", trained_run / "refreshes.csv", trained_run.parent / "progress.csv")
    )
    assert [row["epoch"] for row in epochs] == ["1", "2", "3"]
    assert tuple(epochs[0]) == EPOCH_COLUMNS
    assert all(all(row.values()) for row in epochs)
    assert [(row["epoch"], row["applied"]) for row in refreshes] == [("0", "1"), ("2", "1"), ("3", "1")]
    assert all(float(row["loss_scale"]) == pytest.approx(1 / float(row["loss_mean_weight"]), rel=1e-6) for row in refreshes)
    assert [{name: row[name] for name in EPOCH_COLUMNS} for row in progress] == epochs
    assert all(float(row["seconds"]) > 0 and float(row["images_per_second"]) > 0 for row in progress)
    with np.load(trained_run / "history.npz") as history:
        assert history["refresh_epoch"].tolist() == [0, 2, 3]
        assert history["p_histogram"].sum(1).tolist() == [170] * 3
        assert history["validation_confusion"].sum((1, 2)).tolist() == [30] * 3
        accuracies = np.trace(history["validation_confusion"], axis1=1, axis2=2) / 30
    np.testing.assert_allclose(accuracies, [float(row["validation_accuracy"]) for row in epochs])


def test_a_second_run_is_the_same_to_the_byte(trained_run, trained_data, tmp_path):
    first, second = json.loads((trained_run / "run.json").read_text()), train_into(tmp_path, trained_data, "--seed", 4, "--variant", "both")
    for name in FILES[:-1]:
        assert (tmp_path / name).read_bytes() == (trained_run / name).read_bytes(), name
    varying = {"seconds", "images_per_second", "peak_memory_mb", "content_sha256"}
    assert {key: value for key, value in first.items() if key not in varying} == {k: v for k, v in second.items() if k not in varying}


def test_another_seed_loss_or_recipe_has_another_fingerprint(trained_run, trained_data, tmp_path):
    short = ("--stop-after", 1)
    base = train_into(tmp_path, trained_data, *short)["fingerprint"]
    others = [
        train_into(tmp_path, trained_data, *short, "--seed", 1),
        train_into(tmp_path, trained_data, *short, settings=SETTINGS | {"sampler": {"kind": "uniform"}}),
        train_into(tmp_path, trained_data, *short, recipe=RECIPE | {"momentum": 0.8}),
        train_into(tmp_path, trained_data, *short, split="no-validation.json"),
    ]
    assert len({base, *(record["fingerprint"] for record in others)}) == 5


def test_a_recipe_of_a_variant_overrides_the_shared_one(trained_data, tmp_path):
    own = {"learning_rate": 0.05, "lr_drops": [0.4]}
    records = [
        train_into(tmp_path / "own", trained_data, settings=SETTINGS | {"recipe": own}),
        train_into(tmp_path / "shared", trained_data, recipe=RECIPE | own),
    ]
    assert records[0]["recipe"] == RECIPE | FILLED_IN | own
    for key in ("recipe", "settings", "fingerprint", "weights"):
        assert records[0][key] == records[1][key]


def test_without_validation_there_is_no_best_model_and_its_columns_are_empty(trained_data, tmp_path):
    record = train_into(tmp_path, trained_data, split="no-validation.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES[1:]
    assert record["best_epoch"] is None
    assert list(record["weights"]) == ["last"]
    assert {row[name] for row in rows_of(tmp_path / "epochs.csv") for name in EPOCH_COLUMNS[4:]} == {""}
    evaluation, predictions = evaluate_into(tmp_path, tmp_path, trained_data)
    assert list(evaluation["models"]) == ["last"]
    assert sorted(predictions) == ["index", "labels", "last"]


def test_a_run_that_stops_early_or_diverges_keeps_its_progress_and_a_diverged_one_leaves_no_model(trained_data, tmp_path):
    train_into(tmp_path / "early", trained_data, "--stop-after", 2, "--progress", tmp_path / "early.csv")
    assert [row["epoch"] for row in rows_of(tmp_path / "early.csv")] == ["1", "2"]
    with pytest.raises(loop.Diverged, match=r"recipe\.learning_rate"):
        train_into(tmp_path / "lost", trained_data, "--progress", tmp_path / "lost.csv", recipe=RECIPE | {"learning_rate": 1e6})
    assert not (tmp_path / "lost").exists()
    assert (tmp_path / "lost.csv").exists()


@pytest.mark.parametrize(
    ("settings", "recipe", "sentence"),
    [
        ({"loss": {"kind": "fokal"}}, {}, r"loss\.kind"),
        ({"loss": {"kind": "focal", "gama": 2}}, {}, r"loss\.gama is not a key.*gamma"),
        ({"precision": "fp8"}, {}, r"precision"),
        ({}, {"epochs": 0}, r"epochs is 0"),
        ({}, {"lerning_rate": 0.1}, r"did you mean learning_rate"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(trained_data, tmp_path, settings, recipe, sentence):
    with pytest.raises(UserError, match=sentence):
        train_into(tmp_path / "out", trained_data, settings=settings, recipe=recipe)
    assert not (tmp_path / "out").exists()


def test_a_split_of_other_data_is_refused(trained_data, tmp_path):
    write_json(tmp_path / "split.json", {"data_sha256": "0" * 64, "training": [0], "validation": [1]})
    with pytest.raises(UserError, match="made for other data"):
        call(train, "--data", trained_data, "--split", tmp_path / "split.json", "--output-dir", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_training_loads_neither_torchvision_nor_the_compiler(trained_run, trained_data, tmp_path):
    arguments = [
        "train.py",
        "--data",
        trained_data,
        "--split",
        trained_data / "split.json",
        "--seed",
        4,
        "--gpus",
        0,
        "--output-dir",
        tmp_path,
    ]
    arguments = [*map(str, arguments), "--settings", json.dumps(SETTINGS), "--recipe", json.dumps(RECIPE)]
    code = f"import runpy, sys; sys.argv = {arguments}; runpy.run_path('train.py', run_name='__main__'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(train.__file__).parent, check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert not {"torchvision", "torch._dynamo", "matplotlib", "pandas", "scipy", "optuna"} & loaded
    assert "hardpair.training.loop" in loaded
    assert all(
        torch.equal(a, load_file(trained_run / "last.safetensors")[name]) for name, a in load_file(tmp_path / "last.safetensors").items()
    )
