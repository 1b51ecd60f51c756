"""What the models of a run make of the images it was evaluated on, read from predictions.npz.

The file holds logits, as ``evaluate`` writes it, or, for a run that was imported from its record, the predicted class, p_t and, for images
of one pair of classes, the probability of the other class of the pair.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hardpair.errors import UserError
from hardpair.files import readers
from hardpair.files.atomic import write_arrays
from hardpair.measures.metrics import log_probabilities

MANY_CLASSES = 2**16


@dataclass(frozen=True)
class Logits:
    """The answers of one model as logits.

    Attributes:
        logits: float (N, C).
        labels: true classes, an integer (N,).
    """

    logits: np.ndarray
    labels: np.ndarray

    @property
    def called(self) -> np.ndarray:
        """Predicted classes (N,), uint8 where there are few enough."""
        return self.logits.argmax(1).astype(np.min_scalar_type(self.logits.shape[1] - 1))

    @property
    def p_true(self) -> np.ndarray:
        """Probability of the true class, float64 (N,)."""
        return np.exp(log_probabilities(self.logits)[np.arange(len(self.labels)), self.labels])

    def p_other(self, a: int, b: int) -> np.ndarray:
        """Of each image of class a the probability of b, and of b that of a, float64 (M,), in their order."""
        chosen = np.flatnonzero(np.isin(self.labels, (a, b)))
        other = np.where(self.labels[chosen] == a, b, a)
        return np.exp(log_probabilities(self.logits[chosen])[np.arange(len(chosen)), other])


@dataclass(frozen=True)
class Recorded:
    """The answers of one model as a record keeps them.

    Attributes:
        called: predicted classes (N,), uint8 where there are few enough.
        p_true: probability of the true class, float64 (N,).
        pair: labels of the two classes that ``p_of_pair`` is about.
        p_of_pair: of each image of these classes the probability of the other of the two, float64 (M,).
    """

    called: np.ndarray
    p_true: np.ndarray
    pair: tuple[int, int]
    p_of_pair: np.ndarray

    def p_other(self, a: int, b: int) -> np.ndarray:
        """As of ``Logits``.

        Raises:
            UserError: the record is about another pair.
        """
        if {a, b} != set(self.pair):
            raise UserError("pairs[0] is not the pair whose probabilities the imported runs keep: make that pair the first")
        return self.p_of_pair


@dataclass(frozen=True)
class Predictions:
    """The answers of a run's models.

    Attributes:
        index: places int64 (N,) of the images in their array.
        labels: true classes int64 (N,).
        models: by name.
    """

    index: np.ndarray
    labels: np.ndarray
    models: dict[str, Logits | Recorded]

    @property
    def classes(self) -> int | None:
        """How many classes the answers choose from; None if that is not recorded."""
        return next((model.logits.shape[1] for model in self.models.values() if isinstance(model, Logits)), None)


def read(path: Path, models: list[str]) -> Predictions:
    """A predictions.npz.

    Raises:
        UserError: the file is missing or damaged, or lacks a model.
    """
    if "pair" in readers.array_names(path):
        return of_record(path, models, tuple(readers.arrays(path, "pair")["pair"].tolist()))
    loaded = readers.arrays(path, "index", "labels", *models)
    index, labels, shapes = loaded["index"], loaded["labels"], {loaded[model].shape for model in models}
    with readers.contents_of(path):
        if shapes != {(len(index), max(shapes)[1])}:
            raise ValueError("index, labels and logits have other types or lengths")
        _check(index, labels, max(shapes)[1])
    index, labels = index.astype(np.int64), labels.astype(np.int64)
    return Predictions(index, labels, {model: Logits(loaded[model], labels) for model in models})


def of_record(path: Path, models: list[str], pair: tuple[int, int], classes: int = MANY_CLASSES) -> Predictions:
    """The answers in the file of a record, whose probabilities are about these two of so many classes.

    Raises:
        UserError: as ``read``, or the probabilities are those of another number of images than the pair has.
    """
    loaded = readers.arrays(path, "index", "labels", *(f"{model}_{part}" for model in models for part in readers.RECORDED))
    answers = {}
    with readers.contents_of(path):
        _check(loaded["index"], loaded["labels"], classes)
        labels = loaded["labels"].astype(np.int64)
        for model in models:
            called, p_true, p_other = (loaded[f"{model}_{part}"] for part in readers.RECORDED)
            if called.dtype.kind != "u" or not len(called) == len(p_true) == len(labels) or len(p_other) != np.isin(labels, pair).sum():
                raise ValueError("classes and probabilities have other types or lengths")
            if called.max() >= classes:
                raise ValueError("predicted classes are out of bounds")
            answers[model] = Recorded(called, p_true.astype(np.float64), pair, p_other.astype(np.float64))
    return Predictions(loaded["index"].astype(np.int64), labels, answers)


def write(path: Path, answers: Predictions) -> str:
    """Write a predictions.npz that ``read`` reads; its SHA-256."""
    arrays = {"index": answers.index, "labels": answers.labels}
    for name, model in answers.models.items():
        if isinstance(model, Logits):
            arrays[name] = model.logits
        else:
            parts = zip((f"{name}_{part}" for part in readers.RECORDED), (model.called, model.p_true, model.p_of_pair), strict=True)
            arrays |= {"pair": np.array(model.pair), **dict(parts)}
    return write_arrays(path, arrays)


def _check(index: np.ndarray, labels: np.ndarray, classes: int) -> None:
    if index.dtype.kind not in "iu" or labels.dtype.kind not in "iu" or len(labels) != len(index):
        raise ValueError("index, labels and logits have other types or lengths")
    if index.min() < 0 or labels.min() < 0 or labels.max() >= classes:
        raise ValueError("index or labels are out of bounds")
