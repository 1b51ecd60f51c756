"""Tables of a study: its runs, its variants beside the baseline, its contrasts."""

from pathlib import Path

import numpy as np
import pandas as pd

from hardpair.contrasts import mean_interval, paired_difference
from hardpair.errors import UserError
from hardpair.files import read_json
from hardpair.provenance import fingerprint

CALIBRATION = ["nll", "ece", "brier"]
MACHINE = ("device_type", "precision", "threads", "torch")


def read_records(folder: Path, settings: dict, recipe: dict, split: Path) -> list[tuple[dict, dict]]:
    """run.json and metrics.json of every declared run, in the order of variants and seeds.

    Raises:
        UserError: a run is missing, was made with other settings, recipe, data or code than the present ones, ended early, was evaluated on
            other images, or (unless ``allow_mixed``) was made on another kind of machine than the first.
    """
    records = []
    for variant in settings["variants"]:
        for seed in settings["seeds"]:
            path = folder / variant["name"] / f"seed{seed}"
            run, measured = read_json(path / "run.json"), read_json(path / "metrics.json")
            present = fingerprint(variant["train"], recipe, seed, split, variant["code"])
            if {run["fingerprint"], measured["fingerprint"]} != {present}:
                raise UserError(
                    f"{path} was made with other settings, data or code than the present ones: run the workflow to train it again"
                )
            if run["epochs"] != recipe["epochs"]:
                raise UserError(f"{path} ended after {run['epochs']} of {recipe['epochs']} epochs: train it without --stop-after")
            if problem := _wrong_evaluation(run, measured, settings):
                raise UserError(f"{path} was {problem}: evaluate it again")
            records.append((run, measured))
    if not settings["allow_mixed"]:
        _refuse_mixed(records)
    return records


def _wrong_evaluation(run: dict, measured: dict, settings: dict) -> str | None:
    """What metrics.json lacks, if it is not about the images, models and pairs that are compared."""
    if measured["on"] != settings["on"]:
        return f"evaluated on {measured['on']} images, not on {settings['on']} images"
    if measured["models"].keys() != run["weights"].keys():
        return f"not evaluated with just the models {', '.join(run['weights'])}"
    for pair in map("-".join, settings["pairs"]):
        if any(pair not in measures["pairs"] for measures in measured["models"].values()):
            return f"evaluated without the pair {pair}"
    return None


def _refuse_mixed(records: list[tuple[dict, dict]]) -> None:
    (first, _), *others = records
    for run, _ in others:
        for key in MACHINE:
            a, b = (_machine(record)[key] for record in (first, run))
            if a != b:
                raise UserError(
                    f"runs {_name(first)} and {_name(run)} differ in {key} ({a} and {b}), which alone may change results: "
                    "train them alike or set compare.allow_mixed to true"
                )


def _machine(run: dict) -> dict:
    return {key: run["versions"]["torch"] if key == "torch" else run[key] for key in MACHINE}


def _name(run: dict) -> str:
    return f"{run['variant']}/seed{run['seed']}"


def runs_table(records: list[tuple[dict, dict]], settings: dict) -> pd.DataFrame:
    """A row per run and model (last, best): measures as shares, device, time."""
    labels = {variant["name"]: variant["label"] for variant in settings["variants"]}
    rows = []
    for run, measured in records:
        for model, measures in measured["models"].items():
            row = {"variant": run["variant"], "label": labels[run["variant"]], "seed": run["seed"], "model": model}
            row |= {"accuracy": measures["accuracy"]} | {key: measures[key] for key in CALIBRATION}
            for key, name in (("rate", "confusion"), ("binary_error", "binary_error")):
                row |= {f"{name}:{pair}": errors[key] for pair, errors in measures["pairs"].items()}
            row |= {key: run[key] for key in ("epochs", "best_epoch", "device")} | _machine(run)
            row |= {key: run[key] for key in ("seconds", "images_per_second", "fingerprint")}
            rows.append(row)
    return pd.DataFrame(rows)


def metrics_of(settings: dict) -> list[str]:
    """Columns of runs.csv that are compared; the first two, accuracy and confusion of the first pair, are the study's measures."""
    pairs = ["-".join(pair) for pair in settings["pairs"]]
    return ["accuracy", *(f"confusion:{pair}" for pair in pairs), *CALIBRATION, *(f"binary_error:{pair}" for pair in pairs)]


def values_of(runs: pd.DataFrame, variant: str, model: str, metric: str) -> np.ndarray:
    """One measure of one variant by seed, float64 (seeds,)."""
    return runs.loc[(runs["variant"] == variant) & (runs["model"] == model), metric].to_numpy(np.float64)


def comparison_table(runs: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """A row per variant, model and measure: mean, sd, 95 % interval, and the same of the difference to the baseline by seed."""
    first_pair = f"confusion:{'-'.join(settings['pairs'][0])}"
    rows = []
    for variant in settings["variants"]:
        for model in runs["model"].unique():
            for metric in metrics_of(settings):
                values = values_of(runs, variant["name"], model, metric)
                row = {"variant": variant["name"], "label": variant["label"], "model": model, "metric": metric} | mean_interval(values)
                if variant["name"] != settings["baseline"]:
                    against = paired_difference(values, values_of(runs, settings["baseline"], model, metric))
                    row |= {"difference": against["mean"]} | {f"difference_{key}": against[key] for key in ("sd", "low", "high")}
                published = variant.get("published") or {}
                row["published"] = {"accuracy": published.get("accuracy"), first_pair: published.get("confusion")}.get(metric)
                rows.append(row)
    columns = ["variant", "label", "model", "metric", "n", "mean", "sd", "low", "high"]
    columns += ["difference", "difference_sd", "difference_low", "difference_high", "published"]
    return pd.DataFrame(rows).reindex(columns=columns)


def contrasts_table(runs: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """A row per declared contrast a − b, model and measure, paired by seed."""
    rows = []
    for a, b in settings["contrasts"]:
        for model in runs["model"].unique():
            for metric in metrics_of(settings)[: 1 + len(settings["pairs"])]:
                difference = paired_difference(values_of(runs, a, model, metric), values_of(runs, b, model, metric))
                row = {"a": a, "b": b, "model": model, "metric": metric, "n": difference["n"], "difference": difference["mean"]}
                rows.append(row | {key: difference[key] for key in ("sd", "low", "high")})
    return pd.DataFrame(rows, columns=["a", "b", "model", "metric", "n", "difference", "sd", "low", "high"])


def markdown(comparison: pd.DataFrame, contrasts: pd.DataFrame, settings: dict) -> str:
    """The study as Markdown, laid out as the published table with its values beside ours."""
    labels = {variant["name"]: _escape(variant["label"]) for variant in settings["variants"]}
    metrics = metrics_of(settings)[:2]
    pair = _escape("-".join(settings["pairs"][0]))
    count = len(settings["seeds"])
    several = "Mean ± sd over seeds; differences are paired by seed, with Student's 95 % interval in brackets. "
    lines = [
        f"# {settings['study']}: comparison",
        "",
        f"On {settings['on']} images; {count} seed{'s' if count > 1 else ''} ({', '.join(map(str, settings['seeds']))}). "
        f"{several if count > 1 else 'A single run each has no sd and no interval. '}"
        "Positive differences in accuracy and negative ones in confusion are better.",
    ]
    for model in comparison["model"].unique():
        table = comparison[comparison["model"] == model].set_index(["variant", "metric"])
        lines += ["", f"## {'Last epoch' if model == 'last' else 'Best epoch by validation accuracy'}", ""]
        against = labels[settings["baseline"]]
        ours = ["configuration", "accuracy", f"{pair} confusion", f"accuracy vs {against}", f"confusion vs {against}"]
        lines += _header([*ours, "published accuracy", "published confusion"])
        for variant in settings["variants"]:
            rows = [table.loc[(variant["name"], metric)] for metric in metrics]
            cells = [labels[variant["name"]] + (" (baseline)" if variant["name"] == settings["baseline"] else "")]
            cells += [_mean(row) for row in rows]
            cells += [_difference(row["difference"], row["difference_low"], row["difference_high"]) for row in rows]
            cells += [_percent(row["published"]) for row in rows]
            lines.append(_row(cells))
    if len(contrasts):
        lines += ["", "## Declared contrasts, last epoch", "", *_header(["contrast", "accuracy", "confusion"])]
        last = contrasts[contrasts["model"] == "last"].set_index(["a", "b", "metric"])
        for a, b in settings["contrasts"]:
            rows = [last.loc[(a, b, metric)] for metric in metrics]
            lines.append(_row([f"{labels[a]} − {labels[b]}", *(_difference(row["difference"], row["low"], row["high"]) for row in rows)]))
    return "\n".join(lines) + "\n"


def _header(titles: list[str]) -> list[str]:
    return [_row(titles), "|" + "---|" * len(titles)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    """Text as a cell of a table: on one line, and neither markup nor the end of the cell."""
    for mark, written in (("&", "&amp;"), ("<", "&lt;"), ("\\", "\\\\"), ("|", "\\|")):
        text = text.replace(mark, written)
    return " ".join(text.split())


def _percent(share: float) -> str:
    return "" if pd.isna(share) else f"{100 * share:.2f} %"


def _mean(row: pd.Series) -> str:
    return f"{100 * row['mean']:.2f} %" if pd.isna(row["sd"]) else f"{100 * row['mean']:.2f} ± {100 * row['sd']:.2f} %"


def _difference(mean: float, low: float, high: float) -> str:
    if pd.isna(mean):
        return ""
    return f"{100 * mean:+.2f} pp" + ("" if pd.isna(low) else f" [{100 * low:+.2f}, {100 * high:+.2f}]")
