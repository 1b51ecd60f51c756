"""Made-up runs of three variants, and settings with claims about them."""

import numpy as np
import pandas as pd

from hardpair.comparison import claims

NAMES = ("a", "b", "c")
BOTH = ("accuracy", "confusion")
AHEAD = {"a": (0.87, 0.11), "b": (0.86, 0.12), "c": (0.86, 0.12)}


def claim(*parts, name="claim", control=False):
    """A claim of parts (better, than, measures)."""
    contrasts = [{"better": better, "than": than, "measures": list(measures)} for better, than, measures in parts]
    return {"name": name, "sentence": f"{name} holds.", "contrasts": contrasts, "control": control}


def settings(*declared, seeds=10, looks=(), margins=(0.3, 0.5)):
    return {
        "variants": [{"name": name, "label": name.upper()} for name in NAMES],
        "seeds": list(range(seeds)),
        "pairs": [["cat", "dog"]],
        "claims": list(declared),
        "looks": list(looks),
        "margins": dict(zip(BOTH, margins, strict=True)),
    }


def made(seeds, noise=0.001, **means):
    """Runs with accuracy and confusion of each variant around its means, float or one value a seed."""
    rng, rows = np.random.default_rng(0), []
    for name in NAMES:
        values = [np.broadcast_to(mean, seeds) + noise * rng.normal(size=seeds) for mean in means.get(name, (0.5, 0.5))]
        rows += [
            {"variant": name, "seed": seed, "model": model, "accuracy": values[0][seed], "confusion:cat-dog": values[1][seed]}
            for seed in range(seeds)
            for model in ("last", "best")
        ]
    return pd.DataFrame(rows)


def judged(runs, settings):
    """Verdict and reason of the first claim."""
    row = claims.claims_table(runs, settings).iloc[0]
    return row["verdict"], row["why"]


def values(runs, name, column="accuracy"):
    rows = runs[(runs["variant"] == name) & (runs["model"] == "last")]
    return rows.sort_values("seed")[column].to_numpy()
