"""Writes the results folder of a study that was never trained, complete and with plausible numbers, in milliseconds."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from hardpair.comparison import claims, most_confused, new_images, tables
from hardpair.comparison.runs import Runs
from hardpair.data.arrays import load_part
from hardpair.data.dataset import content_hash
from hardpair.measures.confusion import confusion_matrix, pair_errors, per_class_accuracy
from hardpair.measures.metrics import summary
from hardpair.measures.pair_name import pair_of

JUDGED = {"looks": [], "margins": {"accuracy": 0.3, "confusion": 0.5}}  # keys of a config that verdicts depend on
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
STUDY = [
    {"name": "ce", "label": "CrossEntropy", "published": {"accuracy": 0.8596, "confusion": 0.1202}},
    {"name": "dfl", "label": "DynamicFocalLoss", "published": {"accuracy": 0.8678, "confusion": 0.1078}},
    {"name": "ce_sampler", "label": "CE + FocalSampler", "published": {"accuracy": 0.8678, "confusion": 0.1125}},
    {"name": "dfl_sampler", "label": "DFL + Sampler", "published": {"accuracy": 0.8606, "confusion": 0.1305}},
]


SPACE = {"learning_rate": [0.002, 0.05], "weight_decay": [0.00005, 0.005], "momentum": [0.8, 0.97], "dropout": [0.2, 0.7]}
SEARCH = {"own": "", "label": "all variants", "space": SPACE, "images": 5000}


def settings(variants: list[dict] = STUDY, seeds: int = 3, **changes) -> dict:
    """Settings of a study's figures."""
    result = {
        "study": "fake",
        "variants": variants,
        "seeds": list(range(seeds)),
        "pairs": [["cat", "dog"]],
        "baseline": variants[0]["name"],
    }
    result |= {"plane": [[variant["name"], place // 3, place % 3] for place, variant in enumerate(variants)]}
    names = [variant["name"] for variant in variants]
    parts = [{"better": name, "than": names[0], "measures": ["accuracy", "confusion"]} for name in names[1:]]
    claims = [{"name": part["better"], "sentence": f"{part['better']} is better.", "contrasts": [part], "control": False} for part in parts]
    result |= JUDGED | {"contrasts": [[name, names[0]] for name in names[1:]], "claims": claims}
    result |= {"trained_on": {"name": "fake", "images": 400}}
    result |= {"evaluated_on": "test", "difficulty": {"easy": 0.8, "hard": 0.5}, "references": [], "searches": [SEARCH]}
    return result | changes


def write_study(
    folder: Path,
    settings_: dict,
    epochs: int = 50,
    validation: bool = True,
    images: int = 600,
    classes: list[str] = CLASSES,
    size: int = 16,
) -> None:
    """Everything that training, evaluation, search and comparison leave in ``folder``/results, and the images in ``folder``/data."""
    write_images(folder / "data", images, classes, size)
    for place, variant in enumerate(settings_["variants"]):
        for seed in settings_["seeds"]:
            run = folder / "results" / "runs" / variant["name"] / f"seed{seed}"
            run.mkdir(parents=True)
            write_run(run, variant["name"], place, seed, settings_, epochs, validation, images, classes, size)
    write_training(folder, classes, size)
    record_digest(folder / "data", folder / "results" / "runs")
    write_search(folder / "results" / "search")
    write_comparison(folder / "results", settings_)


def of_counts(measures: dict, confusion: np.ndarray) -> dict:
    """Measures of a model with other counts (C, C), and what follows from them; the highest bin of confidence holds all images."""
    classes, bins = list(measures["per_class"]), len(measures["reliability"]["count"])
    shares = zip(classes, per_class_accuracy(confusion), strict=True)
    pairs = {name: errors | pair_errors(confusion, *map(classes.index, pair_of(name))) for name, errors in measures["pairs"].items()}
    total, correct = int(confusion.sum()), int(np.trace(confusion))
    sums = {"count": total, "confidence": 0.97 * total, "correct": correct}
    return measures | {
        "accuracy": correct / total,
        "ece": abs(correct / total - 0.97),
        "per_class": {name: None if np.isnan(share) else share for name, share in shares},
        "pairs": pairs,
        "confusion": confusion.tolist(),
        "reliability": {key: [0.0] * (bins - 1) + [float(value)] for key, value in sums.items()},
    }


def write_images(folder: Path, images: int, classes: list[str], size: int) -> None:
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[0:size, 0:size] / size
    tint, phase = rng.uniform(60, 200, (images, 3, 1, 1)), rng.uniform(0, 6, (images, 1, 1, 1))
    pixels = tint + 50 * np.sin(6 * rows + phase) * np.cos(5 * columns - phase) + rng.normal(0, 12, (images, 3, size, size))
    (folder / "test").mkdir(parents=True)
    np.save(folder / "test" / "images.npy", pixels.clip(0, 255).astype(np.uint8))
    np.save(folder / "test" / "labels.npy", np.arange(images) % len(classes))
    write_json(
        folder / "dataset.json",
        {"kind": "folder", "name": "fake", "classes": classes, "size": size, "mean": [0.5] * 3, "std": [0.25] * 3, "sha256": "d" * 64},
    )


def write_training(folder: Path, classes: list[str], size: int) -> None:
    """Labels of 40 training images a class, and a split that trains on fewer of each class than of the one before."""
    labels = np.repeat(np.arange(len(classes)), 40)
    (folder / "data" / "train").mkdir(parents=True)
    np.save(folder / "data" / "train" / "labels.npy", labels)
    np.save(folder / "data" / "train" / "images.npy", np.zeros((len(labels), 3, size, size), dtype=np.uint8))
    kept = (np.arange(len(labels)) % 40) < np.floor(40 * 0.1 ** (labels / (len(classes) - 1)))
    (folder / "results").mkdir(exist_ok=True)
    write_json(folder / "results" / "split.json", {"data_sha256": "d" * 64, "training": np.flatnonzero(kept).tolist(), "validation": []})


def record_digest(data: Path, runs: Path) -> None:
    """Write the digest of prepared arrays into their dataset.json, and into the records of ``runs``, by variant and seed."""
    digest = content_hash({part: load_part(data, part) for part in ("train", "test")})
    write_json(data / "dataset.json", json.loads((data / "dataset.json").read_text()) | {"sha256": digest})
    for path in runs.glob("*/*/run.json"):
        record = json.loads(path.read_text())
        write_json(path, record | {"data": record["data"] | {"sha256": digest}})


def write_run(run, name, place, seed, settings_, epochs, validation, images, classes, size) -> None:
    rng = np.random.default_rng([place, seed])
    count, pair = len(classes), [classes.index(item) for item in settings_["pairs"][0]]
    course = 1 - np.exp(-np.arange(1, epochs + 1) / 12)
    rate = 0.01 * 0.1 ** sum((np.arange(epochs) >= share * epochs).astype(float) for share in (0.5, 0.8))

    table = {"epoch": np.arange(1, epochs + 1), "learning_rate": rate, "train_loss": 2.3 - (1.7 + 0.1 * place) * course}
    table["train_accuracy"] = 0.2 + 0.68 * course + rng.normal(0, 0.004, epochs)
    labels = np.arange(images) % count
    history = {}
    empty = np.full(epochs, np.nan)
    table |= {"validation_loss": empty, "validation_accuracy": empty, "confused": "", "confused_rate": empty}
    if validation:
        called = [call(labels, pair, 0.25 + 0.62 * share + 0.006 * place, count, rng) for share in course]
        confusion = np.array([confusion_matrix(labels, predicted_, count) for predicted_ in called])
        table["validation_accuracy"] = np.trace(confusion, axis1=1, axis2=2) / images
        table |= {"validation_loss": 2.2 - 1.6 * course, "confused": "-".join(settings_["pairs"][0]), "confused_rate": 0.4 - 0.25 * course}
        history["validation_confusion"] = confusion.astype(np.int32)
    pd.DataFrame(table).to_csv(run / "epochs.csv", index=False)

    refreshed = sorted({0, *range(5, epochs + 1, 5), *([4] if epochs > 4 else []), epochs})
    applied = np.array([epoch != 4 or epoch == epochs for epoch in refreshed])
    p = np.linspace(0.1, 0.85, len(refreshed)) if epochs > 1 else np.array([0.1, 0.4])
    weight = np.where(applied, 0.8 * np.exp(-np.array(refreshed) / 20) * rng.uniform(0.93, 1.07, len(refreshed)), np.nan)
    told_of = {"epoch": refreshed, "applied": applied.astype(int), "mean_p": p}
    nothing = np.full(len(refreshed), np.nan)
    loss, sampler = "dfl" in name, "sampler" in name
    told_of |= {"loss_mean_weight": weight if loss else nothing, "loss_scale": 1 / weight if loss else nothing}
    told_of |= {"sampler_mean_weight": weight * 1.2 if sampler else nothing, "sampler_effective_share": weight**0.5 if sampler else nothing}
    told_of |= {"loss_effective_share": weight**0.5 if loss else nothing, "sampler_distinct_share": weight if sampler else nothing}
    told_of |= {f"{part}_largest_weight": np.where(applied, 1.0, np.nan) for part, has in (("loss", loss), ("sampler", sampler)) if has}
    for part, has in (("loss", loss), ("sampler", sampler)):
        if has:
            history[f"{part}_share"] = np.where(applied[:, None], rng.dirichlet(np.ones(count), len(refreshed)), np.nan)
    pd.DataFrame(told_of).to_csv(run / "refreshes.csv", index=False)
    history["refresh_epoch"] = np.array(refreshed)
    history["p_histogram"] = np.array([np.histogram(rng.beta(1 + 5 * mean, 2 - 1.6 * mean, 2000), 100, (0, 1))[0] for mean in p])
    np.savez(run / "history.npz", **history)

    models = {}
    for model in ["last", "best"] if validation else ["last"]:
        called = call(labels, pair, 0.86 + 0.004 * place, count, rng)
        logits = rng.normal(0, 1, (images, count)).astype(np.float32)
        logits[np.arange(images), called] = logits.max(1) + rng.exponential(1.5, images)
        models[model] = logits
    np.savez(run / "predictions.npz", labels=labels, index=np.arange(images), **models)
    measured = {model: summary(logits, labels, classes, settings_["pairs"]) for model, logits in models.items()}
    start = {"variant": name, "seed": seed}
    about = {"evaluated_on": settings_["evaluated_on"], "images": images, "fingerprint": "f" * 16}
    write_json(run / "metrics.json", start | about | {"models": measured})
    write_json(run / "run.json", start | {
        "fingerprint": "f" * 16, "settings": {"loss": {"kind": "focal" if loss else "cross_entropy"}, "train": {"precision": "auto"}},
        "recipe": {"epochs": epochs, "learning_rate": 0.01}, "parameters": 4576394, "classes": classes, "size": size,
        "data": {"name": "fake", "sha256": "d" * 64}, "device": "Fake GPU", "device_type": "cuda", "precision": "bf16", "threads": 1,
        "versions": {"python": "3.11.2", "torch": "2.9.0", "numpy": "2.4.6", "hardpair": "0.1.0"}, "seconds": 61.5 + seed,
        "images_per_second": 36000.0, "peak_memory_mb": 512.0, "epochs": epochs, "best_epoch": epochs if validation else None,
        "code": "c0de" * 4, "weights": {"last": "a" * 64} | ({"best": "b" * 64} if validation else {})})  # fmt: skip


def call(labels, pair, right, count, rng) -> np.ndarray:
    """Classes called: true with probability ``right``, less for the pair, whose errors mostly stay within it."""
    in_pair = np.isin(labels, pair)
    wrong = rng.random(len(labels)) > right - 0.1 * in_pair
    other = (labels + rng.integers(1, count, len(labels))) % count
    partner = np.where(labels == pair[0], pair[1], pair[0])
    return np.where(wrong, np.where(in_pair & (rng.random(len(labels)) < 0.6), partner, other), labels)


def write_search(folder: Path, rounds: int = 3, batch: int = 8) -> None:
    folder.mkdir(parents=True)
    rng, count = np.random.default_rng(3), rounds * batch
    trials = pd.DataFrame({"trial": range(count), "round": np.arange(count) // batch})
    trials["value"] = np.round(0.80 + 0.05 * rng.beta(2 + trials["round"], 2), 4)
    trials["diverged"] = (trials["trial"] % 9 == 5).astype(int)
    trials.loc[trials["diverged"] == 1, "value"] = 0.1
    trials["learning_rate"], trials["weight_decay"] = 10 ** rng.uniform(-2.7, -1.3, count), 10 ** rng.uniform(-4.3, -2.3, count)
    trials["momentum"], trials["dropout"], trials["seconds"] = rng.uniform(0.8, 0.97, count), rng.uniform(0.2, 0.7, count), 30.0
    trials.loc[0, ["learning_rate", "weight_decay", "momentum", "dropout"]] = [0.01, 0.0005, 0.9, 0.5]
    trials.to_csv(folder / "trials.csv", index=False)
    (folder / "recipe.yaml").write_text("learning_rate: 0.0123\nweight_decay: 0.0004\nmomentum: 0.91\ndropout: 0.44\nepochs: 50\n")


def write_comparison(folder: Path, settings_: dict) -> None:
    """runs.csv, comparison.csv, contrasts.csv, most_confused.csv and claims.csv."""
    names = [variant["name"] for variant in settings_["variants"]]
    variants = [{"label": variant["name"]} | variant for variant in settings_["variants"]]
    settings_ = settings_ | {"variants": variants}
    paths = [folder / "runs" / name / f"seed{seed}" for name in names for seed in settings_["seeds"]]
    records = [tuple(json.loads((path / name).read_text()) for name in ("run.json", "metrics.json")) for path in paths]
    runs = tables.runs_table(records, settings_)
    runs.to_csv(folder / "runs.csv", index=False)
    tables.comparison_table(runs, settings_).to_csv(folder / "comparison.csv", index=False)
    resampled = new_images.of_runs(Runs.declared(folder / "runs", settings_), settings_, list(runs["model"].unique()))
    contrasts = tables.contrasts_table(runs, settings_, resampled)
    most_confused.most_confused_table(records, settings_).to_csv(folder / "most_confused.csv", index=False)
    contrasts.to_csv(folder / "contrasts.csv", index=False)
    write_claims(folder, runs, settings_)


def write_claims(folder: Path, runs: pd.DataFrame, settings_: dict) -> None:
    judged = claims.claims_table(runs, settings_).assign(declared="declared before the first run had finished")
    judged.to_csv(folder / "claims.csv", index=False)


def write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, default=float))
