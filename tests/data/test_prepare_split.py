"""The commands that prepare and split images."""

import json
import sys

import numpy as np
import pytest

import prepare_data
import split_data
from hardpair.cli import command
from hardpair.data import dataset
from hardpair.data.sources import synthetic
from hardpair.files.json_text import read_json
from prepared_data import some_parts


def call(monkeypatch, script, *arguments):
    """Call a command in this process."""
    monkeypatch.setattr(sys, "argv", [f"{script.__name__}.py", *map(str, arguments)])
    command.run(script.main)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("kind", "settings", "advice"),
    [
        (
            "folder",
            {"size": 64, "on_bad_image": "skip"},
            "on_bad_image, on which images of the kind folder do not depend: give it as --on-bad-image",
        ),
        ("folder", {"source": "x"}, "source, on which images of the kind folder do not depend: give it as --source"),
        ("cifar10", {"size": 64}, "size, on which images of the kind cifar10 do not depend: remove it"),
    ],
)
def test_settings_that_images_do_not_depend_on_are_refused(tmp_path, monkeypatch, kind, settings, advice):
    where = "--name", "x", "--source", "x", "--output-dir", tmp_path / "out"
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, prepare_data, "--kind", kind, *where, "--settings", json.dumps(settings))
    assert ended.value.code == f"prepare_data.py: --settings has {advice}"
    assert not (tmp_path / "out").exists()


def test_the_same_settings_prepare_and_split_to_the_same_bytes(tmp_path, monkeypatch):
    shape = json.dumps({"synthetic": {"train": 100, "test": 100, "size": 8, "separation": 1.5}})
    for folder in (tmp_path / "a", tmp_path / "b"):
        call(monkeypatch, prepare_data, "--kind", "synthetic", "--name", "made", "--settings", shape, "--output-dir", folder)
        call(monkeypatch, split_data, "--data", folder, "--settings", '{"validation": 30}', "--output", folder / "split.json")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    split, about = read_json(tmp_path / "a" / "split.json"), read_json(tmp_path / "a" / "dataset.json")
    assert len(split["training"]) == 70
    assert sorted(split["training"] + split["validation"]) == list(range(100))
    assert split["data_sha256"] == about["sha256"]
    assert (about["kind"], about["name"], about["size"], about["bayes_error"]["cat-dog"]) == (
        "synthetic",
        "made",
        8,
        synthetic.bayes_error(1.5),
    )


@pytest.mark.parametrize(
    ("kind", "more", "message"),
    [
        ("cifar10", [], "--source is missing"),
        ("cifar10", ["--source", "nowhere.tar.gz"], "data.source nowhere.tar.gz does not exist"),
        ("synthetic", ["--settings", '{"synthetic": {"sise": 8}}'], "data.synthetic.sise is not a key: did you mean size?"),
        ("synthetic", ["--settings", '{"train": 8}'], "data.train is not a key"),
        ("folder", [], "--source is missing"),
        ("folder", ["--source", "nowhere"], "data.source nowhere does not exist"),
        ("synthetic", ["--settings", '{"synthetic": {"size": 12}}'], "data.synthetic.size is 12"),
    ],
)
def test_what_cannot_be_prepared_ends_in_one_sentence(tmp_path, monkeypatch, kind, more, message):
    with pytest.raises(SystemExit) as caught:
        call(monkeypatch, prepare_data, "--kind", kind, "--name", "made", *more, "--output-dir", tmp_path / "out")
    assert message in caught.value.code
    assert "\n" not in caught.value.code
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ('{"validation": 4}', "need 5 images, but there are 4"),
        ('{"validation": -1}', "data.validation is -1"),
        ('{"validation": 0, "imbalance": 0.5}', "data.imbalance is 0.5"),
        ('{"validation": 0, "imbalance": 9}', "data.imbalance 9 keeps none of the"),
        ('{"validation": 0, "imbalance": 2, "training": 10}', "data.imbalance and data.training both set the number"),
        ('{"split": "x"}', "data.split is"),
    ],
)
def test_what_cannot_be_split_ends_in_one_sentence(tmp_path, monkeypatch, wish, message):
    dataset.save(tmp_path, {"kind": "synthetic", "name": "made", "classes": list("abcdefghij")}, some_parts())
    with pytest.raises(SystemExit) as caught:
        call(monkeypatch, split_data, "--data", tmp_path, "--settings", wish, "--output", tmp_path / "split.json")
    assert message in caught.value.code
    assert "\n" not in caught.value.code
    assert not (tmp_path / "split.json").exists()


def test_a_split_without_prepared_data_names_the_missing_file(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match=r"dataset\.json is missing"):
        call(monkeypatch, split_data, "--data", tmp_path, "--output", tmp_path / "split.json")


def test_a_tail_records_its_counts_and_no_tail_changes_no_byte(tmp_path, monkeypatch):
    shape = json.dumps({"synthetic": {"train": 200, "test": 100, "size": 8, "separation": 1.5}})
    call(monkeypatch, prepare_data, "--kind", "synthetic", "--name", "made", "--settings", shape, "--output-dir", tmp_path)
    for name, wish in (("old", {}), ("one", {"imbalance": 1}), ("tail", {"imbalance": 5})):
        wish = json.dumps({"validation": 50} | wish)
        call(monkeypatch, split_data, "--data", tmp_path, "--settings", wish, "--output", tmp_path / f"{name}.json")
    assert (tmp_path / "old.json").read_bytes() == (tmp_path / "one.json").read_bytes()
    assert list(read_json(tmp_path / "one.json")) == ["data_sha256", "training", "validation"]
    tail, labels = read_json(tmp_path / "tail.json"), np.load(tmp_path / "train" / "labels.npy")
    assert tail["validation"] == read_json(tmp_path / "one.json")["validation"]
    assert list(tail["training_per_class"]) == list(synthetic.CLASSES)
    assert list(tail["training_per_class"].values()) == np.bincount(labels[tail["training"]]).tolist()
    assert list(tail["training_per_class"].values()) == [15, 12, 10, 8, 7, 6, 5, 4, 3, 3]
