"""Tables of a study: its runs, its variants beside the baseline, its contrasts."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from hardpair.comparison.runs import refuse_other_run
from hardpair.config.schema import CNN
from hardpair.errors import UserError
from hardpair.files import formats, shapes
from hardpair.files.paths import RUN_NAME
from hardpair.measures import power, significance
from hardpair.measures.intervals import difference_columns, mean_interval, paired
from hardpair.measures.metric_names import CALIBRATION, OF_PAIR, classes_of, compared_of, details_of, measures_of, metrics_of
from hardpair.measures.pair_name import pair_name
from hardpair.staleness.fingerprint import fingerprint

COLUMNS = ["variant", "label", "model", "metric", "n", "mean", "sd", "low", "high"]
COLUMNS += ["difference", "difference_sd", "difference_low", "difference_high", "published"]
CONTRAST_COLUMNS = ["a", "b", "model", "metric", "n", "difference", "sd", "low", "high", "bca_low", "bca_high"]
CONTRAST_COLUMNS += ["new_images_low", "new_images_high", "p", "p_sign_flip", "claims"]
CONTRAST_COLUMNS += ["superiority", "correlation", "detectable", "published", "seeds_for_published"]
MACHINE = ("device_type", "precision", "threads", "torch")


def read_records(folder: Path, settings: dict, recipes: dict[str, dict], split: Path) -> list[tuple[dict, dict]]:
    """run.json and metrics.json of every declared run, in the order of variants and seeds.

    Args:
        recipes: of each variant by name.

    Raises:
        UserError: a run is missing, was made with other settings, recipe, data or code than the present ones, ended early, was evaluated on
            other images, or (unless ``allow_mixed``) was trained or evaluated on another kind of machine than the first.
    """
    records = []
    for variant in settings["variants"]:
        recipe = recipes[variant["name"]]
        for seed in settings["seeds"]:
            path = folder / RUN_NAME.format(variant=variant["name"], seed=seed)
            run, measured = shapes.read(path / "run.json", formats.RUN), formats.read_metrics(path / "metrics.json")
            for name, record in (("run.json", run), ("metrics.json", measured)):
                refuse_other_run(path / name, record, variant["name"], seed)
            present = fingerprint(variant["train"], recipe, seed, split, variant["code"])
            if {run["fingerprint"], measured["fingerprint"]} != {present}:
                raise UserError(
                    f"{path} was made with other settings, data or code than the present ones: run the workflow to train it again"
                )
            if run["epochs"] != recipe["epochs"]:
                raise UserError(f"{path} ended after {run['epochs']} of {recipe['epochs']} epochs: train it without --stop-after")
            if problem := wrong_evaluation(run, measured, settings):
                raise UserError(f"{path} was {problem}: evaluate it again")
            records.append((run, measured))
    if not settings["allow_mixed"]:
        _refuse_mixed(records)
    return records


def wrong_evaluation(run: dict, measured: dict, settings: dict) -> str | None:
    """What metrics.json lacks, if it is not about the images, models and pairs that are compared."""
    if measured["evaluated_on"] != settings["evaluated_on"]:
        return f"evaluated on {measured['evaluated_on']} images, not on {settings['evaluated_on']} images"
    if measured["models"].keys() != run["weights"].keys():
        return f"not evaluated with just the models {', '.join(run['weights'])}"
    for pair in (pair_name(*pair) for pair in settings["pairs"]):
        if any(pair not in measures["pairs"] for measures in measured["models"].values()):
            return f"evaluated without the pair {pair}"
    return None


def images_by_class(records: list[tuple[dict, dict]]) -> dict[str, int]:
    """How many images of each class the runs were evaluated on."""
    measures = records[0][1]["models"]["last"]
    return {name: sum(row) for name, row in zip(measures["per_class"], measures["confusion"], strict=True)}


def _refuse_mixed(records: list[tuple[dict, dict]]) -> None:
    (first, _), *others = records
    for run, _ in others:
        for key in MACHINE:
            a, b = (_machine(record)[key] for record in (first, run))
            if a != b:
                raise UserError(
                    f"runs {_name(first)} and {_name(run)} differ in {key} ({a} and {b}), which can change results: "
                    "train all runs with the same, or set compare.allow_mixed to true"
                )
    evaluated = [(_name(run), measured["device_type"]) for run, measured in records if "device_type" in measured]  # older ones lack it
    for name, device in evaluated[1:]:
        known, wanted = evaluated[0]
        if device != wanted:
            raise UserError(
                f"runs {known} and {name} were evaluated on different device types ({wanted} and {device}), which can change results: "
                "evaluate all runs on the same, or set compare.allow_mixed to true"
            )


def _machine(run: dict) -> dict:
    return {key: run["versions"]["torch"] if key == "torch" else run[key] for key in MACHINE}


def _name(run: dict) -> str:
    return RUN_NAME.format_map(run)


def runs_table(records: list[tuple[dict, dict]], settings: dict) -> pd.DataFrame:
    """A row per run and model (last, best): measures as shares, settings and recipe by dotted key, device, time, versions."""
    labels = {variant["name"]: variant["label"] for variant in settings["variants"]}
    settings_of_runs = [_settings(run) for run, _ in records]
    keys = sorted({key for flat in settings_of_runs for key in flat})
    rows = []
    for (run, measured), flat in zip(records, settings_of_runs, strict=True):
        for model, measures in measured["models"].items():
            row = {"variant": run["variant"], "label": labels[run["variant"]], "seed": run["seed"], "model": model}
            row |= {"accuracy": measures["accuracy"]} | {key: measures[key] for key in CALIBRATION}
            for key, name in (("rate", "confusion"), ("binary_error", "binary_error"), *((key, key) for key in OF_PAIR)):
                row |= {f"{name}:{pair}": errors[key] for pair, errors in measures["pairs"].items()}
            row |= {f"accuracy:{name}": share for name, share in measures["per_class"].items()}
            row |= {key: flat.get(key) for key in keys}
            row |= {key: run[key] for key in ("epochs", "best_epoch", "device")} | _machine(run)
            row |= {key: run[key] for key in ("seconds", "images_per_second", "peak_memory_mb", "parameters")} | run["versions"]
            row |= {"data": run["data"]["sha256"]} | {key: run[key] for key in ("code", "fingerprint")}
            row |= {"adopted": run["adopted"]["commit"]} if "adopted" in run else {}
            rows.append(row)
    return pd.DataFrame(rows)


def _settings(run: dict) -> dict:
    """The settings of a run by dotted key, such as ``loss.gamma``, ``recipe.momentum`` or ``deterministic``; lists and maps as JSON."""
    settings = {"recipe": run["recipe"], **run["settings"]}
    settings.pop("precision", None)  # the precision that was used stands with the machine
    nested = {key: value for key, value in settings.items() if isinstance(value, dict)}
    flat = {f"{part}.{key}": value for part, values in nested.items() for key, value in values.items()}
    flat |= {key: value for key, value in settings.items() if key not in nested}
    return {key: json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value for key, value in flat.items()}


def networks(runs: pd.DataFrame) -> str:
    """``network cnn``, or ``networks cnn, resnet18``: those of the runs of a ``runs_table``, in its order."""
    names = pd.Series(CNN["kind"], runs.index)
    for column in ("network.kind", "network.name"):
        if column in runs:
            names = runs[column].fillna(names)
    return f"network{'s' if names.nunique() > 1 else ''} {', '.join(names.unique())}"


def by_variant(runs: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Rows of ``runs_table`` by variant and model, with the seed as index."""
    return {key: rows.set_index("seed") for key, rows in runs.groupby(["variant", "model"], sort=False)}


def comparison_table(runs: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """A row per variant, model and measure: mean, sd, 95 % interval, and the same of the difference to the baseline by seed."""
    first_pair = f"confusion:{pair_name(*settings['pairs'][0])}"
    metrics, groups, rows = metrics_of(settings) + details_of(settings["pairs"], classes_of(runs.columns)), by_variant(runs), []
    for variant in settings["variants"]:
        for model in runs["model"].unique():
            for metric in metrics:
                values = groups[variant["name"], model][metric]
                row = {"variant": variant["name"], "label": variant["label"], "model": model, "metric": metric}
                row |= mean_interval(values.to_numpy(np.float64))
                if variant["name"] != settings["baseline"]:
                    row |= difference_columns(values, groups[settings["baseline"], model][metric])
                published = variant.get("published") or {}
                row["published"] = {"accuracy": published.get("accuracy"), first_pair: published.get("confusion")}.get(metric)
                rows.append(row)
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


def contrasts_table(runs: pd.DataFrame, settings: dict, new_images: dict | None = None) -> pd.DataFrame:
    """A row per declared contrast a − b, model and measure, paired by seed: intervals, tests, power.

    No p is adjusted. ``claims`` names the claims that the row is a part of, where the model is the last; rows in none are exploratory.

    Args:
        new_images: the interval over seeds and images (low, high) by a, b, model and metric, from ``new_images.of_runs``.
    """
    published = {variant["name"]: variant.get("published") or {} for variant in settings["variants"]}
    names = {metric: measure for measure, metric in measures_of(settings).items()}
    groups, claimed, rows = by_variant(runs), _claimed(settings["claims"]), []
    for a, b in settings["contrasts"]:
        for model in runs["model"].unique():
            for metric in compared_of(settings):
                first, second = paired(groups[a, model][metric], groups[b, model][metric])
                difference, key = mean_interval(first - second), names.get(metric)
                row = {"a": a, "b": b, "model": model, "metric": metric, "n": difference["n"], "difference": difference["mean"]}
                row |= {key: difference[key] for key in ("sd", "low", "high")}
                row["bca_low"], row["bca_high"] = significance.bca_interval(first - second)
                row["new_images_low"], row["new_images_high"] = (new_images or {}).get((a, b, model, metric), (np.nan, np.nan))
                row["p"], row["p_sign_flip"] = float(significance.t_test(first - second)), significance.sign_flip(first - second)
                row["claims"] = (" ".join(claimed.get((frozenset((a, b)), key), [])) if model == "last" else "") or np.nan
                row["superiority"], row["correlation"] = significance.superiority(first, second), significance.correlation(first, second)
                row["detectable"] = power.detectable(row["sd"], row["n"])
                if key and key in published[a] and key in published[b]:
                    row["published"] = published[a][key] - published[b][key]
                    row["seeds_for_published"] = power.seeds_needed(row["published"], row["sd"])
                rows.append(row)
    return pd.DataFrame(rows).reindex(columns=CONTRAST_COLUMNS)


def _claimed(claims: list[dict]) -> dict[tuple[frozenset, str], list[str]]:
    """Names of the claims by the two variants, in either order, and the measure of a part."""
    names: dict[tuple[frozenset, str], list[str]] = {}
    for claim in claims:
        for part in claim["contrasts"]:
            for measure in part["measures"]:
                names.setdefault((frozenset((part["better"], part["than"])), measure), []).append(claim["name"])
    return names
