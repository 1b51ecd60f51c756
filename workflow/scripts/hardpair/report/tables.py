"""Tables of results as texts."""

import math
from typing import TYPE_CHECKING

from hardpair.measures.metric_names import number, p_value, percent, title
from hardpair.measures.pair_name import pair_of, shown_pair
from hardpair.wording import minus

if TYPE_CHECKING:
    import pandas as pd

MOST = 1000  # rows of the table of runs; runs.csv has all


def comparison(table: "pd.DataFrame", labels: dict[str, str], baseline: str, metrics: list[str], pair: list[str] | None = None) -> dict:
    """Rows (variants) × columns (metrics) of texts, from the rows of comparison.csv of one model; ``pair`` as ``title`` takes it."""
    rows, indexed = [], table.set_index(["variant", "metric"])
    for name, label in labels.items():
        cells = [_cell(indexed.loc[(name, metric)], metric) if (name, metric) in indexed.index else None for metric in metrics]
        rows.append({"label": label, "baseline": name == baseline, "cells": cells})
    return {"titles": [title(metric, pair) for metric in metrics], "rows": rows, "n": int(table["n"].max())}


def across(table: "pd.DataFrame", key: str, labels: dict[str, str], baseline: str) -> dict:
    """Values of the column ``key`` (rows), such as pairs, under each variant (columns) as texts: shares and their differences."""
    rows, indexed = [], table.set_index([key, "variant"])
    for value in indexed.index.unique(key):
        cells = [_cell(indexed.loc[(value, name)], "confusion") | {"baseline": name == baseline} for name in labels]
        label = shown_pair(*pair_of(value)) if key == "pair" else value.removeprefix("accuracy:").replace("_", " ")
        rows.append({"label": label, "cells": cells})
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


def contrasts(table: "pd.DataFrame", labels: dict[str, str]) -> dict:
    """Declared contrasts of one model as texts."""
    rows = []
    for _, row in table.iterrows():
        metric, p = row["metric"], "" if math.isnan(row["p"]) else p_value(row["p"])
        intervals = [_interval(row[f"{prefix}low"], row[f"{prefix}high"], metric, signed=True) for prefix in ("", "new_images_")]
        name = minus(*(labels.get(row[side], row[side]) for side in "ab"))
        claims = row["claims"] if isinstance(row["claims"], str) else "exploratory"
        rows.append([name, title(metric), number(row["difference"], metric, signed=True), *intervals, p, claims, row["n"]])
    titles = ["Contrast", "Measure", "Difference", "95 % interval", "Over seeds and images", "p, not adjusted", "Claims", "n"]
    return {"titles": titles, "rows": rows}


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
    titles = ["Variant", "Images/s", "Lowest to highest", "Seconds per run", "Peak memory (MB)", "Device", "Runs"]
    return {"titles": titles, "rows": rows}


def trials(table: "pd.DataFrame") -> dict:
    """Trials of the search as texts, best first."""
    from hardpair.figures.search import SEARCHED, prepared

    rows, searched = [], {key: name for key, name in SEARCHED.items() if key in table}
    for _, row in prepared(table).sort_values(["diverged", "value", "trial"], ascending=[True, False, True]).iterrows():
        accuracy = "diverged" if row["diverged"] else percent(row["value"])
        rows.append([int(row["trial"]), int(row["round"]), accuracy, *(f"{row[key]:.4g}" for key in searched)])
    return {"titles": ["Trial", "Round", "Validation accuracy (%)", *searched.values()], "rows": rows}
