"""Tables of results as texts."""

import math
from typing import TYPE_CHECKING

from hardpair.measures.names import OF_PAIR, number, title

if TYPE_CHECKING:
    import pandas as pd

MOST = 1000  # rows of the table of runs; runs.csv has all


def pair_titles(pair: list[str]) -> dict[str, str]:
    """What the pair's own table shows: its directions, errors that leave it, and the accuracy on each of its classes."""
    metrics = [*(f"{key}:{'-'.join(pair)}" for key in OF_PAIR), *(f"accuracy:{name}" for name in pair)]
    return {metric: title(metric, pair) for metric in metrics}


def comparison(table: "pd.DataFrame", labels: dict[str, str], baseline: str, titles: dict[str, str]) -> dict:
    """Rows (variants) × columns of texts, from the rows of comparison.csv of one model; ``titles`` by measure, in the order of columns."""
    rows, indexed = [], table.set_index(["variant", "metric"])
    for name, label in labels.items():
        cells = [_cell(indexed.loc[(name, metric)], metric) if (name, metric) in indexed.index else None for metric in titles]
        rows.append({"label": label, "baseline": name == baseline, "cells": cells})
    return {"titles": list(titles.values()), "rows": rows, "n": int(table["n"].max())}


def across(table: "pd.DataFrame", key: str, labels: dict[str, str], baseline: str) -> dict:
    """Values of the column ``key`` (rows), such as pairs, under each variant (columns) as texts: shares and their differences."""
    rows, indexed = [], table.set_index([key, "variant"])
    for value in indexed.index.unique(key):
        cells = [_cell(indexed.loc[(value, name)], "confusion") | {"baseline": name == baseline} for name in labels]
        rows.append({"label": value.removeprefix("accuracy:").replace("_", " ").replace("-", "–"), "cells": cells})
    return {"titles": list(labels.values()), "rows": rows}


def _cell(row: "pd.Series", metric: str) -> dict[str, str]:
    return {
        "mean": number(row["mean"], metric),
        "interval": _interval(row["low"], row["high"], metric),
        "difference": number(row["difference"], metric, signed=True),
        "difference_interval": _interval(row["difference_low"], row["difference_high"], metric, signed=True),
        "published": number(row.get("published", math.nan), metric),
    }


def _interval(low: float, high: float, metric: str, signed: bool = False) -> str:
    return "" if math.isnan(low) else f"{number(low, metric, signed)} to {number(high, metric, signed)}"


def contrasts(table: "pd.DataFrame", labels: dict[str, str]) -> list[dict[str, str]]:
    """Declared contrasts of one model as texts."""
    return [
        {
            "a": labels.get(row["a"], row["a"]),
            "b": labels.get(row["b"], row["b"]),
            "metric": title(row["metric"]),
            "n": row["n"],
            "difference": number(row["difference"], row["metric"], signed=True),
            "interval": _interval(row["low"], row["high"], row["metric"], signed=True),
            "new_images": _interval(row["new_images_low"], row["new_images_high"], row["metric"], signed=True),
            "p": "" if math.isnan(row["p_holm"]) else f"{row['p_holm']:.3f}",
        }
        for _, row in table.iterrows()
    ]


def every_run(table: "pd.DataFrame", labels: dict[str, str], measures: list[str]) -> dict:
    """Runs and models as texts, from runs.csv; the first of very many."""
    rows = []
    for _, row in table.head(MOST).iterrows():
        shown = [number(row[metric], metric) for metric in measures]
        best = "" if math.isnan(row["best_epoch"]) else f"{row['best_epoch']:.0f}"
        name = labels.get(row["variant"], row["variant"])
        rows.append([name, row["seed"], row["model"], *shown, best, f"{row['seconds']:.0f}", row["fingerprint"]])
    titles = ["Variant", "Seed", "Model", *map(title, measures), "Best epoch", "Seconds", "Fingerprint"]
    return {"titles": titles, "rows": rows, "count": len(table)}


def speed(records: list[dict], labels: dict[str, str]) -> dict:
    """How fast each variant trained, from run.json of its runs: medians, and the range of images/s."""
    from statistics import median

    rows = []
    for name, label in labels.items():
        runs = [record for record in records if record["variant"] == name]
        rate = sorted(run["images_per_second"] for run in runs)
        shown = [f"{median(rate):,.0f}", f"{rate[0]:,.0f} to {rate[-1]:,.0f}", f"{median(run['seconds'] for run in runs):,.1f}"]
        memory = f"{median(run['peak_memory_mb'] for run in runs):,.0f}"
        rows.append([label, *shown, memory, ", ".join(dict.fromkeys(run["device"] for run in runs)), len(runs)])
    titles = ["Variant", "Images/s", "Lowest to highest", "Seconds a run", "Peak memory (MB)", "Device", "Runs"]
    return {"titles": titles, "rows": rows}


def trials(table: "pd.DataFrame") -> list[list]:
    """Trials of the search as texts, best first."""
    from hardpair.figures.search import prepared

    best_first = prepared(table).sort_values(["diverged", "value", "trial"], ascending=[True, False, True])
    return [
        [
            int(row["trial"]),
            int(row["round"]) + 1,
            "diverged" if row["diverged"] else f"{row['percent']:.2f}",
            *(f"{row[key]:.4g}" for key in ("learning_rate", "weight_decay", "momentum", "dropout")),
        ]
        for _, row in best_first.iterrows()
    ]
