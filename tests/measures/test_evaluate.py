"""The command evaluate measures what it stores, and refuses in a sentence what it cannot measure."""

import json
import platform
import re
import shutil
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
from safetensors.numpy import load_file, save_file
from scipy.special import log_softmax

import evaluate
from hardpair.data import dataset
from hardpair.data.arrays import load_part
from hardpair.errors import UserError
from hardpair.files import own_digest, own_folder
from hardpair.files.atomic import file_sha256, write_json
from hardpair.files.json_text import read_json
from hardpair.jobs import gpu
from hardpair.training.divergence import Diverged
from in_process import call, evaluate_into, rows_of

PAIRS = [["cat", "dog"], ["ship", "truck"]]


@pytest.mark.parametrize("on", ["test", "validation"])
def test_measures_are_those_of_the_stored_logits(trained_run, trained_data, tmp_path, on):
    evaluation, predictions = evaluate_into(
        tmp_path, trained_run, trained_data, "--split", trained_data / "split.json", evaluated_on=on, pairs=PAIRS
    )
    record, labels = json.loads((trained_run / "run.json").read_text()), predictions["labels"]
    stored = np.load(trained_data / ("test" if on == "test" else "train") / "labels.npy")
    np.testing.assert_array_equal(predictions["index"], np.arange(100) if on == "test" else np.arange(170, 200))
    np.testing.assert_array_equal(labels, stored[predictions["index"]])
    identity = {"variant": "both", "seed": 4, "fingerprint": record["fingerprint"], "evaluated_on": on, "images": len(labels)}
    assert {key: evaluation[key] for key in identity} == identity
    assert {key: evaluation[key] for key in ("device", "device_type", "threads", "versions")} == {
        "device": record["device"],
        "device_type": "cpu",
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in ("torch", "numpy", "safetensors")},
    }
    for name in ("last", "best"):
        logits, measures = predictions[name], evaluation["models"][name]
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
            row = rows_of(trained_run / "epochs.csv")[-1 if name == "last" else record["best_epoch"] - 1]
            assert measures["accuracy"] == pytest.approx(float(row["validation_accuracy"]))
            assert measures["nll"] == pytest.approx(float(row["validation_loss"]), rel=1e-5)


def broken_copy(trained_run, folder, missing=()):
    for path in trained_run.iterdir():
        if path.name not in missing:
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


WRONG = {
    "a word that YAML 1.1 takes for true": ("on: validation", "on is not a key of settings: see --help"),
    "an unknown key": ("evaluate_on: validation", r"evaluate_on is not a key of settings: did you mean evaluated_on\?"),
    "other images": ("evaluated_on: training", 'evaluated_on is "training"'),
    "half a pair": ("pairs: [[cat]]", r"pairs is \[\[\"cat\"\]\]"),
    "a pair of one class": ("pairs: [[cat, cat]]", r"pairs is \[\[\"cat\", \"cat\"\]\]"),
    "a class that is no text": ("pairs: [[cat, false]]", r"pairs is \[\[\"cat\", false\]\]"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_settings_of_an_evaluation_end_in_one_sentence(trained_run, trained_data, tmp_path, capsys, kind):
    text, sentence = WRONG[kind]
    (tmp_path / "settings.yaml").write_text(text)
    arguments = (
        "--run",
        trained_run,
        "--data",
        trained_data,
        "--split",
        trained_data / "split.json",
        "--settings",
        tmp_path / "settings.yaml",
    )
    with pytest.raises(SystemExit):
        call(evaluate, *arguments, "--output-dir", tmp_path / "out")
    assert re.search(rf"error: argument --settings: [^\n]*{sentence}[^\n]*\n$", capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_a_class_that_the_model_lacks_is_named_before_anything_is_written(trained_run, trained_data, tmp_path):
    with pytest.raises(UserError, match=r'pairs\[0\] names the class "wolf", which the model does not have: choose from airplane'):
        evaluate_into(tmp_path / "out", trained_run, trained_data, pairs=[["cat", "wolf"]])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("model", ["last", "best"])
def test_a_model_whose_logits_overflow_is_refused_as_a_run_that_diverges(trained_run, trained_data, tmp_path, model):
    """Finite weights, of which a logit is a product of several."""
    (tmp_path / "run").mkdir()
    broken_copy(trained_run, tmp_path / "run")
    path = tmp_path / "run" / f"{model}.safetensors"
    save_file({name: weights * 1e12 for name, weights in load_file(path).items()}, path)
    record = read_json(tmp_path / "run/run.json")
    write_json(tmp_path / "run/run.json", own_digest.added(record | {"weights": record["weights"] | {model: file_sha256(path)}}))
    sentence = rf"{model}\.safetensors gives logits that are NaN or infinite for test images, .*: use a lower recipe\.learning_rate or"
    with pytest.raises(Diverged, match=sentence):
        evaluate_into(tmp_path / "out", tmp_path / "run", trained_data)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", ["best.safetensors", "last.safetensors", "run.json"])
def test_a_missing_model_or_record_is_named_and_nothing_is_half_written(trained_run, trained_data, tmp_path, missing):
    (tmp_path / "run").mkdir()
    with pytest.raises(UserError, match=rf"{missing} is missing"):
        evaluate_into(tmp_path / "out", broken_copy(trained_run, tmp_path / "run", {missing}), trained_data)
    assert not (tmp_path / "out").exists()


def test_validation_images_need_a_split(trained_run, trained_data, tmp_path):
    with pytest.raises(UserError, match="--split is missing"):
        evaluate_into(tmp_path / "out", trained_run, trained_data, evaluated_on="validation")
    assert not (tmp_path / "out").exists()


def ships_and_trucks(trained_run, trained_data, tmp_path):
    """A run, and its data with no other classes than ship and truck among the test images."""
    folder, run = tmp_path / "ships", tmp_path / "run"
    shutil.copytree(trained_data, folder)
    np.save(folder / "test" / "labels.npy", np.full(100, 8) + np.arange(100) % 2)
    sha256 = dataset.content_hash({part: load_part(folder, part) for part in ("train", "test")})
    write_json(folder / "dataset.json", read_json(folder / "dataset.json") | {"sha256": sha256})
    run.mkdir()
    record = read_json(broken_copy(trained_run, run) / "run.json")
    write_json(run / "run.json", own_digest.added(record | {"data": record["data"] | {"sha256": sha256}}))
    return run, folder


def test_images_that_are_not_those_of_the_run_are_refused(trained_run, trained_data, tmp_path, monkeypatch):
    """Other test images may have been among the run's training images."""
    monkeypatch.setattr("hardpair.training.inference.infer", None)
    _, ships = ships_and_trucks(trained_run, trained_data, tmp_path)
    with pytest.raises(UserError, match=rf"ships holds other images than {trained_run} was trained on: name the folder of its data"):
        evaluate_into(tmp_path / "out", trained_run, ships)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", ["cat", "dog"])
def test_a_pair_of_which_one_class_has_no_images_is_refused(trained_run, trained_data, tmp_path, monkeypatch, missing):
    monkeypatch.setattr("hardpair.training.inference.infer", None)
    run, ships = ships_and_trucks(trained_run, trained_data, tmp_path)
    pairs = [["ship", missing]] if missing == "cat" else [[missing, "ship"]]
    sentence = rf'pairs\[0\] is {"-".join(pairs[0])}, but none of the 100 test images is of the class "{missing}": leave it out, or'
    with pytest.raises(UserError, match=sentence):
        evaluate_into(tmp_path / "out", run, ships, pairs=pairs)
    assert not (tmp_path / "out").exists()


def test_a_pair_without_images_is_refused_before_anything_is_computed(trained_run, trained_data, tmp_path, monkeypatch):
    monkeypatch.setattr("hardpair.training.inference.infer", None)
    run, ships = ships_and_trucks(trained_run, trained_data, tmp_path)
    with pytest.raises(UserError, match=r"pairs\[1\] is cat-dog, but none of the 100 test images is of either class: leave it out"):
        evaluate_into(tmp_path / "out", run, ships, pairs=[["ship", "truck"], ["cat", "dog"]])
    split = trained_data / "no-validation.json"
    with pytest.raises(UserError, match=r"no-validation\.json holds out no validation images: make a split with some, or evaluate on test"):
        evaluate_into(tmp_path / "out", trained_run, trained_data, "--split", split, evaluated_on="validation", pairs=[["cat", "dog"]])
    assert not (tmp_path / "out").exists()


def test_an_evaluation_shares_a_gpu_where_it_may(trained_run, trained_data, tmp_path, monkeypatch):
    for variable in gpu.JOB_IDS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    monkeypatch.setattr(own_folder, "TEMPORARY", tmp_path)
    monkeypatch.setattr(gpu, "_held", [])
    monkeypatch.setattr(gpu.time, "sleep", None)  # it need not wait
    held, give_back = [], gpu.give_back
    monkeypatch.setattr(gpu, "give_back", lambda: (held.extend(Path(lock.lock_file).name for lock in gpu._held), give_back()))
    gpu.take_gpu(1, who="a training")
    arguments = ("--run", trained_run, "--data", trained_data, "--jobs-per-gpu", 2, "--output-dir", tmp_path / "out")
    monkeypatch.setattr(sys, "argv", ["evaluate.py", *map(str, arguments)])
    evaluate.main()
    assert held == ["7.0.lock", "7.1.lock"]
    assert gpu._held == [], "torch has no GPU here, so others may have it"
