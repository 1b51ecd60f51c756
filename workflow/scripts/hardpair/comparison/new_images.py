"""What a difference would be with other seeds and on other images: the two-way bootstrap. Pure functions on arrays, and ``of_runs``."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hardpair.comparison.runs import Runs, pair_indices
from hardpair.measures.pair_name import pair_name


def two_way_error(values: np.ndarray, strata: np.ndarray) -> float:
    """Standard error of the mean of (S, N) values where both seeds and images are samples.

    It is the standard deviation of that mean under the two-way bootstrap ("pigeonhole", Owen 2007): seeds and images are drawn anew with
    replacement, independently, S − 1 of the S seeds (so that their variance is unbiased) and of each stratum as many images as it has.
    For a mean this is a sum of variances, so it is computed as such, to what infinitely many draws would give: between seeds, between
    images, and of single answers, which it counts three times: it errs on the wide side.

    Args:
        values: numbers (S, N), one row a seed.
        strata: integers (N,), images that are drawn among themselves: their true class.

    Returns:
        NaN with one seed, which has no spread.
    """
    seeds, images = values.shape
    if seeds < 2:
        return float("nan")
    variance = values.mean(1).var() / (seeds - 1)
    for stratum in np.unique(strata):
        part = values[:, strata == stratum]
        between = part.mean(0).var() + (part.var(0).mean() - part.mean(1).var()) / (seeds - 1)
        variance += between * part.shape[1] / images**2
    return float(np.sqrt(variance))


def new_images_interval(first: np.ndarray, second: np.ndarray, strata: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of first − second, bool (S, N) each with rows paired by seed, over seeds and images.

    The mean ± ``two_way_error`` times Student's quantile for S − 1 degrees of freedom. It is never narrower than the t interval over seeds.
    """
    from scipy.special import stdtrit

    values = first.astype(np.int8) - second.astype(np.int8)
    half = stdtrit(max(len(values) - 1, 1), 0.975) * two_way_error(values, strata)
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
