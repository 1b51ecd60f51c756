"""What each figure shows, in a sentence for whoever cannot see it; its caption, which explains the marks, is read after it."""

from typing import TYPE_CHECKING

from hardpair.measures.metric_names import percent
from hardpair.measures.pair_name import pair_of, shown_pair

if TYPE_CHECKING:
    import pandas as pd


def alt(figure: dict, results: dict[str, str]) -> str:
    """Alternative text of a figure (``name``, ``title``)."""
    return f"{figure['title']}. {results[figure['name']]}" if figure["name"] in results else f"{figure['title']}."


def results(tables: dict[str, "pd.DataFrame"], labels: dict[str, str], baseline: str, first: dict, images: str) -> dict[str, str]:
    """A sentence by name of a figure, of those whose result the tables hold.

    Args:
        tables: ``comparison`` and ``most_confused``.
        labels: of the variants by name, of which ``baseline`` is one.
        first: ``first_screen`` of the study.
        images: evaluated on, ``test`` or ``validation``.
    """
    compared, confused = tables["comparison"], tables["most_confused"]
    last = compared[compared["model"] == "last"]
    mean = last.set_index(["variant", "metric"])["mean"]
    levels = [f"{card['label']}: confusion {card['confusion']['text']}, accuracy {card['accuracy']['text']}" for card in first["cards"]]
    said = dict.fromkeys(("training", "variants", "plane", "curves"), f"On {images} images after the last epoch, {'; '.join(levels)}.")
    said["final"] = f"{first['headline']}."
    ece = [f"{label} {percent(mean[name, 'ece'], 1)} %" for name, label in labels.items() if (name, "ece") in mean.index]
    if ece:
        said["reliability"] = f"Calibration error: {', '.join(ece)}."
    pairs = confused[(confused["model"] == "last") & (confused["variant"] == baseline)]
    if len(pairs):
        top = pairs.loc[pairs["mean"].idxmax()]
        said["confusion"] = f"{labels[baseline]} confuses {shown_pair(*pair_of(top['pair']))} most: {percent(top['mean'], 1)} %."
    classes = last[(last["variant"] == baseline) & last["metric"].str.startswith("accuracy:")].dropna(subset=["mean"])
    if len(classes):
        ends = [classes.loc[classes["mean"].idxmin()], classes.loc[classes["mean"].idxmax()]]
        low, high = (f"{row['metric'].partition(':')[2].replace('_', ' ')} ({percent(row['mean'], 1)} %)" for row in ends)
        said["classes"] = f"{labels[baseline]} is least accurate on {low} and most accurate on {high}."
    return said
