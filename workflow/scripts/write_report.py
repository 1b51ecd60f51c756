"""Write a study's report: one HTML file that opens offline, with its tables, figures, search, provenance, config and commands.

Reads comparison.csv, contrasts.csv, most_confused.csv, claims.csv, runs.csv, runs/{variant}/seed{seed}/run.json, figures/{name}.{svg,png}
and, where the config has a search, search/{recipe.yaml,trials.csv} below the study's folder.
Settings: config (resolved), pairs, references (confusion rates from elsewhere), figures (list of name, title, caption), commands (list of
texts). Example:

  python workflow/scripts/write_report.py --study-dir results/demo --output results/demo/report.html --settings report.json
"""

import argparse
import math
from pathlib import Path

from hardpair.command import parser, run, settings_with
from hardpair.measures import OF_PAIR, about, metrics_of, number, title

LARGE = 3_000_000  # bytes; an SVG of more is embedded as PNG
ONCE = ("parameters", "device", "device_type", "precision", "threads", "code")  # of run.json, told once where all runs agree


def arguments() -> argparse.Namespace:
    cli = parser(__doc__)
    cli.add_argument("--study-dir", required=True, help="folder results/{study} of the study")
    cli.add_argument(
        "--settings",
        required=True,
        type=settings_with("config", "pairs", "references", "figures", "commands"),
        help="JSON, or a JSON or YAML file, with the keys named above",
    )
    cli.add_argument("--code", help=argparse.SUPPRESS)
    cli.add_argument("--output", required=True, help="HTML file to write")
    return cli.parse_args()


def main() -> None:
    options = arguments()
    from hardpair.files import write_text

    write_text(options.output, render(Path(options.study_dir), options.settings))


def render(folder: Path, settings: dict) -> str:
    """The report of the study in ``folder`` as HTML."""
    import jinja2
    import yaml

    from hardpair.readers import read_table
    from hardpair.runs import Runs

    config, pairs = settings["config"], settings["pairs"]
    labels = {variant["name"]: variant.get("label") or variant["name"] for variant in config["variants"]}
    records = Runs.declared(folder / "runs", config).records()
    compared, contrasts = read_table(folder / "comparison.csv"), read_table(folder / "contrasts.csv")
    confused = read_table(folder / "most_confused.csv")
    models, baseline, lead = list(dict.fromkeys(compared["model"])), config["baseline"], metrics_of(settings)
    last = compared[compared["model"] == "last"]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "hardpair"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja").render(
        config=config,
        pair=[name.replace("_", " ") for name in pairs[0]],
        baseline=labels[config["baseline"]],
        comparisons={
            model: comparison(compared[compared["model"] == model], labels, baseline, {metric: title(metric) for metric in lead})
            for model in models
        },
        details={"–".join(pair).replace("_", " "): comparison(last, labels, baseline, pair_titles(pair)) for pair in pairs},
        by_class=across(last[last["metric"].str.startswith("accuracy:")], "metric", labels, baseline),
        most_confused=across(confused[confused["model"] == "last"], "pair", labels, baseline),
        references=about(settings["references"], pairs),
        claims=read_table(folder / "claims.csv").to_dict("records"),
        contrasts={model: contrast_rows(contrasts[contrasts["model"] == model], labels) for model in models},
        figures=[figure | {"source": embedded(folder / "figures", figure["name"])} for figure in settings["figures"]],
        search=search(folder / "search") if config["search"]["enabled"] else None,
        runs=run_table(read_table(folder / "runs.csv"), labels, lead),
        provenance=provenance(records),
        resolved=yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=100),
        commands=settings["commands"],
    )


def pair_titles(pair: list[str]) -> dict[str, str]:
    """What the pair's own table shows: its directions, errors that leave it, and the accuracy on each of its classes."""
    metrics = [*(f"{key}:{'-'.join(pair)}" for key in OF_PAIR), *(f"accuracy:{name}" for name in pair)]
    return {metric: title(metric, pair) for metric in metrics}


def comparison(table, labels: dict[str, str], baseline: str, titles: dict[str, str]) -> dict:
    """Rows (variants) × columns of texts, from the rows of comparison.csv of one model; ``titles`` by measure, in the order of columns."""
    rows, of = [], table.set_index(["variant", "metric"])
    for name, label in labels.items():
        cells = [_cell(of.loc[(name, metric)], metric) if (name, metric) in of.index else None for metric in titles]
        rows.append({"label": label, "baseline": name == baseline, "cells": cells})
    return {"titles": list(titles.values()), "rows": rows, "n": int(table["n"].max())}


def across(table, key: str, labels: dict[str, str], baseline: str) -> dict:
    """Values of the column ``key`` (rows), such as pairs, under each variant (columns) as texts: shares and their differences."""
    rows, of = [], table.set_index([key, "variant"])
    for value in of.index.unique(key):
        cells = [_cell(of.loc[(value, name)], "confusion") | {"baseline": name == baseline} for name in labels]
        rows.append({"label": value.removeprefix("accuracy:").replace("_", " ").replace("-", "–"), "cells": cells})
    return {"titles": list(labels.values()), "rows": rows}


def _cell(row, metric: str) -> dict[str, str]:
    return {
        "mean": number(row["mean"], metric),
        "interval": _interval(row["low"], row["high"], metric),
        "difference": number(row["difference"], metric, signed=True),
        "difference_interval": _interval(row["difference_low"], row["difference_high"], metric, signed=True),
        "published": number(row.get("published", math.nan), metric),
    }


def _interval(low: float, high: float, metric: str, signed: bool = False) -> str:
    return "" if math.isnan(low) else f"{number(low, metric, signed)} to {number(high, metric, signed)}"


def contrast_rows(table, labels: dict[str, str]) -> list[dict[str, str]]:
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


def embedded(folder: Path, name: str) -> str:
    """A figure as a data URI: the SVG, or the PNG where the SVG is large."""
    import base64

    from hardpair.readers import read_with

    kind, content = "svg+xml", read_with(folder / f"{name}.svg", Path.read_bytes)
    if len(content) > LARGE:
        kind, content = "png", read_with(folder / f"{name}.png", Path.read_bytes)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def search(folder: Path) -> dict:
    """The chosen recipe as text and the trials as a table, best first."""
    from hardpair.figures.search import prepared
    from hardpair.readers import read_table, read_with

    trials = prepared(read_table(folder / "trials.csv")).sort_values(["diverged", "value", "trial"], ascending=[True, False, True])
    searched = ("learning_rate", "weight_decay", "momentum", "dropout")
    rows = [
        [
            int(row["trial"]),
            int(row["round"]) + 1,
            "diverged" if row["diverged"] else f"{row['percent']:.2f}",
            *(f"{row[key]:.4g}" for key in searched),
        ]
        for _, row in trials.iterrows()
    ]
    return {"recipe": read_with(folder / "recipe.yaml", lambda path: path.read_text(encoding="utf-8")), "trials": rows}


def run_table(table, labels: dict[str, str], measures: list[str]) -> dict:
    """Every run and model as texts, from runs.csv."""
    rows = []
    for _, row in table.iterrows():
        shown = [number(row[metric], metric) for metric in measures]
        best = "" if math.isnan(row["best_epoch"]) else f"{row['best_epoch']:.0f}"
        name = labels.get(row["variant"], row["variant"])
        rows.append([name, row["seed"], row["model"], *shown, best, f"{row['seconds']:.0f}", row["fingerprint"]])
    return {"titles": ["Variant", "Seed", "Model", *map(title, measures), "Best epoch", "Seconds", "Fingerprint"], "rows": rows}


def provenance(records: list[dict]) -> list[tuple[str, str]]:
    """What produced the runs: each fact with the values it took, in order of appearance."""
    facts: dict[str, dict] = {}
    for record in records:
        flat = {f"data {key}": value for key, value in record["data"].items()}
        flat |= {key.replace("_", " "): record[key] for key in ONCE}
        flat |= {f"{key} version": value for key, value in record["versions"].items()}
        for key, value in flat.items():
            facts.setdefault(key, {})[str(value)] = None
    seconds = sum(record["seconds"] for record in records)
    told = [(key, ", ".join(values)) for key, values in facts.items()]
    return [("runs", str(len(records))), ("training time, all runs", f"{seconds / 60:,.1f} minutes"), *told]


if __name__ == "__main__":
    run(main)
