"""How often verdicts are false, claims are settled and intervals cover the truth, in simulated studies.

Every study is judged by the functions that judge real ones. Differences are in percentage points, with the sd of ``SD``; that of
docs/study/reduced is larger. The tables are those of docs/statistics.md. Example:

  python benchmarks/coverage.py --write docs/statistics.md
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

import numpy as np
from scipy import optimize, stats

import page_places
from hardpair.comparison import new_images, verdicts
from hardpair.measures import intervals, looks, significance

SEEDS = 10
LOOKS = (4, 6, 8, 10)
MARGINS = np.array([0.3, 0.5])  # of accuracy and confusion
SD = np.array([0.25, 0.7])
# Measures of each claim of the study, 0 for accuracy and 1 for confusion, and the published gains.
CLAIMS = {
    "the loss, confusion": ([1], [1.24]),
    "the loss, accuracy": ([0], [0.82]),
    "combining, both": ([0, 1], [0.72, 2.27]),
    "the sampler, both": ([0, 1], [0.82, 0.77]),
}
PARTS = [np.array(measures) for measures, _ in CLAIMS.values()]
SHAPES: dict[str, Callable] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "skewed (exponential)": lambda rng, shape: rng.exponential(size=shape) - 1,
}


def studies(means: Sequence[Sequence[float]], scale: float, count: int) -> list[np.ndarray]:
    """Gains (count, parts, SEEDS) of each claim whose parts have these true means; their sd is ``scale`` times ``SD``."""
    rng = np.random.default_rng(0)
    return [
        np.array(mean)[:, None] + scale * SD[parts][:, None] * SHAPES["normal"](rng, (count, len(parts), SEEDS))
        for parts, mean in zip(PARTS, means, strict=True)
    ]


def judged(gains: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Verdicts (studies, claims) after the last seed, and at the looks."""
    pairs = list(zip(gains, (MARGINS[parts] for parts in PARTS), strict=True))
    alpha = verdicts.ALPHA / len(gains)
    limits = dict(zip(LOOKS, looks.thresholds(LOOKS, alpha), strict=True))
    at_looks = [verdicts.by_looks(each, margins, limits, alpha)[0] for each, margins in pairs]
    return {"Holm": verdicts.by_holm([verdicts.tested(*pair) for pair in pairs])[0], "looks": np.stack(at_looks, -1)}


def false_verdicts(found: np.ndarray, means: Sequence[Sequence[float]]) -> tuple[np.ndarray, np.ndarray]:
    """Whether any claim of a study has a false direction, and whether any is falsely called equivalent, bool (studies,) each."""
    of_direction, of_size = np.zeros((2, *found.shape), bool)
    for place, (parts, mean) in enumerate(zip(PARTS, map(np.array, means), strict=True)):
        of_claim = found[:, place]
        of_direction[:, place] = np.isin(of_claim, [verdicts.SUPPORTED, verdicts.SMALLER]) & (mean <= 0).any() | (
            (of_claim == verdicts.REFUTED) & (mean >= 0).all()
        )
        of_size[:, place] = (of_claim == verdicts.EQUIVALENT) & (np.abs(mean) >= MARGINS[parts]).any()
    return of_direction.any(-1), of_size.any(-1)


def states() -> dict[str, list[np.ndarray]]:
    """True means of the parts of each claim, by name of the state."""
    zero, margin = [np.zeros(len(parts)) for parts in PARTS], [MARGINS[parts] for parts in PARTS]
    mixed = [np.where(np.arange(len(parts)) == 0, 0, MARGINS[parts]) for parts in PARTS]
    published = [np.array(mean) for _, mean in CLAIMS.values()]
    return {
        "no difference anywhere": zero,
        "every difference at its margin": margin,
        "half of the claims at 0, half at the margin": [*zero[:2], *margin[2:]],
        "accuracy at 0, confusion at the margin": mixed,
        "two claims as published, two without a difference": [*published[:2], *zero[2:]],
        "two claims as published, two at the margin": [*published[:2], *margin[2:]],
    }


def percent(shares: np.ndarray) -> str:
    return f"{100 * np.mean(shares):.1f} %"


def table(titles: list[str], rows: list[list[str]]) -> str:
    rule = "|" + "---|" + "--:|" * (len(titles) - 1)
    return "\n".join([f"| {' | '.join(titles)} |", rule, *(f"| {' | '.join(row)} |" for row in rows)])


def of_errors(count: int) -> str:
    """Studies with a false verdict, at the spread that makes most of them."""
    rows = []
    for name, means in states().items():
        cells: dict[str, list[np.ndarray]] = {}
        for scale in (0.25, 0.5, 1, 2):
            for way, found in judged(studies(means, scale, count)).items():
                of_direction, of_size = false_verdicts(found, means)
                for key, errors in (("direction", of_direction), ("equivalence", of_size), ("either", of_direction | of_size)):
                    cells.setdefault(f"{way} {key}", []).append(errors.mean())
        rows.append([name, *(percent(max(shares)) for shares in cells.values())])
    titles = [f"{key}, {way}" for way in ("after the last seed", "at looks") for key in ("false direction", "false equivalence", "either")]
    return table(["truth", *titles], rows)


def of_small(count: int) -> str:
    """Studies with a claim that is called smaller than the margin although each difference is exactly at its margin."""
    rows = []
    for scale in (0.1, 0.25, 0.5, 1):
        found = judged(studies(states()["every difference at its margin"], scale, count))
        rows.append([f"{scale:g}", *(percent((each == verdicts.SMALLER).any(-1)) for each in found.values())])
    return table(["sd, in that assumed", "after the last seed", "at looks"], rows)


def of_early(count: int) -> str:
    """What a single claim of one part shows where the first of the looks at 6, 8 and 10 seeds decides it."""
    counts, rows = (6, 8, 10), []
    limits = dict(zip(counts, looks.thresholds(counts, verdicts.ALPHA), strict=True))
    for mean in (0.5, 0.8, 1.0, 1.3):
        gains = np.random.default_rng(0).normal(mean, 1, (count, 1, SEEDS))
        _, at = verdicts.by_looks(gains, np.zeros(1), limits, verdicts.ALPHA)
        shown = {look: gains[at == look, 0, :look] for look in counts}
        covers = {look: significance.t_test(each - mean) > 0.05 for look, each in shown.items()}
        early = [percent(at == counts[0]), f"{shown[counts[0]].mean():.2f}", percent(covers[counts[0]])]
        rows.append([f"{mean:g}", *early, percent(np.concatenate([*covers.values()]))])
    of_all = "that of all studies, at the look that decides or the last"
    return table(["true difference, in sd", "decided at 6 seeds", "mean shown then", "95 % interval covers then", of_all], rows)


def of_power(count: int) -> str:
    """Studies that settle each claim as it is true."""
    rows = []
    for factor, size in ((1, "as published"), (0.5, "half of it")):
        means = [factor * np.array(mean) for _, mean in CLAIMS.values()]
        found = judged(studies(means, 1, count))
        for place, name in enumerate(CLAIMS):
            shares = [np.isin(found[way][:, place], [verdicts.SUPPORTED, verdicts.SMALLER]) for way in found]
            rows.append([f"{name}, {size}", "supported", *map(percent, shares)])
    none = judged(studies(states()["no difference anywhere"], 1, count))
    for place, name in enumerate(CLAIMS):
        rows.append([f"{name}, no difference", "equivalent", *(percent(none[way][:, place] == verdicts.EQUIVALENT) for way in none)])
    return table(["claim and truth", "verdict", "after the last seed", "at looks"], rows)


def of_tests(count: int) -> str:
    """Coverage of intervals, and rejections of tests, without a true difference."""
    rows = []
    for name, draw in SHAPES.items():
        for seeds in (3, 6, 10, 30):
            differences = draw(np.random.default_rng(seeds), (count, seeds))
            p = significance.t_test(differences)
            few = differences[:: max(count // 1000, 1)]
            exact = [significance.sign_flip(row) <= 0.05 for row in few] if seeds <= 10 else []
            bootstrap = [low <= 0 <= high for low, high in map(significance.bca_interval, few)] if seeds == SEEDS else []
            cells = [percent(p > 0.05), percent(p <= 0.05), *(percent(np.array(each)) if each else "" for each in (exact, bootstrap))]
            rows.append([name, str(seeds), *cells])
    return table(["differences", "seeds", "t interval covers", "t test rejects", "sign-flip test rejects", "BCa interval covers"], rows)


IMAGES = {  # sd of what an image adds to both variants alike, and to each its own, where a single run's noise is 1
    "equally hard for both variants": (2.0, 0.0),
    "a little harder for one": (2.0, 0.3),
    "harder for one": (2.0, 1.0),
}


def on_new_images(shared: float, own: float, seeds: int, count: int, images: int = 1000) -> dict[str, float]:
    """Shares of studies, each on images of its own, whose intervals over seeds, and over both, cover 0; ratio of their widths."""
    rng = np.random.default_rng(seeds)
    strata, covered, widths = np.arange(images) % 10, np.zeros((count, 2), bool), np.zeros((count, 2))
    for study in range(count):
        hardness = rng.normal(0, shared, images) + rng.normal(0, own, (2, 1, images))
        first, second = hardness + rng.normal(0, 0.05, (2, seeds, 1)) + rng.normal(size=(2, seeds, images)) < 2
        over_seeds = intervals.mean_interval(first.mean(1) - second.mean(1))
        both = np.array([(over_seeds["low"], over_seeds["high"]), new_images.new_images_interval(first, second, strata)])
        covered[study], widths[study] = (both[:, 0] <= 0) & (both[:, 1] >= 0), both[:, 1] - both[:, 0]
    return {"seeds": covered[:, 0].mean(), "new": covered[:, 1].mean(), "width": widths[:, 1].mean() / widths[:, 0].mean()}


def of_new_images(count: int) -> str:
    """Coverage of the intervals over seeds, and over seeds and images."""
    rows = []
    for name, spread in IMAGES.items():
        for seeds in (3, 6, 10, 30):
            got = on_new_images(*spread, seeds, count)
            rows.append([name, str(seeds), percent(got["seeds"]), percent(got["new"]), f"{got['width']:.2f}"])
    return table(
        ["images", "seeds", "interval over seeds covers", "over seeds and images covers", "width of it, in that of the first"], rows
    )


def of_looks(_: int) -> str:
    """Thresholds of p at the looks of the full study."""
    rows = []
    for claims in (1, 2, 4, 8):
        limits = looks.thresholds(LOOKS, verdicts.ALPHA / claims)
        rows.append([str(claims), *(np.format_float_positional(p, min_digits=4) for p in limits)])
    return table(["claims", *(f"{count} seeds" for count in LOOKS)], rows)


def of_other_looks(_: int) -> str:
    """False positives of one claim with thresholds that do not fit: exact, by ``looks.error``."""
    each = tuple(range(6, 17))
    ways = {
        "0.05 after 4, 6, 8 and 10 seeds": (LOOKS, [0.05] * len(LOOKS)),
        "0.05 after each of 6 to 16 seeds": (each, [0.05] * len(each)),
        "those of z tests, after 4, 6, 8 and 10 seeds": (LOOKS, z_thresholds(LOOKS, 0.05)),
        "the table above, after 4, 6, 8 and 10 seeds": (LOOKS, looks.thresholds(LOOKS, 0.05)),
    }
    rows = [[way, percent(looks.error(*of))] for way, of in ways.items()]
    return table(["p at most", "false positives"], rows)


def z_thresholds(counts: Sequence[int], alpha: float) -> np.ndarray:
    """Thresholds of the shape of O'Brien and Fleming (1979) that keep ``alpha`` where the sd is known, from the normal distribution."""
    shares = np.array(counts) / counts[-1]
    z = stats.multivariate_normal(np.zeros(len(shares)), np.sqrt(np.minimum.outer(shares, shares) / np.maximum.outer(shares, shares)))
    c = optimize.brentq(lambda c: 1 - z.cdf(c / np.sqrt(shares), lower_limit=-c / np.sqrt(shares), rng=0) - alpha, 1.9, 3)
    return 2 * stats.norm.sf(c / np.sqrt(shares))


def of_settling(count: int) -> str:
    """Seeds that studies need which end with the last claim's verdict, and their false verdicts."""
    rows, counts = [], (6, 8, 10)
    for name, places in {"all four": range(len(PARTS)), **{name: [place] for place, name in enumerate(CLAIMS)}}.items():
        alpha = verdicts.ALPHA / len(places)
        limits = dict(zip(counts, looks.thresholds(counts, alpha), strict=True))
        for truth, factor in (("as published", 1), ("half of it", 0.5), ("no difference", 0)):
            means = [factor * np.array(mean) for _, mean in CLAIMS.values()]
            gains = studies(means, 1, count)
            judged_at = [verdicts.by_looks(gains[place], MARGINS[PARTS[place]], limits, alpha) for place in places]
            found, at = map(np.array, zip(*judged_at, strict=True))
            needed = np.where((found == verdicts.NOT_SETTLED).any(0), counts[-1], at.max(0))
            every = np.full((count, len(PARTS)), verdicts.NOT_SETTLED)
            every[:, places] = found.T
            ends = [percent(needed == look) for look in counts]
            rows.append([f"{name}, {truth}", f"{needed.mean():.1f}", *ends, percent(np.any(false_verdicts(every, means), axis=0))])
    return table(["claims and truth", "seeds, mean", *(f"ends with {look}" for look in counts), "a false verdict"], rows)


BY = "benchmarks/coverage.py"  # as the places of the page name it
TABLES = {
    "errors": of_errors,
    "small": of_small,
    "early": of_early,
    "power": of_power,
    "tests": of_tests,
    "new images": of_new_images,
    "looks": of_looks,
    "other looks": of_other_looks,
    "settling": of_settling,
}


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--studies", type=int, default=20_000, help="simulated studies of a row (default %(default)s)")
    cli.add_argument("--write", type=Path, help="page with a place for each table, between comments; without it they are printed")
    options = cli.parse_args()
    if options.write:
        page_places.check(options.write, BY, TABLES)
    # Each study on new images has 1,000 of them for every seed, so that a twentieth of the studies takes as long.
    found = {name: make(max(options.studies // 20, 1) if name == "new images" else options.studies) for name, make in TABLES.items()}
    if options.write:
        page_places.fill(options.write, BY, found)
    else:
        print("\n\n".join(f"{name}:\n\n{text}" for name, text in found.items()))


if __name__ == "__main__":
    main()
