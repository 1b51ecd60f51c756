"""What every run makes of the images that at least one run gets wrong, in few bytes: the data of the report's explorer."""

import base64
from dataclasses import dataclass

import numpy as np

from hardpair.comparison.runs import Runs
from hardpair.measures.confusion import confusion_matrix
from hardpair.report import thumbnails
from hardpair.report.changes import by_pair, changes, clearest

ROOM = 9_500_000  # characters of base64 for tables and images together
TABLES = 3_000_000  # bytes of the tables about images; they take at most half of the room that is left for images
IN_MATRIX = 20  # classes of the confusion matrix
ENOUGH = 2_000  # images that should fit before more than one seed of a variant is shown


@dataclass(frozen=True)
class Outcomes:
    """What runs of V variants make of N images.

    Attributes:
        index: places int64 (N,) in the array of images.
        labels: true classes int64 (N,).
        mean: mean p_t over all seeds, float64 (V, N).
        wrong: how many seeds get the image wrong, int64 (V, N).
        p: p_t of each of S seeds in steps of 1/255, uint8 (V, S, N).
        called: predicted classes of each seed, an unsigned integer (V, S, N).
    """

    index: np.ndarray
    labels: np.ndarray
    mean: np.ndarray
    wrong: np.ndarray
    p: np.ndarray
    called: np.ndarray

    def select(self, images: np.ndarray, seeds: int) -> "Outcomes":
        """The same for some of the images, with the first ``seeds`` seeds one by one."""
        return Outcomes(*(values[..., images][:, :seeds] if values.ndim == 3 else values[..., images] for values in vars(self).values()))


def outcomes(runs: Runs, classes: int) -> tuple[Outcomes, np.ndarray]:
    """Read the predictions of all runs once.

    Returns:
        What V variants make of the images; and how often all seeds together call an image of a class (second axis) each class (third),
        int64 (V, classes, classes).
    """
    index = labels = np.empty(0, np.int64)
    rows: dict[str, list] = {"mean": [], "wrong": [], "p": [], "called": []}
    matrices: list[np.ndarray] = []
    for _, seed, answers in runs.predictions("last"):
        index, labels, p, called = answers.index, answers.labels, answers.models["last"].p_true, answers.models["last"].called
        if seed == runs.seeds[0]:
            rows["mean"].append(np.zeros(len(labels)))
            rows["wrong"].append(np.zeros(len(labels), np.int64))
            matrices.append(np.zeros((classes, classes), np.int64))
        rows["mean"][-1] += p / len(runs.seeds)
        rows["wrong"][-1] += called != labels
        matrices[-1] += confusion_matrix(labels, called, classes)
        rows["p"].append(np.rint(255 * p).astype(np.uint8))
        rows["called"].append(called)
    by_seed = {key: np.array(rows[key]).reshape(len(runs.variants), len(runs.seeds), len(labels)) for key in ("p", "called")}
    return Outcomes(index, labels, np.array(rows["mean"]), np.array(rows["wrong"]), **by_seed), np.array(matrices)


def most_wrong(results: Outcomes) -> np.ndarray:
    """Places of the images that any run gets wrong: those that most runs get wrong first, then those of lowest mean p_t."""
    wrong = results.wrong.sum(0)
    order = np.lexsort((results.index, results.mean.mean(0), -wrong))
    return order[wrong[order] > 0]


def in_turn(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Values of two arrays without common values, one of each in turn as long as both last."""
    place = np.concatenate([np.arange(len(one)), np.arange(len(other))])
    return np.concatenate([one, other])[np.argsort(place, kind="stable")]


def image_bytes(variants: int, seeds: int, wide: int = 1) -> int:
    """Bytes of the tables about one image, if a class takes ``wide`` bytes."""
    return 4 + wide + variants * (4 + seeds * (1 + wide))


def shown_seeds(variants: int, seeds: int, tables: int, wide: int = 1) -> int:
    """How many seeds of each variant fit into the bytes of the tables one by one, beside the means over all."""
    return int(np.clip((tables // ENOUGH - image_bytes(variants, 0, wide)) // (variants * (1 + wide)), 1, seeds))


def explored(
    runs: Runs, images: np.ndarray, classes: list[str], variants: list[dict], settings: dict, room: int = ROOM
) -> tuple[dict, dict]:
    """The explorer's data, and numbers about it.

    Args:
        runs: with predictions of the model after the last epoch.
        images: uint8 (N, 3, H, W), what ``index`` of the predictions points into.
        classes: names in label order.
        variants: ``name``, ``label`` and ``colour`` of each.
        settings: ``baseline`` (name) and ``pairs``.
        room: characters of base64 for tables and images together. At least one sheet of images is kept, even if that needs more; so do the
            matrices of many classes, which are complete.

    Returns:
        Data for JSON, arrays packed: tables of M images as of ``Outcomes``, but ``mean`` in steps of 1/65535, and sheets of their pictures,
        in turn those that variants change most clearly and the most wrong of the others; of all images the confusion matrix of each variant
        over all seeds, and how many each variant changes (``changes.by_pair``). And numbers: classes, shown in a matrix, images of each;
        images evaluated, wrong in any run, shown, and of these changed by any variant; seeds, seeds shown; quality of the
        pictures.
    """
    baseline = runs.variants.index(settings["baseline"])
    results, matrices = outcomes(runs, len(classes))
    change = changes(results.wrong, baseline, len(runs.seeds))
    counts = by_pair(change, results.called, results.labels, baseline, len(classes))
    of_all = {"matrix": _packed(_narrow(matrices)), "changes": _packed(_narrow(counts))}
    order = most_wrong(results)
    changed = order[clearest(change[:, order], results.wrong[:, order], baseline)]
    order = in_turn(changed, order[~np.isin(order, changed)])
    room -= _characters(of_all)
    of_tables, wide = min(TABLES, max(0, room * 3 // 8)), results.called.itemsize  # 3 bytes are 4 characters of base64
    seeds = shown_seeds(len(runs.variants), len(runs.seeds), of_tables, wide)
    fitting = order[: max(thumbnails.PER_SHEET, of_tables // image_bytes(len(runs.variants), seeds, wide))]
    tables = _tables(results.select(fitting, seeds))
    pictures = thumbnails.sheets(images, results.index[fitting], room - _characters(tables))
    if pictures["count"] < len(fitting):
        tables = _tables(results.select(fitting[: pictures["count"]], seeds))
    data = {
        "classes": [name.replace("_", " ") for name in classes],
        "names": classes,
        "variants": variants,
        "baseline": baseline,
        "pair": [classes.index(name) for name in settings["pairs"][0]],
        "seeds": runs.seeds[:seeds],
        "runs": len(runs.seeds),
        "misclassified": len(order),
        "in_matrix": IN_MATRIX,
        "tables": tables,
        "pictures": {key: pictures[key] for key in ("side", "across", "per_sheet", "sheets")},
    }
    numbers = {"classes": len(classes), "in_matrix": IN_MATRIX, "images": len(results.index)}
    numbers |= {"wrong": len(order), "shown": pictures["count"]}
    numbers["shown_changed"] = int(np.isin(order[: pictures["count"]], changed).sum())
    of_class = np.bincount(results.labels, minlength=len(classes)).tolist()
    numbers |= {"seeds": len(runs.seeds), "shown_seeds": seeds, "of_class": dict(zip(classes, of_class, strict=True))}
    return data | of_all, numbers | {key: pictures[key] for key in ("quality", "side", "reduced")}


def _tables(shown: Outcomes) -> dict[str, dict]:
    return {
        "index": _packed(shown.index.astype(np.uint32)),
        "label": _packed(shown.labels.astype(shown.called.dtype)),
        "mean": _packed(np.rint(65535 * shown.mean.clip(0, 1)).astype(np.uint16)),
        "wrong": _packed(shown.wrong.astype(np.uint16)),
        "p": _packed(shown.p),
        "called": _packed(shown.called),
    }


def _narrow(counts: np.ndarray) -> np.ndarray:
    return counts.astype(np.min_scalar_type(counts.max(initial=0)))


def _packed(values: np.ndarray) -> dict[str, str]:
    little = values.astype(values.dtype.newbyteorder("<"))
    return {"kind": values.dtype.name, "base64": base64.b64encode(little.tobytes()).decode()}


def _characters(tables: dict[str, dict]) -> int:
    return sum(len(table["base64"]) for table in tables.values())
