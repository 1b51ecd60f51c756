"""The comparison as Markdown."""

import pandas as pd

from hardpair import significance
from hardpair.comparison import metrics_of


def markdown(comparison: pd.DataFrame, contrasts: pd.DataFrame, claims: pd.DataFrame, settings: dict) -> str:
    """The study as Markdown, laid out as the published table with its values beside ours; what its claims come to at the end."""
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
        lines += _contrasts(contrasts[contrasts["model"] == "last"].set_index(["a", "b", "metric"]), labels, metrics, settings)
    if len(claims):
        lines += ["", "## Claims", ""]
        lines += [f"- {_escape(row['sentence'])} **{row['verdict'].capitalize()}**: {_escape(row['why'])}." for _, row in claims.iterrows()]
    return "\n".join(lines) + "\n"


def _contrasts(last: pd.DataFrame, labels: dict[str, str], metrics: list[str], settings: dict) -> list[str]:
    """Differences with their tests, and what so many seeds can tell."""
    tests, seeds = int(last["p_holm"].notna().sum()), len(settings["seeds"])
    fewest = significance.seeds_for(tests)
    lines = ["", "## Declared contrasts, last epoch", "", *_header(["contrast", "accuracy", "p", "confusion", "p"])]
    for a, b in settings["contrasts"]:
        rows = [last.loc[(a, b, metric)] for metric in metrics]
        cells = [cell for row in rows for cell in (_difference(row["difference"], row["low"], row["high"]), _p(row["p_holm"]))]
        lines.append(_row([f"{labels[a]} − {labels[b]}", *cells]))
    lines += ["", f"p is that of the exact sign-flip test over paired seeds, adjusted for {tests} tests (Holm)."]
    if seeds < fewest:
        some = "1 seed" if seeds == 1 else f"{seeds} seeds"
        lines[-1] += f" With {some} no p can come under 0.05, however large a difference is: {fewest} seeds can."
    titles = ["contrast", "measure", "sd of the difference", "correlation of the pairs", "detectable at 80 % power", "published"]
    titles += ["seeds for the published", "P(first is higher)"]
    if seeds > 1:
        lines += ["", "## What so many seeds can tell", "", *_header(titles)]
        for a, b in settings["contrasts"]:
            lines += [_row([f"{labels[a]} − {labels[b]}", *_power(last.loc[(a, b, metric)], metric)]) for metric in metrics]
    return lines


def _power(row: pd.Series, metric: str) -> list[str]:
    needed = row["seeds_for_published"]
    return [
        metric.partition(":")[0],
        f"{100 * row['sd']:.2f} pp",
        "" if pd.isna(row["correlation"]) else f"{row['correlation']:+.2f}",
        f"{100 * row['detectable']:.2f} pp",
        _difference(row["published"], float("nan"), float("nan")),
        "" if pd.isna(needed) else f"{needed:.0f}",
        f"{row['superiority']:.2f}",
    ]


def _p(value: float) -> str:
    return "" if pd.isna(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


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
