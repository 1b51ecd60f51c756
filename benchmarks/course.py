"""The course of the weights over a study's runs beside the published one, and the thresholds of easy and hard that fit it best.

Prints two tables. What was published stands in the config, at the variant; a share's threshold is fitted to the mean over seeds, by least
squares over the published epochs, in steps of 0.01. Example:

  python benchmarks/course.py --configfile config/published.yaml docs/study/course.yaml --variant dfl
"""

import argparse
import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

import numpy as np

from hardpair.cli.command import run
from hardpair.comparison.runs import Runs, pair_indices
from hardpair.errors import UserError
from hardpair.files import paths, readers
from hardpair.measures.intervals import mean_interval
from hardpair.study.find import overlay

GRID = np.arange(1, 100) / 100
PUBLISHED = {"mean_weight", "scale", "easy", "hard"}


def interval_text(values: np.ndarray, digits: int) -> str:
    """Mean over seeds with Student's 95 % interval."""
    interval = mean_interval(values)
    return f"{interval['mean']:.{digits}f} [{interval['low']:.{digits}f}, {interval['high']:.{digits}f}]"


def shares(runs: Runs, kind: str, threshold: float, epochs: list[int]) -> np.ndarray:
    """Share of easy or hard images (seeds, epochs) at a threshold."""
    table = runs.difficulty(threshold, threshold).pivot(index="seed", columns="epoch", values=kind)
    return table[epochs].to_numpy(np.float64)


def weights_table(runs: Runs, published: dict, pair: list[str]) -> str:
    """Mean weight and scale of one variant's runs beside the published ones, in Markdown."""
    weights = runs.refreshes(pair)
    lines = [
        f"{len(runs.seeds)} runs of {runs.variants[0]}; mean over seeds [95 % interval]\n",
        "| epoch | mean weight, published | here | scale, published | here |\n|--:|--:|---|--:|---|",
    ]
    for (epoch, weight), (_, scale) in zip(published["mean_weight"], published["scale"], strict=True):
        at = weights[weights["epoch"] == epoch]
        here = interval_text(at["loss_mean_weight"].to_numpy(), 3), interval_text(at["loss_scale"].to_numpy(), 2)
        lines.append(f"| {epoch} | {weight:.3f} | {here[0]} | {scale:.2f} | {here[1]} |")
    return "\n".join(lines)


def fitting_threshold(runs: Runs, kind: str, published: list) -> float:
    """The threshold of easy or hard at which the mean share over seeds is nearest to the published ones."""
    epochs, goal = (list(column) for column in zip(*published, strict=True))
    errors = [((shares(runs, kind, threshold, epochs).mean(0) - goal) ** 2).sum() for threshold in GRID]
    return float(GRID[int(np.argmin(errors))])


def shares_table(runs: Runs, published: dict, thresholds: dict[str, dict[float, str]]) -> str:
    """Shares of easy and hard images of one variant's runs beside the published ones, in Markdown.

    Args:
        thresholds: of p_t, for ``easy`` and ``hard``, each with a remark.
    """
    lines = ["| share | threshold of p_t | epoch | published | here |\n|---|--:|--:|--:|---|"]
    for kind, remarks in thresholds.items():
        epochs = [epoch for epoch, _ in published[kind]]
        for threshold, remark in remarks.items():
            percent = shares(runs, kind, threshold, epochs) * 100
            for place, (epoch, goal) in enumerate(published[kind]):
                here = interval_text(percent[:, place], 1)
                lines.append(f"| {kind} | {threshold:.2f}{remark} | {epoch} | {goal * 100:.1f} % | {here} % |")
    return "\n".join(lines)


def sampler_table(runs: Runs, pair: list[str]) -> str:
    """What one variant's sampler drew between two refreshes, and what the network then predicted, means over seeds, in Markdown."""
    names = "refresh_epoch", "sampler_share", "validation_confusion"
    histories = [readers.arrays(path, *names) for _, _, path in runs.files("history.npz")]
    (a, b), (first, second) = pair_indices(runs.classes(), pair), pair
    weights = np.mean([history["sampler_share"][:, [a, b]] for history in histories], 0)
    counts = np.stack([history["validation_confusion"] for history in histories])
    rates = (counts / counts.sum(3, keepdims=True)).mean(0)
    accuracy = (counts.trace(axis1=2, axis2=3) / counts.sum((2, 3))).mean(0)
    drawn = dict(zip(histories[0]["refresh_epoch"], weights, strict=True))
    refreshed = [epoch for epoch, shares in drawn.items() if np.isfinite(shares).all()]  # elsewhere p_t was only recorded
    titles = (
        f"| epochs | weight on {first} | weight on {second} | accuracy after the last of them | {first} → {second} | {second} → {first} |"
    )
    lines = [f"{len(runs.seeds)} runs of {runs.variants[0]}; means over seeds. *Weight*: share of the sampling weights.\n"]
    lines += [titles, "|---|--:|--:|--:|--:|--:|"]
    for before, last in itertools.pairwise(refreshed):
        cells = [*drawn[before], accuracy[last - 1], rates[last - 1, a, b], rates[last - 1, b, a]]
        lines.append(f"| {before + 1} to {last} | {' | '.join(f'{100 * cell:.1f} %' for cell in cells)} |")
    return "\n".join(lines)


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--configfile", nargs="+", default=[], help="overlays of config/config.yaml, as for snakemake")
    cli.add_argument("--variant", default="dfl", help="variant with published courses (default %(default)s)")
    options = cli.parse_args()
    config = overlay(options.configfile)
    courses = {each["name"]: each["published"] for each in config["variants"] if each.get("published", {}).keys() >= PUBLISHED}
    if options.variant not in courses:
        raise UserError(f"no published courses of the variant {options.variant}: choose from {', '.join(courses) or 'other --configfile'}")
    published = courses[options.variant]
    runs = Runs(paths.RESULTS / config["study"] / paths.RUNS, (options.variant,), tuple(config["seeds"]))
    print(weights_table(runs, published, config["pairs"][0]), end="\n\n")
    fitting = {kind: fitting_threshold(runs, kind, published[kind]) for kind in ("easy", "hard")}
    print(shares_table(runs, published, {kind: {config["difficulty"][kind]: ""} | {fitting[kind]: ", fits best"} for kind in fitting}))


if __name__ == "__main__":
    run(main)
