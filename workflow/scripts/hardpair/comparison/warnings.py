"""What limits the answer of a study, as sentences for the top of its report and comparison."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from hardpair.measures.metric_names import measures_of, percent
from hardpair.measures.significance import t_test
from hardpair.wording import counted, labels_of

LEVEL = 0.05  # of the test whether fewer images of the pair are recognised
FAR = 0.1  # less of them, on average, is warned of whatever the result of the test
FEWEST_CLASSES = 10  # from which on less than twice chance is nothing learned; of fewer, less than a ninth of the way from chance to 1


def warnings(runs: pd.DataFrame, settings: dict, fewest: int | None, images: dict[str, int]) -> Iterator[str]:
    """Sentences on runs that learned nothing, too few seeds, and less confusion that has a price.

    Args:
        runs: as ``final.figure`` takes them.
        settings: those of the final figure.
        fewest: seeds from which a verdict is given, if there are too few.
        images: evaluated on, by class.
    """
    labels = labels_of(settings["variants"])
    last = runs[(runs["model"] == "last") & runs["seed"].isin(settings["seeds"])]
    yield from _nothing_learned(last, labels, max(images.values()) / sum(images.values()))
    if fewest:
        few = "Claims are judged from" if settings["claims"] else "Differences are a result from"
        yield f"{few} {counted(fewest, 'seed')} on. The differences shown are a tendency, not a result."
    yield from _fewer_recognised(last, settings, labels, images)


def nothing_learned(accuracy: float, chance: float) -> bool:
    """Whether an accuracy is so near to ``chance`` that no difference between variants means anything."""
    return accuracy < chance + min(chance, (1 - chance) / (FEWEST_CLASSES - 1))


def _nothing_learned(last: pd.DataFrame, labels: dict, chance: float) -> Iterator[str]:
    lost = last[[nothing_learned(accuracy, chance) for accuracy in last["accuracy"]]]
    if lost.empty:
        return
    counts = {name: (sum(lost["variant"] == name), sum(last["variant"] == name)) for name in labels}
    some = [f"{count} of {counted(total, 'run')} of {labels[name]}" for name, (count, total) in counts.items() if count]
    which = "every run" if len(lost) == len(last) else ", ".join(some)
    yield (
        f"Nothing was learned in {which}: the accuracy is at most {percent(lost['accuracy'].max(), 1)} %, and chance level is "
        f"{percent(chance, 1)} %. Differences from such runs say nothing about losses and samplers: check learning rate, epochs and images."
    )


def _fewer_recognised(last: pd.DataFrame, settings: dict, labels: dict, images: dict[str, int]) -> Iterator[str]:
    """A sentence for each contrast whose variant confuses the pair less, but recognises fewer of its images: other classes get them."""
    classes, confusion = settings["pairs"][0], measures_of(settings)["confusion"]
    weights = {f"accuracy:{name}": images[name] / (images[classes[0]] + images[classes[1]]) for name in classes if images.get(name)}
    if not weights or not {*weights} <= {*last.columns}:
        return
    # Of the images, as confusion is: what is neither recognised nor confused is then called a third class.
    recognition = last[[*weights]].to_numpy(np.float64) @ [*weights.values()]
    measures = last.assign(confused=last[confusion], recognised=recognition)[["variant", "seed", "confused", "recognised"]]
    for contrast in settings["contrasts"]:
        for better, than in (contrast, contrast[::-1]):
            ours, theirs = (measures[measures["variant"] == name].set_index("seed") for name in (better, than))
            seeds = ours.index.intersection(theirs.index)
            confused, recognised = ((ours.loc[seeds, key] - theirs.loc[seeds, key]).to_numpy() for key in ("confused", "recognised"))
            if not len(seeds) or confused.mean() >= 0 or recognised.mean() >= 0:
                continue
            if recognised.mean() > -FAR and not (len(seeds) > 1 and t_test(recognised) < LEVEL):
                continue
            shares = [f"{percent(each.loc[seeds, 'recognised'].mean(), 1)} %" for each in (ours, theirs)]
            a, b = (name.replace("_", " ") for name in classes)
            yield (
                f"In these runs, {labels[better]} confuses {a} and {b} less often than {labels[than]} on average, but recognises fewer "
                f"of them ({shares[0]} against {shares[1]}): it calls more of them a third class."
            )
