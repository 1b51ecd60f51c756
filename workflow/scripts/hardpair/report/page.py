"""The report as one HTML page."""

from collections.abc import Iterable
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd

from hardpair.comparison import listed_claims, recipes
from hardpair.comparison.runs import Runs
from hardpair.figures.drawing.style import COLOURS
from hardpair.files import paths, yaml_text
from hardpair.files.readers import read_with
from hardpair.measures.intervals import shown
from hardpair.measures.metric_names import about, details_of, metrics_of, percent
from hardpair.measures.pair_name import shown_pair
from hardpair.report import alt_texts, inline_files, provenance, results, tables
from hardpair.report.confusions import ROOM, explored
from hardpair.report.first_screen import first_screen
from hardpair.wording import labels_of

HERE = Path(__file__).parent
SCRIPTS = ("explorer_data.js", "explorer_detail.js", "explorer_tables.js", "explorer.js")
LEAD = 3  # pairs in the first table, which is to need no scrolling on a laptop
MODELS = {"last": "Model after the last epoch", "best": "Model of the best validation epoch"}


def render(folder: Path, settings: dict, images: np.ndarray, room: int = ROOM, about_pictures: Iterable[str] = ()) -> str:
    """The report as HTML.

    Args:
        folder: of the study.
        settings: config (resolved), pairs, references, searches, answer (settings of the final figure), figures, commands.
        images: uint8 (N, 3, H, W) that the predictions are about.
        room: characters of base64 for the explorer's data.
        about_pictures: sentences for the first screen.
    """
    config, pairs = settings["config"], settings["pairs"]
    labels = labels_of(config["variants"])
    runs = Runs.declared(folder / paths.RUNS, config)
    records = runs.records()
    variants = [
        {"name": name, "label": label, "colour": COLOURS[place % len(COLOURS)]} for place, (name, label) in enumerate(labels.items())
    ]
    data, numbers = explored(runs, images, runs.classes(), variants, {"baseline": config["baseline"], "pairs": pairs}, room)
    script = "\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"shown_pair": lambda pair: shown_pair(*pair), "named": listed_claims.named, "sentence": listed_claims.sentence}
    environment.filters |= {"model": lambda model: MODELS.get(model, model), "percent": percent}
    found = results.read(folder, settings)
    first = first_screen(found["runs"], settings["answer"], numbers["of_class"])
    first["context"].extend(about_pictures)
    embedded = inline_files.figures(folder / paths.FIGURES, [figure["name"] for figure in settings["figures"]])
    said = alt_texts.results(found, labels, config["baseline"], first, config["evaluate"]["images"])
    return environment.get_template("page.html.jinja").render(
        config=config,
        first=first,
        pair=[name.replace("_", " ") for name in pairs[0]],
        baseline=labels[config["baseline"]],
        references=about(settings["references"], pairs),
        claims=found["claims"].to_dict("records"),
        shared=listed_claims.shared(found["claims"]),
        exaggeration=listed_claims.exaggeration(found["claims"], settings["answer"]["looks"]),
        figures=[figure | embedded[figure["name"]] | {"alt": alt_texts.alt(figure, said)} for figure in settings["figures"]],
        search=_search(folder, settings["searches"]) if settings["searches"] else None,
        speed=tables.speed(records, labels),
        runs=tables.every_run(found["runs"], labels, metrics_of(settings)),
        provenance=provenance.provenance(records),
        resolved=yaml_text.dump(config),
        commands=settings["commands"],
        explorer={"data": inline_files.script_data(data), "numbers": numbers, "script": script, "policy": inline_files.policy_hash(script)},
        **_results(found, labels, config["baseline"], settings),
    )


def _results(found: dict[str, pd.DataFrame], labels: dict[str, str], baseline: str, settings: dict) -> dict:
    """Comparison, contrasts and the pairs in detail, as texts."""
    pairs, metrics = settings["pairs"], metrics_of(settings)
    lead = 1 + min(len(pairs), LEAD)
    contrasts, confused, compared = (shown(found[name]) for name in ("contrasts", "most_confused", "comparison"))
    by_model = dict(iter(compared.groupby("model", sort=False)))
    last = by_model["last"]
    parts = {"lead": [*metrics[1:lead], metrics[0]], "rest": metrics[lead:]}
    return {
        "comparisons": {
            model: {part: tables.comparison(measured, labels, baseline, parts[part]) for part in parts}
            for model, measured in by_model.items()
        },
        "contrasts": {model: tables.contrasts(contrasts[contrasts["model"] == model], labels) for model in by_model},
        "details": [(shown_pair(*pair), tables.comparison(last, labels, baseline, details_of([pair], pair), pair)) for pair in pairs],
        "by_class": tables.across(last[last["metric"].str.startswith("accuracy:")], "metric", labels, baseline),
        "most_confused": tables.across(confused[confused["model"] == "last"], "pair", labels, baseline),
    }


def _search(folder: Path, searches: list[dict]) -> dict:
    """What was chosen and how flat the optima are, warnings, and of each search its recipe as text and its trials."""
    files = recipes.files_of(searches, folder)
    optima, every = recipes.read_optima(searches, files), []
    for search, trials in zip(searches, recipes.read_trials(searches, files), strict=True):
        recipe = read_with(folder / paths.RECIPE.format(own=search["own"]), lambda path: path.read_text(encoding="utf-8"))
        every.append({"label": search["label"], "recipe": recipe, "trials": tables.trials(trials)})
    warnings = [warning for outcome in optima for warning in outcome.warnings()]
    return {
        "chosen": recipes.recipes_table(optima),
        "explanation": recipes.explanation(searches),
        "warnings": warnings,
        "searches": every,
    }
