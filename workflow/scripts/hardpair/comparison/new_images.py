"""What a difference would be with other seeds and on other images: crossed random effects. Pure functions on arrays, and ``of_runs``."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hardpair.comparison.runs import Runs, pair_indices
from hardpair.errors import UserError
from hardpair.measures.pair_name import pair_name


def crossed_error(values: np.ndarray, strata: np.ndarray) -> float:
    """Standard error of the mean of (S, N) values where both seeds and images are samples.

    The value of seed s and image i is a sum of an effect of the seed, one of the image and a residual, so that the variance of the mean is
    σ²_seed / S + σ²_image / N + σ²_residual / (S N). Mean squares estimate the components (two-way analysis of variance, one value a cell:
    Searle, Casella and McCulloch 1992, ch. 4), images within each stratum, whose numbers are fixed. The variance between images, of which
    chance may leave an estimate below 0, counts at least 0.

    Args:
        values: numbers (S, N), one row a seed.
        strata: integers (N,), images that are drawn among themselves: their true class.

    Returns:
        NaN with one seed, which has no spread.
    """
    seeds, images = values.shape
    if seeds < 2:
        return float("nan")
    of_seeds = values.mean(1).var(ddof=1) / seeds  # σ²_seed / S + σ²_residual / (S N)
    of_images = 0.0  # σ²_image / N
    for stratum in np.unique(strata):
        part = values[:, strata == stratum]
        if (count := part.shape[1]) > 1:
            between = part.mean(0).var(ddof=1)  # σ²_image + σ²_residual / S
            residual = count * (part.var(0, ddof=1).mean() - part.mean(1).var(ddof=1)) / (count - 1)
            of_images += (between - residual / seeds) * count / images**2
    return float(np.sqrt(of_seeds + max(of_images, 0)))


def new_images_interval(first: np.ndarray, second: np.ndarray, strata: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of first − second, bool (S, N) each with rows paired by seed, over seeds and images.

    The mean ± ``crossed_error`` times Student's quantile for S − 1 degrees of freedom. It is never narrower than the t interval over seeds.

    Raises:
        UserError: both have not the same numbers of seeds and images.
    """
    from scipy.special import stdtrit

    if first.shape != second.shape:
        raise UserError(f"runs are compared in pairs, but there are {first.shape} and {second.shape} seeds and images of the two variants")
    values = first.astype(np.int8) - second.astype(np.int8)
    half = stdtrit(max(len(values) - 1, 1), 0.975) * crossed_error(values, strata)
    return float(values.mean() - half), float(values.mean() + half)


def crossed(called: np.ndarray, labels: np.ndarray, a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
    """Which images of classes a and b are called the other of the two, bool (S, M), and their labels (M,).

    Their mean is the confusion rate of the pair: strata of fixed size leave its denominator as it is.

    Args:
        called: predicted classes (S, N).
        labels: true classes (N,).
    """
    chosen = np.flatnonzero((labels == a) | (labels == b))
    of_pair = labels[chosen]
    return called[:, chosen] == np.where(of_pair == a, b, a), of_pair


def intervals(
    called: dict[str, np.ndarray], labels: np.ndarray, contrasts: list[list[str]], pairs: dict[str, tuple[int, int]]
) -> Iterator[tuple[str, str, str, tuple[float, float]]]:
    """(a, b, measure, interval over seeds and images) of each contrast a − b: accuracy, and the confusion of each pair.

    Args:
        called: predicted classes (S, N) of each variant.
        labels: true classes (N,).
        pairs: labels of both classes by the pair's name.
    """
    for a, b in contrasts:
        yield a, b, "accuracy", new_images_interval(called[a] == labels, called[b] == labels, labels)
        for name, pair in pairs.items():
            (first, strata), (second, _) = (crossed(called[variant], labels, *pair) for variant in (a, b))
            yield a, b, f"confusion:{name}", new_images_interval(first, second, strata)


def of_runs(runs: Runs, settings: dict, models: list[str]) -> dict[tuple[str, str, str, str], tuple[float, float]]:
    """``intervals`` of the declared contrasts by a, b, model and measure; of all runs, only those of variants in contrasts are read."""
    named = {name for contrast in settings["contrasts"] for name in contrast}
    if not named or len(runs.seeds) < 2:
        return {}
    classes = runs.classes()
    labels, called = replace(runs, variants=tuple(name for name in runs.variants if name in named)).called(models)
    pairs = {pair_name(*pair): pair_indices(classes, pair) for pair in settings["pairs"]}
    return {
        (a, b, model, metric): interval
        for model in models
        for a, b, metric, interval in intervals(called[model], labels, settings["contrasts"], pairs)
    }
