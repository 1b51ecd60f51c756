"""The comparison as Markdown."""

import json
from collections.abc import Sequence

import pandas as pd

from hardpair.comparison import listed_claims
from hardpair.comparison.markdown_text import WARNING, escape, table_header, table_row
from hardpair.comparison.recipes import explanation, recipes_table
from hardpair.comparison.tables import networks
from hardpair.comparison.verdicts import ALPHA
from hardpair.measures.intervals import FEWEST, shown
from hardpair.measures.metric_names import CALIBRATION, OF_PAIR, about, decimal, measures_of, p_value, percent, title
from hardpair.measures.pair_name import pair_name, pair_of, shown_pair
from hardpair.search.optimum import Optimum
from hardpair.wording import counted, minus

MANY = 20  # classes or seeds; of more, only those of the pairs and the ends are listed


def markdown(tables: dict[str, pd.DataFrame], settings: dict, optima: Sequence[Optimum] = (), warnings: Sequence[str] = ()) -> str:
    """The study as Markdown, laid out as the published table with its values beside ours; what its claims come to at the end.

    Args:
        tables: runs, comparison, contrasts, claims and most_confused.
        optima: the outcomes of the study's searches.
        warnings: sentences on what limits the answer.
    """
    comparison, contrasts, claims = shown(tables["comparison"]), shown(tables["contrasts"]), tables["claims"]
    labels = {variant["name"]: escape(variant["label"]) for variant in settings["variants"]}
    metrics = list(measures_of(settings).values())
    pair = escape(shown_pair(*settings["pairs"][0]))
    count = len(settings["seeds"])
    read = "Mean ± sd over seeds; differences are paired by seed, with Student's 95 % interval in brackets. "
    if count < FEWEST:
        read = "A single run has no sd and no interval. " if count == 1 else "Two seeds are too few for intervals and tests. "
    lines = [
        f"# {settings['study']}: comparison",
        "",
        f"On {settings['evaluated_on']} images; {counted(count, 'seed')} ({_listed(settings['seeds'])}); "
        f"{escape(networks(tables['runs']))}. {read}Positive differences in accuracy and negative ones in confusion are better; "
        "the final figure shows confusion avoided, with the opposite sign.",
    ]
    lines += [line for warning in warnings for line in ("", f"{WARNING}{escape(warning)}")]
    lines += _references(settings)
    for variant in settings["variants"]:
        if recipe := variant.get("recipe"):
            keys = ", ".join(f"{key} {json.dumps(value)}" for key, value in recipe.items())
            lines += ["", f"{labels[variant['name']]} has its own recipe: {keys}."]
    lines += _adopted(tables["runs"])
    for model in comparison["model"].unique():
        table = comparison[comparison["model"] == model].set_index(["variant", "metric"])
        lines += ["", f"## {'Last epoch' if model == 'last' else 'Best epoch by validation accuracy'}", ""]
        against = labels[settings["baseline"]]
        ours = ["variant", "accuracy", f"{pair} confusion", f"accuracy vs {against}", f"confusion vs {against}"]
        published = bool(table.loc[table.index.isin(metrics, "metric"), "published"].notna().any())
        lines += table_header([*ours, *(["published accuracy", "published confusion"] if published else [])])
        for variant in settings["variants"]:
            rows = [table.loc[(variant["name"], metric)] for metric in metrics]
            cells = [labels[variant["name"]] + (" (baseline)" if variant["name"] == settings["baseline"] else "")]
            cells += [_mean(row) for row in rows]
            cells += [_difference(row["difference"], row["difference_low"], row["difference_high"]) for row in rows]
            cells += [_percent(row["published"]) for row in rows if published]
            lines.append(table_row(cells))
    if len(contrasts):
        lines += _contrasts(contrasts[contrasts["model"] == "last"].set_index(["a", "b", "metric"]), labels, metrics, settings)
    last = comparison[comparison["model"] == "last"].set_index(["metric", "variant"])
    lines += _details(last, labels, settings)
    lines += _most_confused(tables["most_confused"], labels, settings)
    lines += _recipes(list(optima), settings["searches"]) if optima else []
    lines += _claims(claims, settings["looks"])
    return "\n".join(lines) + "\n"


def _claims(claims: pd.DataFrame, looks: list[int]) -> list[str]:
    """Verdicts with their reasons, and when each claim was declared."""
    if not len(claims):
        return []
    count, lines, same = int((~claims["control"]).sum()), ["", "## Claims", ""], listed_claims.shared(claims)
    share = f"each has {100 * ALPHA / max(count, 1):.3g} % over all looks, at {_listed(looks)} seeds" if looks else "p are adjusted (Holm)"
    rule = f"{counted(count, 'claim')} with an error of {100 * ALPHA:g} % together: {share}."
    if same["why"]:
        rule = f"**{claims['verdict'].iloc[0].capitalize()}**, all claims: {escape(same['why'])}."
    lines += [" ".join(filter(None, (rule, listed_claims.exaggeration(claims, looks)))), ""]
    if same["declared"]:
        lines += [f"All claims: {escape(same['declared'])}.", ""]
    for claim in claims.to_dict("records"):
        parts = [escape(listed_claims.named(claim))]
        parts += [] if same["why"] else [f"**{claim['verdict'].capitalize()}**: {escape(claim['why'])}."]
        parts += [] if same["declared"] else [escape(listed_claims.sentence(claim["declared"]))]
        lines.append(f"- {' '.join(parts)}")
    return lines


def _contrasts(last: pd.DataFrame, labels: dict[str, str], metrics: list[str], settings: dict) -> list[str]:
    """Differences with their tests, and what so many seeds can show."""
    enough = len(settings["seeds"]) >= FEWEST
    further = ("over seeds and images", "p") if enough else ()
    titles = ["contrast", *(cell for measure in ("accuracy", "confusion") for cell in (measure, *further))]
    lines = ["", "## Declared contrasts, last epoch", "", *table_header(titles)]
    for a, b in settings["contrasts"]:
        cells = [minus(labels[a], labels[b])]
        for row in (last.loc[(a, b, metric)] for metric in metrics):
            cells += [_difference(row["difference"], row["low"], row["high"])]
            cells += [_interval(row["new_images_low"], row["new_images_high"]), _p(row["p"], pd.isna(row["claims"]))] if enough else []
        lines.append(table_row(cells))
    if not enough:
        return lines
    lines += [
        "",
        "p is from the paired t test, not adjusted. It is in parentheses if the difference belongs to no claim and is exploratory. "
        "*Over seeds and images*: the 95 % interval that treats both seeds and images as samples.",
    ]
    published = bool(last["published"].notna().any())
    titles = ["contrast", "measure", "sd of the difference", "correlation of the pairs", "detectable at 80 % power"]
    titles += [*(["published", "seeds for published"] if published else []), "P(first is higher)"]
    lines += ["", "## Power with this number of seeds", "", *table_header(titles)]
    for a, b in settings["contrasts"]:
        lines += [table_row([minus(labels[a], labels[b]), *_power(last.loc[(a, b, metric)], metric, published)]) for metric in metrics]
    return lines


def _listed(numbers: list[int]) -> str:
    """All of few, the ends of many."""
    return ", ".join(map(str, numbers if len(numbers) <= MANY else [*numbers[:3], "…", numbers[-1]]))


def _adopted(runs: pd.DataFrame) -> list[str]:
    """How many runs were trained by older code, and which commit has it."""
    if "adopted" not in runs:
        return []
    by_run = runs.drop_duplicates(["variant", "seed"])["adopted"]
    return [
        line
        for commit, count in by_run.value_counts().items()
        for line in (
            "",
            f"{count} of {len(by_run)} runs were trained by the code of commit `{commit}` and imported; "
            f"`python benchmarks/same_training.py {commit}` compares its training with that of the present code.",
        )
    ]


def _references(settings: dict) -> list[str]:
    """What others reach on the pairs."""
    lines = []
    for reference in about(settings["references"], settings["pairs"]):
        pair, rate = shown_pair(*reference["pair"]), percent(reference["confusion"])
        lines += ["", escape(f"For reference, {pair} confusion of {reference['label']}: {rate} % ({reference['source']}).")]
    return lines


def _details(last: pd.DataFrame, labels: dict[str, str], settings: dict) -> list[str]:
    """Where errors go, calibration, accuracy by class: means after the last epoch, the difference to the baseline after them."""
    lines, names = [], [variant["name"] for variant in settings["variants"]]
    against = f" Differences from {labels[settings['baseline']]} are in brackets, their intervals in comparison.csv." if names[1:] else ""
    for pair in settings["pairs"]:
        joined = pair_name(*pair)
        metrics = [*(f"{key}:{joined}" for key in OF_PAIR), f"binary_error:{joined}", *(f"accuracy:{name}" for name in pair)]
        read = [_unitless(title(metric, pair)) for metric in metrics[:4]]
        read += ["two classes only", *(f"accuracy on {name}" for name in pair)]
        lines += ["", f"## The pair in detail: {escape(' and '.join(pair))}, last epoch", ""]
        lines += [f"Shares of the images of a class; *two classes only* compares only the pair's two outputs.{against}", ""]
        lines += table_header(["variant", *map(escape, read)])
        lines += [table_row([labels[name], *(_with_difference(last.loc[(metric, name)]) for metric in metrics)]) for name in names]
    lines += ["", "## Calibration, last epoch", "", *table_header(["variant", *(_unitless(title(metric)) for metric in CALIBRATION)])]
    lines += [table_row([labels[name], *(_calibrated(last.loc[(metric, name)], metric) for metric in CALIBRATION)]) for name in names]

    by_class = [metric for metric in last.index.unique("metric") if metric.startswith("accuracy:")]
    if len(by_class) > MANY:
        in_pairs = {f"accuracy:{name}" for pair in settings["pairs"] for name in pair}
        by_class = [metric for metric in by_class if metric in in_pairs]
    lines += ["", "## Accuracy by class, last epoch", "", *table_header(["class", *labels.values()])]
    for metric in by_class:
        lines.append(table_row([escape(metric.partition(":")[2]), *(_with_difference(last.loc[(metric, name)]) for name in names)]))
    return lines


def _most_confused(table: pd.DataFrame, labels: dict[str, str], settings: dict) -> list[str]:
    last = table[table["model"] == "last"].set_index(["pair", "variant"])
    lines = ["", "## Most confused pairs, last epoch", ""]
    lines += [
        f"The pairs with the highest mean confusion for {labels[settings['baseline']]}, highest first.",
        "",
        *table_header(["pair", *labels.values()]),
    ]
    for pair in last.index.unique("pair"):
        lines.append(table_row([escape(shown_pair(*pair_of(pair))), *(_with_difference(last.loc[(pair, name)]) for name in labels)]))
    return lines


def _recipes(optima: list[Optimum], searches: list[dict]) -> list[str]:
    """What the searches chose, how flat their optima are, and where the space was too small."""
    table = recipes_table(optima)
    lines = ["", "## Recipes of the search", "", explanation(searches), "", *table_header(table["titles"])]
    lines += [table_row([escape(label), *cells]) for label, *cells in table["rows"]]
    return [*lines, *(line for outcome in optima for warning in outcome.warnings() for line in ("", escape(warning)))]


def _power(row: pd.Series, metric: str, published: bool) -> list[str]:
    cells = [
        metric.partition(":")[0],
        _points(row["sd"]),
        "" if pd.isna(row["correlation"]) else decimal(row["correlation"], 2),
        _points(row["detectable"]),
    ]
    if published:
        needed = row["seeds_for_published"]
        cells += [_difference(row["published"], float("nan"), float("nan")), "" if pd.isna(needed) else f"{needed:.0f}"]
    return [*cells, f"{row['superiority']:.2f}"]


def _p(value: float, exploratory: bool) -> str:
    if pd.isna(value):
        return ""
    return f"({p_value(value)})" if exploratory else p_value(value)


def _points(share: float) -> str:
    return "" if pd.isna(share) else f"{percent(share)} pp"


def _percent(share: float) -> str:
    return "" if pd.isna(share) else f"{percent(share)} %"


def _mean(row: pd.Series) -> str:
    return f"{percent(row['mean'])} %" if pd.isna(row["sd"]) else f"{percent(row['mean'])} ± {percent(row['sd'])} %"


def _difference(mean: float, low: float, high: float) -> str:
    return "" if pd.isna(mean) else f"{decimal(100 * mean, 2)} pp {_interval(low, high)}".strip()


def _interval(low: float, high: float) -> str:
    return "" if pd.isna(low) else f"[{decimal(100 * low, 2)}, {decimal(100 * high, 2)}]"


def _with_difference(row: pd.Series) -> str:
    return _percent(row["mean"]) + ("" if pd.isna(row["difference"]) else f" ({decimal(100 * row['difference'], 2)})")


def _calibrated(row: pd.Series, metric: str) -> str:
    if metric == "ece":
        return _with_difference(row)
    return decimal(row["mean"], 4, signed=False) + ("" if pd.isna(row["difference"]) else f" ({decimal(row['difference'], 4)})")


def _unitless(text: str) -> str:
    return text.removesuffix(" (%)")
