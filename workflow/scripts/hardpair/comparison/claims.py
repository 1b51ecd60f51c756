"""What declared claims come to."""

import pandas as pd

from hardpair.measures import significance
from hardpair.measures.pair_name import pair_name

ALPHA = 0.05


def claims_table(contrasts: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """A row per claim, from the contrasts of the last epoch: ``name``, ``sentence``, ``verdict``, ``why``.

    *supported*: each contrast is significant in its direction on each of its measures (``p_holm`` < 0.05). *refuted*: one is significant
    the other way, or its interval lies within ± ``margin`` of 0. Otherwise *not settled*, with the seeds that would settle it.
    """
    last = contrasts[contrasts["model"] == "last"]
    tests = int(last["p_holm"].notna().sum())
    columns = {"accuracy": "accuracy", "confusion": f"confusion:{pair_name(*settings['pairs'][0])}"}
    rows = []
    for claim in settings["claims"]:
        parts = [_part(last, part, measure, columns[measure], settings) for part in claim["contrasts"] for measure in part["measures"]]
        verdict, why = _verdict(parts, tests, len(settings["seeds"]))
        rows.append({"name": claim["name"], "sentence": claim["sentence"], "verdict": verdict, "why": why})
    return pd.DataFrame(rows, columns=["name", "sentence", "verdict", "why"])


def _part(last: pd.DataFrame, part: dict, measure: str, metric: str, settings: dict) -> dict:
    """One comparison of a claim; ``gain`` is positive if it is as claimed."""
    labels = {variant["name"]: variant["label"] for variant in settings["variants"]}
    rows = last[last["metric"] == metric].set_index(["a", "b"])
    turned = (part["better"], part["than"]) not in rows.index
    row = rows.loc[(part["than"], part["better"]) if turned else (part["better"], part["than"])]
    sign = -1 if turned else 1  # of better − than
    return {
        "text": f"{labels[part['better']]} against {labels[part['than']]}, {measure} {_difference(row, sign)}",
        "gain": sign * row["difference"] * (1 if measure == "accuracy" else -1),
        "sd": row["sd"],
        "significant": bool(row["p_holm"] < ALPHA),
        "none": bool(-settings["margin"] < row["low"] and row["high"] < settings["margin"]),
    }


def _difference(row: pd.Series, sign: int) -> str:
    low, high = sorted((sign * row["low"], sign * row["high"])) if pd.notna(row["low"]) else (float("nan"), float("nan"))
    interval = "" if pd.isna(low) else f" [{100 * low:+.2f}, {100 * high:+.2f}]"
    return f"{100 * sign * row['difference']:+.2f} pp{interval}, p = {row['p_holm']:.2g}"


def _verdict(parts: list[dict], tests: int, seeds: int) -> tuple[str, str]:
    against = next((part for part in parts if (part["significant"] and part["gain"] < 0) or part["none"]), None)
    if against:
        kind = "a difference this small counts as none" if against["none"] else "significant the other way"
        return "refuted", f"{against['text']}: {kind}"
    open_parts = [part for part in parts if not part["significant"]]
    if not open_parts:
        return "supported", "; ".join(part["text"] for part in parts)
    text = open_parts[0]["text"]
    fewest = significance.seeds_for(tests)
    if seeds < fewest:
        return "not settled", f"{text}; {seeds} seed{'s' if seeds > 1 else ''} can settle nothing: {tests} tests need at least {fewest}"
    needed = [significance.seeds_needed(part["gain"], part["sd"], alpha=ALPHA / tests) for part in open_parts]
    if any(part["gain"] == 0 for part in open_parts):
        return "not settled", f"{text}: no number of seeds would settle a difference of 0"
    if None in needed:
        return (
            "not settled",
            f"{text}; more than {significance.MOST:,} seeds would be needed to settle it, if the differences stay as they are",
        )
    return "not settled", f"{text}; about {max(fewest, *needed)} seeds would settle it, if the differences stay as they are"
