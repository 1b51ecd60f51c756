"""How often the study's intervals cover the truth, and how often its tests find a difference where there is none.

Simulated studies of 5, 10 and 30 paired seeds without any true difference; the sampling error of a share near 5 % is given with it. The
second table draws new images for each study too: right and wrong answers to 1,000 of them, from effects of seed, image and both. Example:

  python benchmarks/coverage.py --studies 2000
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

import numpy as np

from hardpair.comparison import new_images
from hardpair.measures import significance
from hardpair.measures.intervals import mean_interval

TESTS = 10  # five contrasts on two measures, as the study declares
DRAWS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "skewed (exponential)": lambda rng, shape: rng.exponential(size=shape) - 1,
}


def simulate(draw, seeds: int, studies: int) -> dict[str, float]:
    """Shares of studies whose interval covers 0, and that reject in one test and in any of ``TESTS`` after Holm."""
    rng = np.random.default_rng(seeds)
    covered, covered_bca, rejected, rejected_any = [], [], [], []
    for _ in range(studies):
        differences = draw(rng, (TESTS, seeds))
        interval = mean_interval(differences[0])
        covered.append(interval["low"] <= 0 <= interval["high"])
        low, high = significance.bca_interval(differences[0])
        covered_bca.append(low <= 0 <= high if low == low else np.nan)
        p = np.array([significance.sign_flip(row) for row in differences])
        rejected.append(p[0] < 0.05)
        rejected_any.append((significance.holm(p) < 0.05).any())
    shares = {"t": covered, "BCa": covered_bca, "one": rejected, "any": rejected_any}
    return {name: float(np.mean(values)) for name, values in shares.items()}


IMAGES = {  # standard deviations of what an image adds to both variants alike, and to each its own, where a single run's noise is 1
    "equally hard for both variants": (2.0, 0.0),
    "a little harder for one": (2.0, 0.3),
    "harder for one": (2.0, 1.0),
}


def simulate_images(shared: float, own: float, seeds: int, studies: int, images: int = 1000) -> dict[str, float]:
    """Shares of studies, each on images of its own, whose interval over seeds, and over seeds and images, covers 0."""
    rng = np.random.default_rng(seeds)
    strata = np.arange(images) % 10
    covered, covered_new = [], []
    for _ in range(studies):
        hardness = rng.normal(0, shared, images) + rng.normal(0, own, (2, 1, images))
        first, second = hardness + rng.normal(0, 0.05, (2, seeds, 1)) + rng.normal(size=(2, seeds, images)) < 2
        over_seeds = mean_interval(first.mean(1) - second.mean(1))
        covered.append(over_seeds["low"] <= 0 <= over_seeds["high"])
        low, high = new_images.new_images_interval(first, second, strata)
        covered_new.append(low <= 0 <= high)
    return {"t": float(np.mean(covered)), "new": float(np.mean(covered_new))}


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--studies", type=int, default=2000, help="simulated studies a row (default %(default)s)")
    studies = cli.parse_args().studies
    print(f"{studies} studies a row; ± {196 * (0.05 * 0.95 / studies) ** 0.5:.1f} percentage points of sampling error\n")
    print("| differences | seeds | t interval covers | BCa covers | one sign-flip test rejects | any of 10 rejects after Holm |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, draw in DRAWS.items():
        for seeds in (5, 10, 30):
            coverage = simulate(draw, seeds, studies)
            bca = "" if np.isnan(coverage["BCa"]) else f"{coverage['BCa']:.1%}"
            print(f"| {name} | {seeds} | {coverage['t']:.1%} | {bca} | {coverage['one']:.1%} | {coverage['any']:.1%} |", flush=True)
    print("\n| images | seeds | t interval over seeds covers | interval over seeds and images covers |")
    print("|---|--:|--:|--:|")
    for name, spread in IMAGES.items():
        for seeds in (2, 5, 10, 30):
            coverage = simulate_images(*spread, seeds, studies)
            print(f"| {name} | {seeds} | {coverage['t']:.1%} | {coverage['new']:.1%} |", flush=True)


if __name__ == "__main__":
    main()
