"""No class is left without a training image, whichever step took them away."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import split_data
from hardpair.cli import command
from hardpair.data import dataset
from hardpair.data.split import refuse_untrained, split_indices
from hardpair.errors import UserError
from hardpair.files.json_text import read_json

CLASSES = ["a", "b", "c"]
LABELS = np.repeat([0, 1, 2], [10, 10, 1])  # the training part of classes of 20, 20 and 2 pictures


def split(folder, monkeypatch, labels=LABELS, **wish):
    """Training images of each class, or the sentence in which the command ends."""
    images = np.arange(len(labels) * 3 * 64, dtype=np.uint8).reshape(-1, 3, 8, 8)
    dataset.save(folder, {"kind": "folder", "name": "p", "classes": CLASSES}, {"train": (images, labels), "test": (images, labels)})
    output = folder / "split.json"
    line = ["split_data.py", "--data", folder, "--settings", json.dumps(wish), "--output", output]
    monkeypatch.setattr(sys, "argv", list(map(str, line)))
    try:
        command.run(split_data.main)
    except SystemExit as end:
        assert not output.exists()
        return end.code
    return np.bincount(labels[read_json(output)["training"]], minlength=3).tolist()


@pytest.mark.parametrize("how", ["stratified", "random"])
@pytest.mark.parametrize("wish", [{"validation": 14}, {"validation": 18}, {"validation": 20}, {"validation": 1, "training": 10}])
def test_a_class_without_a_training_image_is_refused_before_training(tmp_path, monkeypatch, how, wish):
    kept, _ = split_indices(LABELS, wish.get("training"), wish["validation"], how)
    expected = np.bincount(LABELS[kept], minlength=3)
    actual = split(tmp_path, monkeypatch, **wish, split=how)
    lacking = [name for name, count in zip(CLASSES, expected, strict=True) if count == 0]
    if not lacking:
        assert actual == expected.tolist()
        return
    assert actual.startswith(f"split_data.py: the split leaves no training image of {len(lacking)} of 3 classes ({', '.join(lacking)}): ")
    assert "lower data.validation" in actual


def test_a_class_that_has_no_image_at_all_is_refused(tmp_path, monkeypatch):
    message = split(tmp_path, monkeypatch, labels=np.repeat([0, 1], 10), validation=2)
    assert "no training image of 1 of 3 classes (c)" in message


def test_a_tail_that_leaves_each_class_an_image_is_taken(tmp_path, monkeypatch):
    assert split(tmp_path, monkeypatch, labels=np.repeat([0, 1, 2], 10), validation=3, imbalance=9) == [9, 3, 1]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
@settings(deadline=None)
def test_counts_are_refused_where_one_is_zero(counts):
    names = [f"class {label}" for label in range(len(counts))]
    if 0 in counts:
        with pytest.raises(UserError, match=f"of {counts.count(0)} of {len(counts)} classes"):
            refuse_untrained(np.array(counts), names)
    else:
        refuse_untrained(np.array(counts), names)
