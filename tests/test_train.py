"""The commands train and evaluate, run in this process on tiny generated images."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
from safetensors.torch import load_file
from scipy.special import log_softmax

import evaluate
import train
from hardpair import lease, loop, shapes
from hardpair.errors import UserError
from hardpair.files import file_sha256, read_json, write_json
from prepared_data import prepare

torch.set_num_threads(1)
RECIPE = {"epochs": 3, "batch_size": 64, "learning_rate": 0.02, "refresh_every": 2}
SETTINGS = {"loss": {"kind": "focal", "scale": "dynamic"}, "sampler": {"kind": "focal"}, "precision": "fp32"}
FILES = ["best.safetensors", "epochs.csv", "history.npz", "last.safetensors", "refreshes.csv", "run.json"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Prepared data with the split: 170 images to train on, 30 to validate, 100 to test."""
    folder = prepare(tmp_path_factory.mktemp("data"), training=170, validation=30, test=100)
    write_json(folder / "no-validation.json", read_json(folder / "split.json") | {"validation": []})
    return folder


def call(script, *arguments):
    """Run a script's ``main`` with these arguments."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [f"{script.__name__}.py", *map(str, arguments), "--gpus", "0"])
        script.main()


def train_into(folder, data, *arguments, settings=SETTINGS, recipe=RECIPE, split="split.json"):
    given = ("--settings", json.dumps(settings), "--recipe", json.dumps(recipe), "--output-dir", folder)
    call(train, "--data", data, "--split", data / split, *given, *arguments)
    return json.loads((folder / "run.json").read_text())


def evaluate_into(folder, run, data, *arguments, **settings):
    call(evaluate, "--run", run, "--data", data, "--settings", json.dumps(settings), "--output-dir", folder, *arguments)
    return json.loads((folder / "metrics.json").read_text()), np.load(folder / "predictions.npz")


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train_into(folder, data, "--seed", 4, "--variant", "both", "--progress", folder.parent / "progress.csv")
    return folder


def test_a_run_leaves_its_files_and_nothing_else(run):
    assert sorted(path.name for path in run.iterdir()) == FILES


def test_a_run_records_all_that_it_was_made_of(run, data):
    record = json.loads((run / "run.json").read_text())
    assert (record["variant"], record["seed"], record["epochs"], record["parameters"]) == ("both", 4, 3, 644_234)
    assert record["settings"] == {
        "loss": {"kind": "focal", "gamma": 2, "scale": "dynamic", "scale_over": "training", "scale_max": None, "detach_weight": False},
        "sampler": {"kind": "focal", "gamma": 2, "unbias": 0, "factor_max": 100},
        "precision": "fp32",
        "deterministic": False,
    }
    filled_in = {"momentum": 0.9, "weight_decay": 0.0005, "lr_drops": [0.5, 0.8], "lr_factor": 0.1, "dropout": 0.5}
    assert record["recipe"] == RECIPE | filled_in
    about = json.loads((data / "dataset.json").read_text())
    assert record["data"] == {"name": "tiny", "sha256": about["sha256"]}
    assert {key: record[key] for key in ("classes", "size", "mean", "std")} == {
        key: about[key] for key in ("classes", "size", "mean", "std")
    }
    assert (record["device_type"], record["precision"], record["threads"]) == ("cpu", "fp32", 1)
    assert record["versions"]["torch"] == torch.__version__.partition("+")[0] or record["versions"]["torch"] == torch.__version__
    assert record["weights"] == {name: file_sha256(run / f"{name}.safetensors") for name in ("last", "best")}
    assert record["seconds"] > 0
    assert record["images_per_second"] == pytest.approx(3 * 170 / record["seconds"], rel=0.01)
    assert shapes.difference(record, shapes.RUN) is None
    assert 50 < record["peak_memory_mb"] < 20_000


def test_tables_have_a_row_for_each_epoch_and_refresh(run):
    epochs, refreshes, progress = (rows_of(path) for path in (run / "epochs.csv", run / "refreshes.csv", run.parent / "progress.csv"))
    assert [row["epoch"] for row in epochs] == ["1", "2", "3"]
    assert tuple(epochs[0]) == loop.EPOCH_COLUMNS
    assert all(all(row.values()) for row in epochs)
    assert [(row["epoch"], row["applied"]) for row in refreshes] == [("0", "1"), ("2", "1"), ("3", "1")]
    assert all(float(row["loss_scale"]) == pytest.approx(1 / float(row["loss_mean_weight"]), rel=1e-6) for row in refreshes)
    assert [{name: row[name] for name in loop.EPOCH_COLUMNS} for row in progress] == epochs
    assert all(float(row["seconds"]) > 0 and float(row["images_per_second"]) > 0 for row in progress)
    with np.load(run / "history.npz") as history:
        assert history["refresh_epoch"].tolist() == [0, 2, 3]
        assert history["p_histogram"].sum(1).tolist() == [170] * 3
        assert history["validation_confusion"].sum((1, 2)).tolist() == [30] * 3
        accuracies = np.trace(history["validation_confusion"], axis1=1, axis2=2) / 30
    np.testing.assert_allclose(accuracies, [float(row["validation_accuracy"]) for row in epochs])


def test_a_second_run_is_the_same_to_the_byte(run, data, tmp_path):
    first, second = json.loads((run / "run.json").read_text()), train_into(tmp_path, data, "--seed", 4, "--variant", "both")
    for name in FILES[:-1]:
        assert (tmp_path / name).read_bytes() == (run / name).read_bytes(), name
    told_anew = {"seconds", "images_per_second", "peak_memory_mb"}
    assert {key: value for key, value in first.items() if key not in told_anew} == {k: v for k, v in second.items() if k not in told_anew}


def test_another_seed_loss_recipe_or_code_has_another_fingerprint(run, data, tmp_path):
    short = ("--stop-after", 1)
    base = train_into(tmp_path, data, *short)["fingerprint"]
    others = [
        train_into(tmp_path, data, *short, "--seed", 1),
        train_into(tmp_path, data, *short, "--code", "0123"),
        train_into(tmp_path, data, *short, settings=SETTINGS | {"sampler": {"kind": "uniform"}}),
        train_into(tmp_path, data, *short, recipe=RECIPE | {"momentum": 0.8}),
        train_into(tmp_path, data, *short, split="no-validation.json"),
    ]
    assert len({base, *(record["fingerprint"] for record in others)}) == 6


def test_without_validation_there_is_no_best_model_and_its_columns_are_empty(data, tmp_path):
    record = train_into(tmp_path, data, split="no-validation.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES[1:]
    assert record["best_epoch"] is None
    assert list(record["weights"]) == ["last"]
    assert {row[name] for row in rows_of(tmp_path / "epochs.csv") for name in loop.EPOCH_COLUMNS[4:]} == {""}
    told, predictions = evaluate_into(tmp_path, tmp_path, data)
    assert list(told["models"]) == ["last"]
    assert sorted(predictions) == ["index", "labels", "last"]


def test_a_run_that_stops_early_or_diverges_keeps_its_progress_and_a_diverged_one_leaves_no_model(data, tmp_path):
    train_into(tmp_path / "early", data, "--stop-after", 2, "--progress", tmp_path / "early.csv")
    assert [row["epoch"] for row in rows_of(tmp_path / "early.csv")] == ["1", "2"]
    with pytest.raises(loop.Diverged, match=r"recipe\.learning_rate"):
        train_into(tmp_path / "lost", data, "--progress", tmp_path / "lost.csv", recipe=RECIPE | {"learning_rate": 1e6})
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
def test_wrong_settings_are_told_before_anything_is_written(data, tmp_path, settings, recipe, sentence):
    with pytest.raises(UserError, match=sentence):
        train_into(tmp_path / "out", data, settings=settings, recipe=recipe)
    assert not (tmp_path / "out").exists()


def test_a_split_of_other_data_is_refused(data, tmp_path):
    write_json(tmp_path / "split.json", {"data_sha256": "0" * 64, "training": [0], "validation": [1]})
    with pytest.raises(UserError, match="made for other data"):
        call(train, "--data", data, "--split", tmp_path / "split.json", "--output-dir", tmp_path / "out")
    assert not (tmp_path / "out").exists()


PAIRS = [["cat", "dog"], ["ship", "truck"]]


@pytest.mark.parametrize("on", ["test", "validation"])
def test_measures_are_those_of_the_stored_logits(run, data, tmp_path, on):
    told, predictions = evaluate_into(tmp_path, run, data, "--split", data / "split.json", evaluated_on=on, pairs=PAIRS)
    record, labels = json.loads((run / "run.json").read_text()), predictions["labels"]
    stored = np.load(data / ("test" if on == "test" else "train") / "labels.npy")
    np.testing.assert_array_equal(predictions["index"], np.arange(100) if on == "test" else np.arange(170, 200))
    np.testing.assert_array_equal(labels, stored[predictions["index"]])
    identity = {"variant": "both", "seed": 4, "fingerprint": record["fingerprint"], "evaluated_on": on, "images": len(labels)}
    assert {key: told[key] for key in identity} == identity
    for name in ("last", "best"):
        logits, measures = predictions[name], told["models"][name]
        predicted, confusion = logits.argmax(1), sk.confusion_matrix(labels, logits.argmax(1), labels=range(10))
        assert logits.dtype == np.float32
        assert measures["confusion"] == confusion.tolist()
        assert measures["accuracy"] == pytest.approx(sk.accuracy_score(labels, predicted))
        expected = sk.log_loss(labels, np.exp(log_softmax(logits.astype(float), axis=1)), labels=range(10))
        assert measures["nll"] == pytest.approx(expected, rel=1e-6)
        assert list(measures["pairs"]) == ["cat-dog", "ship-truck"]
        crossed = (confusion[3, 5] + confusion[5, 3]) / (confusion[3].sum() + confusion[5].sum())
        assert measures["pairs"]["cat-dog"]["rate"] == pytest.approx(crossed)
        if on == "validation":
            row = rows_of(run / "epochs.csv")[-1 if name == "last" else record["best_epoch"] - 1]
            assert measures["accuracy"] == pytest.approx(float(row["validation_accuracy"]))
            assert measures["nll"] == pytest.approx(float(row["validation_loss"]), rel=1e-5)


def broken_copy(run, folder, missing=()):
    for path in run.iterdir():
        if path.name not in missing:
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


WRONG = {
    "YAML that reads a key as true": ("on: validation", "True is no key of settings: see --help"),
    "an unknown key": ("evaluate_on: validation", r"evaluate_on is no key of settings: did you mean evaluated_on\?"),
    "other images": ("evaluated_on: training", 'evaluated_on is "training"'),
    "half a pair": ("pairs: [[cat]]", r"pairs is \[\[\"cat\"\]\]"),
    "a pair of one class": ("pairs: [[cat, cat]]", r"pairs is \[\[\"cat\", \"cat\"\]\]"),
    "a class as YAML reads it": ("pairs: [[cat, no]]", r"pairs is \[\[\"cat\", false\]\]"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_settings_of_an_evaluation_are_told_in_a_sentence(run, data, tmp_path, capsys, kind):
    text, sentence = WRONG[kind]
    (tmp_path / "settings.yaml").write_text(text)
    given = ("--run", run, "--data", data, "--split", data / "split.json", "--settings", tmp_path / "settings.yaml")
    with pytest.raises(SystemExit):
        call(evaluate, *given, "--output-dir", tmp_path / "out")
    assert re.search(rf"error: argument --settings: [^\n]*{sentence}[^\n]*\n$", capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_a_class_that_the_model_lacks_is_named_before_anything_is_written(run, data, tmp_path):
    with pytest.raises(UserError, match=r'pairs\[0\] names the class "wolf", which the model does not have: choose from airplane'):
        evaluate_into(tmp_path / "out", run, data, pairs=[["cat", "wolf"]])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", ["best.safetensors", "last.safetensors", "run.json"])
def test_a_missing_model_or_record_is_named_and_nothing_is_half_written(run, data, tmp_path, missing):
    (tmp_path / "run").mkdir()
    with pytest.raises(UserError, match=rf"{missing} is missing"):
        evaluate_into(tmp_path / "out", broken_copy(run, tmp_path / "run", {missing}), data)
    assert not (tmp_path / "out").exists()


def test_validation_images_need_a_split(run, data, tmp_path):
    with pytest.raises(UserError, match="--split is missing"):
        evaluate_into(tmp_path / "out", run, data, evaluated_on="validation")
    assert not (tmp_path / "out").exists()


def only_ships(data, folder):
    """The same data with no other class than ship among the test images."""
    shutil.copytree(data, folder)
    np.save(folder / "test" / "labels.npy", np.full(100, 8))
    return folder


def test_what_has_no_images_to_measure_is_told_before_anything_is_computed(run, data, tmp_path, monkeypatch):
    monkeypatch.setattr("hardpair.inference.infer", None)
    ships = only_ships(data, tmp_path / "ships")
    with pytest.raises(UserError, match=r"pairs\[1\] is cat-dog, but none of the 100 test images is of either class: leave it out"):
        evaluate_into(tmp_path / "out", run, ships, pairs=[["cat", "ship"], ["cat", "dog"]])
    split = data / "no-validation.json"
    with pytest.raises(UserError, match=r"no-validation\.json holds out no validation images: make a split with some, or evaluate on test"):
        evaluate_into(tmp_path / "out", run, data, "--split", split, evaluated_on="validation", pairs=[["cat", "dog"]])
    assert not (tmp_path / "out").exists()


def test_a_pair_is_measured_by_the_images_of_one_class_where_the_other_has_none(run, data, tmp_path):
    told, predictions = evaluate_into(tmp_path / "out", run, only_ships(data, tmp_path / "ships"), pairs=[["cat", "ship"]])
    logits = predictions["last"]
    errors = told["models"]["last"]["pairs"]["cat-ship"]
    assert errors["rate"] == errors["b_to_a"] == pytest.approx((logits.argmax(1) == 3).mean())
    assert errors["binary_error"] == pytest.approx((logits[:, 3] > logits[:, 8]).mean())


def test_an_evaluation_shares_a_gpu_where_it_may(run, data, tmp_path, monkeypatch):
    for variable in lease.JOB_IDS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    monkeypatch.setattr(lease, "TEMPORARY", tmp_path)
    monkeypatch.setattr(lease, "_held", [])
    monkeypatch.setattr(lease.time, "sleep", None)  # it need not wait
    lease.take_gpu(1, who="a training")
    given = ("--run", run, "--data", data, "--jobs-per-gpu", 2, "--output-dir", tmp_path / "out")
    monkeypatch.setattr(sys, "argv", ["evaluate.py", *map(str, given)])
    evaluate.main()
    assert [Path(lock.lock_file).name for lock in lease._held] == ["7.0.lock", "7.1.lock"]
    for lock in lease._held:
        lock.release()


def test_training_loads_neither_torchvision_nor_the_compiler(run, data, tmp_path):
    arguments = ["train.py", "--data", data, "--split", data / "split.json", "--seed", 4, "--gpus", 0, "--output-dir", tmp_path]
    arguments = [*map(str, arguments), "--settings", json.dumps(SETTINGS), "--recipe", json.dumps(RECIPE)]
    code = f"import runpy, sys; sys.argv = {arguments}; runpy.run_path('train.py', run_name='__main__'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(train.__file__).parent, check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert not {"torchvision", "torch._dynamo", "matplotlib", "pandas", "scipy", "optuna"} & loaded
    assert "hardpair.loop" in loaded
    assert all(torch.equal(a, load_file(run / "last.safetensors")[name]) for name, a in load_file(tmp_path / "last.safetensors").items())
