"""CSVs of runs trained anywhere, and how they are compared."""

import numpy as np
import pandas as pd

BETTER = ("--better", "accuracy:higher", "loss:lower", "--baseline", "ce")


def wide(seeds=8, effect=0.02) -> pd.DataFrame:
    """A row a run of three variants; ``b`` is better in accuracy and ``c`` like the baseline."""
    rng, rows = np.random.default_rng(5), []
    for seed in range(seeds):
        shared = rng.normal(0, 0.01)
        for name, gain in (("ce", 0), ("b", effect), ("c", 0)):
            accuracy = 0.8 + shared + gain + rng.normal(0, 0.004)
            rows.append(
                {"variant": name, "seed": f"s{seed}", "accuracy": accuracy, "loss": 3 - accuracy + rng.normal(0, 0.01), "note": "x,y"}
            )
    return pd.DataFrame(rows)


def long(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="note").melt(["variant", "seed"], var_name="metric", value_name="value")
