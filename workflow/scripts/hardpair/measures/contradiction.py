"""Whether the measures of an evaluation agree with each other and with its predictions."""

import numpy as np

from hardpair.measures.confusion import accuracy, pair_errors, per_class_accuracy
from hardpair.measures.metrics import calibration_error
from hardpair.measures.pair_name import pair_of

AFFECTS_RESULTS = False
TIED = 0.01  # most images, as a share, whose two highest probabilities are equal
ROUNDING, SMALLEST = 2.0**-10, 2.0**-24  # of probabilities in half precision, in which a record keeps them


def of_counts(measured: dict, images: int) -> str | None:
    """The first measure of a ``metrics.summary`` of so many images that its own counts contradict.

    Raises:
        ValueError: it names a pair of classes that it does not have.
    """
    confusion, bins = np.array(measured["confusion"]), {name: np.array(values) for name, values in measured["reliability"].items()}
    if not images or confusion.sum() != images:
        return "number of images"
    classes, shares = list(measured["per_class"]), [np.nan if share is None else share for share in measured["per_class"].values()]
    # Where two logits differ by so little that their probabilities are equal, an image may be correct in one count, but not in the other.
    if bins["count"].sum() != images or abs(bins["correct"].sum() - np.trace(confusion)) > TIED * images:
        return "reliability"
    checked = {
        "accuracy": (measured["accuracy"], accuracy(confusion)),
        "accuracy of each class": (shares, per_class_accuracy(confusion)),
    }
    for name, errors in measured["pairs"].items():
        own = pair_errors(confusion, *map(classes.index, pair_of(name)))
        checked[f"confusion of {name}"] = ([errors[key] for key in own], list(own.values()))
    differs = (name for name, values in checked.items() if not np.allclose(*values, rtol=0, atol=1e-9, equal_nan=True))
    if wrong := next(differs, None):
        return wrong
    return None if abs(measured["ece"] - calibration_error(bins)) <= 1e-9 else "ece"


def contradiction(measured: dict, p_true: np.ndarray) -> str | None:
    """The first measure of a ``metrics.summary`` that its own counts contradict, or the probabilities of the true classes, float (N,).

    The Brier score is only known within limits: the probabilities of the other classes may be equal, or all but one 0.

    Raises:
        ValueError: it names a pair of classes that it does not have.
    """
    if wrong := of_counts(measured, len(p_true)):
        return wrong
    nll = -np.log(np.maximum(p_true, SMALLEST)).mean()
    is_near = abs(measured["nll"] - nll) <= 0.001 + 0.01 * nll
    if not is_near and not (measured["nll"] > nll and p_true.min() < SMALLEST):
        return "nll"
    missing = np.square(1 - p_true).mean()
    least, most = missing * (1 + 1 / (len(measured["per_class"]) - 1)), 2 * missing
    return None if least - 0.001 <= measured["brier"] <= most + 0.001 else "brier"


def exceeds_one(p_true: np.ndarray, p_other: np.ndarray) -> bool:
    """Whether probabilities of two classes, float (M,) each, add up to more than 1."""
    return bool((p_true + p_other > 1 + ROUNDING).any())


def pair_contradiction(errors: dict, p_true: np.ndarray, p_other: np.ndarray) -> str | None:
    """``binary_error``, if that of a pair's ``errors`` is not the one of these probabilities.

    Args:
        p_true, p_other: of the images of both classes, the probabilities of their own and of the other of the two, float (M,) each. Those
            that may be equal but for their rounding count as ties, which may be an error, half of one or none.
    """
    tied = np.abs(p_true - p_other) <= ROUNDING * np.maximum(p_true, p_other) + SMALLEST
    least = ((p_true < p_other) & ~tied).mean()
    return None if least - 1e-9 <= errors["binary_error"] <= least + tied.mean() + 1e-9 else "binary_error"
