"""Evaluations of runs that were imported as records, without weights, and whether they are those of the study. Imports no torch."""

from pathlib import Path

import numpy as np

from hardpair.comparison import predictions
from hardpair.comparison.tables import wrong_evaluation as wrong_settings
from hardpair.data.arrays import load_part
from hardpair.errors import UserError
from hardpair.files import formats, paths
from hardpair.files.json_text import read_json
from hardpair.measures.confusion import confusion_matrix
from hardpair.measures.contradiction import contradiction, exceeds_one, pair_contradiction
from hardpair.measures.pair_name import pair_name
from hardpair.staleness.run_difference import Expected

FILES = "metrics{}.json", "predictions{}.npz"  # of a record on test and on validation images: metrics_test.json


def is_record(folder: Path, record: dict) -> bool:
    """Whether a run has no weights, but evaluations."""
    weights = any((folder / f"{model}.safetensors").exists() for model in record["weights"])
    return not weights and any(folder.glob(FILES[1].format("*")))


def evaluation(folder: Path, record: dict, config: dict) -> tuple[dict, predictions.Predictions]:
    """Measures and predictions of a run without weights on the images that the study evaluates on.

    Raises:
        UserError: there are none, or they are damaged or about other images or pairs.
    """
    evaluated_on, pairs, models = config["evaluate"]["images"], config["pairs"], list(record["weights"])
    if isinstance(pairs, dict):
        raise UserError("it has no weights, but pairs: auto needs a new evaluation: name the pairs in the config")
    imported = (folder / FILES[0].format("")).is_file()  # as the study keeps it
    metrics, answers = (folder / name.format("" if imported else f"_{evaluated_on}") for name in FILES)
    measured = formats.read_metrics(metrics, counted=False)  # which are compared with the predictions below
    if problem := wrong_settings(record, measured, {"evaluated_on": evaluated_on, "pairs": pairs}):
        raise UserError(f"it has no weights, and was {problem}")
    if imported:
        return measured, predictions.read(answers, models)
    return measured, predictions.of_record(answers, models, _pair(record, config), len(record["classes"]))


def wrong_evaluation(folder: Path, record: dict, expected: Expected) -> str | None:
    """Why the evaluations of a run without weights are not those of the study, as the end of a sentence; None if they are."""
    if not is_record(folder, record):
        return None
    measured, answers = evaluation(folder, record, expected.config)
    if any(measured[key] != record[key] for key in ("variant", "seed", "fingerprint")):
        return "its metrics are of another run"
    if not _of_these_images(answers, expected):
        return "its predictions are of other images"
    pair, name = _pair(record, expected.config), pair_name(*expected.config["pairs"][0])
    rows = np.isin(answers.labels, pair)
    for model in record["weights"]:
        of_model, found = measured["models"][model], answers.models[model]
        confusion = np.array(of_model["confusion"])
        if not np.array_equal(confusion_matrix(answers.labels, found.called, len(confusion)), confusion):
            return "its predictions do not match the confusion matrix in its metrics"
        p_true, p_other = found.p_true[rows], found.p_other(*pair)
        if exceeds_one(p_true, p_other):
            return f"its predictions give the two classes of {name} a probability above 1 together"
        wrong = contradiction(of_model, found.p_true) or pair_contradiction(of_model["pairs"][name], p_true, p_other)
        if wrong:
            return f"the {wrong} in its metrics is not that of its predictions"
    return None


def _pair(record: dict, config: dict) -> tuple[int, int]:
    """Labels of the classes whose probabilities a record keeps."""
    first, second = (record["classes"].index(name) for name in config["pairs"][0])
    return first, second


def _of_these_images(answers: predictions.Predictions, expected: Expected) -> bool:
    """Whether predictions are of the study's images in their order, with their labels where the arrays are here."""
    part = {"validation": "train", "test": "test"}[expected.config["evaluate"]["images"]]
    index = read_json(expected.split)["validation"] if part == "train" else np.arange(len(answers.index))
    if not np.array_equal(answers.index, index):
        return False
    folder = paths.IMAGES / expected.config["data"]["name"]
    if not (folder / part).is_dir():
        return True
    _, labels = load_part(folder, part)
    return (part == "train" or len(labels) == len(index)) and np.array_equal(labels[answers.index], answers.labels)
