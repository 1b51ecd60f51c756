"""Measures of a run by name: which are compared, how each is read, in which unit."""

import math
from collections.abc import Iterable

from hardpair.measures.pair_name import pair_name, pair_of, shown_pair

CALIBRATION = ("nll", "ece", "brier")
OF_PAIR = ("a_to_b", "b_to_a", "a_to_other", "b_to_other")  # of metrics.json: its two directions, and errors that leave the pair
UNITS = {  # measure: title, factor, digits; {} stands for the pair, {a} and {b} for its classes
    "accuracy": ("Accuracy (%)", 100, 2),
    "confusion": ("{} confusion (%)", 100, 2),
    "nll": ("Log loss (nats)", 1, 4),
    "ece": ("Calibration error (%)", 100, 2),
    "brier": ("Brier score", 1, 4),
    "binary_error": ("{} error, two classes only (%)", 100, 2),
    "a_to_b": ("{a} → {b} (%)", 100, 2),
    "b_to_a": ("{b} → {a} (%)", 100, 2),
    "a_to_other": ("{a} → others (%)", 100, 2),
    "b_to_other": ("{b} → others (%)", 100, 2),
}
BETTER = {"accuracy": 1, "confusion": -1}  # the sign of a difference that is an improvement
HALF = 1e-10  # how much less than a half is still rounded as one


def about(references: list[dict], pairs: list[list[str]]) -> list[dict]:
    """Those confusion rates from elsewhere that are about one of the pairs."""
    return [reference for reference in references if set(reference["pair"]) in map(set, pairs)]


def compared_of(settings: dict) -> list[str]:
    """Columns of runs.csv that contrasts are compared in: accuracy, then the confusion of each pair."""
    return ["accuracy", *(f"confusion:{pair_name(*pair)}" for pair in settings["pairs"])]


def metrics_of(settings: dict) -> list[str]:
    """Columns of runs.csv that lead: those of ``compared_of``, then calibration and the errors between the two classes of each pair."""
    return [*compared_of(settings), *CALIBRATION, *(f"binary_error:{pair_name(*pair)}" for pair in settings["pairs"])]


def measures_of(settings: dict) -> dict[str, str]:
    """Columns of runs.csv of the study's measures, by their names in claims: the accuracy, and the confusion of the first pair."""
    return {"accuracy": "accuracy", "confusion": f"confusion:{pair_name(*settings['pairs'][0])}"}


def details_of(pairs: list[list[str]], classes: list[str]) -> list[str]:
    """Columns of runs.csv that say where errors go: of each pair, then the accuracy on each class."""
    return [f"{key}:{pair_name(*pair)}" for pair in pairs for key in OF_PAIR] + [f"accuracy:{name}" for name in classes]


def classes_of(columns: Iterable[str]) -> list[str]:
    """Names of the classes in label order, from the columns of runs.csv."""
    return [column.removeprefix("accuracy:") for column in columns if column.startswith("accuracy:")]


def title(metric: str, pair: list[str] | None = None) -> str:
    """``confusion:cat-dog`` as it is read; ``pair`` names the classes of a measure that distinguishes them."""
    kind, _, subject = metric.partition(":")
    if kind == "accuracy" and subject:
        return f"Accuracy on {subject.replace('_', ' ')} (%)"
    a, b = [name.replace("_", " ") for name in pair or ("", "")]
    return UNITS.get(kind, (metric, 1, 4))[0].format(shown_pair(*pair_of(subject)) if subject else "", a=a, b=b)


def number(value: float, metric: str, signed: bool = False) -> str:
    """A value of ``metric`` in its unit, with a true minus; nothing for NaN."""
    _, factor, digits = UNITS.get(metric.partition(":")[0], ("", 1, 4))
    if math.isnan(value):
        return ""
    return decimal(value * factor, digits, signed).replace("-", "−")


def decimal(value: float, digits: int, signed: bool = True) -> str:
    """``+0.30`` or ``-0.30``; without a sign where it is shown as 0.

    Halves are rounded away from 0, also those that binary numbers miss by a little, such as 100 × 0.2825.
    """
    text = f"{value + math.copysign(HALF, value):{'+' if signed else ''}.{digits}f}"
    return text if float(text) else text.lstrip("+-")


def p_value(p: float) -> str:
    """p with three decimals."""
    return "< 0.001" if p < 0.001 else decimal(p, 3, signed=False)


def percent(share: float, digits: int = 2) -> str:
    """A share in per cent: ``28.25``, or ``28.3`` with one digit."""
    return decimal(100 * share, digits, signed=False)
