"""Whether the measures of an evaluation from elsewhere agree with each other and with its predictions."""

import numpy as np

from hardpair.measures.confusion import accuracy, pair_errors, per_class_accuracy
from hardpair.measures.metrics import calibration_error
from hardpair.measures.pair_name import pair_of

AFFECTS_RESULTS = False


def contradiction(measured: dict, p_true: np.ndarray) -> str | None:
    """The first measure of a ``metrics.summary`` that its own counts contradict, or the probabilities of the true classes, float (N,).

    The Brier score and the error on two classes alone need the logits, and are not checked.

    Raises:
        ValueError: it names a pair of classes that it does not have.
    """
    confusion, bins = np.array(measured["confusion"]), {name: np.array(values) for name, values in measured["reliability"].items()}
    classes, shares = list(measured["per_class"]), [np.nan if share is None else share for share in measured["per_class"].values()]
    checked = {
        "number of images": (confusion.sum(), len(p_true)),
        "accuracy": (measured["accuracy"], accuracy(confusion)),
        "accuracy of each class": (shares, per_class_accuracy(confusion)),
        "reliability": ((bins["count"].sum(), bins["correct"].sum()), (confusion.sum(), np.trace(confusion))),
        "ece": (measured["ece"], calibration_error(bins)),
    }
    for name, errors in measured["pairs"].items():
        own = pair_errors(confusion, *map(classes.index, pair_of(name)))
        checked[f"confusion of {name}"] = ([errors[key] for key in own], list(own.values()))
    if wrong := next((name for name, values in checked.items() if not np.allclose(*values, rtol=0, atol=1e-9, equal_nan=True)), None):
        return wrong
    smallest = 2.0**-24  # of a record, which keeps probabilities in half precision
    nll = -np.log(np.maximum(p_true, smallest)).mean()
    is_near = abs(measured["nll"] - nll) <= 0.001 + 0.01 * nll
    return None if is_near or (measured["nll"] > nll and p_true.min() < smallest) else "nll"
