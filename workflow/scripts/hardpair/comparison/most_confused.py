"""The most confused pairs of classes: what becomes of them under each variant."""

import numpy as np
import pandas as pd

from hardpair.measures.confusion import pair_rates
from hardpair.measures.intervals import difference_columns, mean_interval
from hardpair.measures.pair_name import pair_name

COUNT = 10  # pairs of classes
COLUMNS = ["model", "rank", "pair", "variant", "label", "n", "mean", "sd", "low", "high"]
COLUMNS += ["difference", "difference_sd", "difference_low", "difference_high"]


def most_confused_table(records: list[tuple[dict, dict]], settings: dict) -> pd.DataFrame:
    """A row per model, pair and variant: mean, sd and 95 % interval of the confusion rate, and its paired difference to the baseline.

    The pairs are the ``COUNT`` of highest mean rate under the baseline, ranked by it; ties in class order.
    """
    rows = []
    for model, measures in records[0][1]["models"].items():
        classes = list(measures["per_class"])
        upper = np.triu_indices(len(classes), k=1)
        rates = {variant["name"]: _rates(records, variant["name"], model, upper) for variant in settings["variants"]}
        top = np.argsort(-rates[settings["baseline"]].to_numpy().mean(0), kind="stable")[:COUNT]
        for place, (a, b) in enumerate(zip(upper[0][top], upper[1][top], strict=True)):
            for variant in settings["variants"]:
                values = rates[variant["name"]][top[place]]
                row = {"model": model, "rank": place + 1, "pair": pair_name(classes[a], classes[b])}
                row |= {"variant": variant["name"], "label": variant["label"]} | mean_interval(values.to_numpy())
                if variant["name"] != settings["baseline"]:
                    row |= difference_columns(values, rates[settings["baseline"]][top[place]])
                rows.append(row)
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


def _rates(records: list[tuple[dict, dict]], variant: str, model: str, upper: tuple[np.ndarray, np.ndarray]) -> pd.DataFrame:
    """Confusion rates of the pairs (a, b), a < b, of a variant's runs, which are rows with the seed as index."""
    counts = {run["seed"]: measured["models"][model]["confusion"] for run, measured in records if run["variant"] == variant}
    return pd.DataFrame([pair_rates(np.array(matrix))[upper] for matrix in counts.values()], index=list(counts))
