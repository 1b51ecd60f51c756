"""What a search found: the best trial, how flat the optimum is, and whether it lies at the edge of the space."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hardpair.errors import UserError
from hardpair.search.keys import LOGARITHMIC

LIMITS = {"momentum": 0, "dropout": 0, "warmup_epochs": 0, "lr_factor": 1}  # bounds beyond which a key has no values
EDGE = 0.05  # share of a key's range from a bound within which the best value lies at the edge
NARROW = 0.5  # share of a key's range; where trials near the best spread further, the key matters too little for its edge to matter


@dataclass(frozen=True)
class Optimum:
    """The outcome of one search.

    Attributes:
        label: of what was searched: a variant, or all variants.
        trials: in all.
        best: the row of the best trial, with ``trial``, ``value`` and a value of each key.
        tolerance: one standard error of the best trial's value; trials within it of the best are near the best.
        ranges: lowest and highest value of each searched key among the trials near the best, the best included.
        edges: (key, best value, bound) of each key whose optimum lies at an edge of the space that can be moved.
    """

    label: str
    trials: int
    best: Mapping
    tolerance: float
    ranges: dict[str, tuple[float, float]]
    edges: list[tuple[str, float, float]]

    def warnings(self) -> list[str]:
        """A sentence for each edge."""
        return [
            f"The best {key} for {self.label} is {value:.4g}, at the edge of search.space.{key} ({bound:.4g}): "
            "widen the space there and search again."
            for key, value, bound in self.edges
        ]


def best_trial(trials: list[dict]) -> dict:
    """The trial of highest value among those that did not diverge, the earliest of equals.

    Raises:
        UserError: every trial diverged.
    """
    sound = [trial for trial in trials if not trial["diverged"]]
    if not sound:
        raise UserError(
            "every trial of the search diverged: lower the bounds of search.space.learning_rate or, if it is null, recipe.learning_rate"
        )
    return max(sound, key=lambda trial: (trial["value"], -trial["trial"]))


def optimum(label: str, trials: Iterable[Mapping], space: dict[str, tuple[float, float]], images: int) -> Optimum:
    """The outcome of a search.

    Near the best are the trials within one standard error of it (the rule of Breiman et al. 1984, section 3.4.3), here the binomial one of
    an accuracy p that was measured on n images, √(p (1 − p) / n). Keys that are searched on a logarithmic scale have their shares of the
    range on it too.

    Args:
        trials: rows of trials.csv.
        space: bounds of the keys that were searched.
        images: validation images by which trials were judged.

    Raises:
        UserError: every trial diverged.
    """
    rows = list(trials)
    sound, best = [row for row in rows if not row["diverged"]], best_trial(rows)
    tolerance = math.sqrt(best["value"] * (1 - best["value"]) / images)
    near = [row for row in sound if row["value"] >= best["value"] - tolerance]
    ranges = {key: (min(row[key] for row in near), max(row[key] for row in near)) for key in space}
    edges = []
    for key, (low, high) in space.items():
        place, first, last = (_share(value, low, high, key in LOGARITHMIC) for value in (best[key], *ranges[key]))
        bound = low if place < 0.5 else high
        if min(place, 1 - place) <= EDGE and last - first <= NARROW and bound != LIMITS.get(key):
            edges.append((key, best[key], bound))
    return Optimum(label, len(rows), best, tolerance, ranges, edges)


def _share(value: float, low: float, high: float, logarithmic: bool) -> float:
    """The place of a value in a range, from 0 to 1."""
    scale = math.log if logarithmic else float
    return (scale(value) - scale(low)) / (scale(high) - scale(low))
