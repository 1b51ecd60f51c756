"""The declared runs of a study as tables; whatever else lies in its folder is never looked at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hardpair.comparison import predictions
from hardpair.errors import UserError
from hardpair.files import formats, readers, run_digests, shapes
from hardpair.files.json_text import read_json
from hardpair.files.paths import RUN_NAME
from hardpair.measures.pair_name import pair_name

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Runs:
    """Runs of every variant with every seed.

    Attributes:
        folder: holds {variant}/seed{seed}/ of each run.
        variants: names in the order of the config.
        seeds: in the order of the config.
        evaluated_on: the images that evaluations are about, ``test`` or ``validation``; None accepts both.
    """

    folder: Path
    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    evaluated_on: str | None = None

    @classmethod
    def declared(cls, folder: str | Path, settings: dict) -> "Runs":
        """The runs that ``settings`` (keys ``variants``, ``seeds`` and perhaps ``evaluated_on``) declare below ``folder``."""
        variants = tuple(variant["name"] for variant in settings["variants"])
        return cls(Path(folder), variants, tuple(settings["seeds"]), settings.get("evaluated_on"))

    def files(self, name: str) -> Iterator[tuple[str, int, Path]]:
        """(variant, seed, path) of the file ``name`` of every run, variant by variant."""
        for variant in self.variants:
            for seed in self.seeds:
                yield variant, seed, self.folder / RUN_NAME.format(variant=variant, seed=seed) / name

    def intact_files(self, name: str) -> Iterator[tuple[str, int, Path]]:
        """As ``files``, of files that ``train`` wrote.

        Raises:
            UserError: one is missing or is not what was written.
        """
        for variant, seed, path in self.files(name):
            run_digests.check(path)
            yield variant, seed, path

    def records(self) -> list[dict]:
        """The run.json of every run.

        Raises:
            UserError: one is of another run, or has other classes than the first.
        """
        found = []
        for variant, seed, path in self.files("run.json"):
            found.append(shapes.read(path, formats.RUN))
            refuse_other_run(path, found[-1], variant, seed)
            if found[-1]["classes"] != found[0]["classes"]:
                raise UserError(f"{path} has other classes than the first run: train all runs again on the same data")
        return found

    def refuse_other_data(self, data: Path) -> None:
        """Refuse prepared data with other images than those that the first run was trained on.

        Raises:
            UserError: says so, or run.json or dataset.json cannot be used.
        """
        _, _, path = next(self.files("run.json"))
        if read_json(data / "dataset.json")["sha256"] != shapes.read(path, formats.RUN)["data"]["sha256"]:
            raise UserError(f"{data} holds other images than {path.parent} was trained on: name the folder of its data")

    def metrics(self, pair: list[str] | None = None) -> Iterator[tuple[str, int, int, dict]]:
        """(variant, seed, number of images, measures of the last model) of every evaluated run.

        Raises:
            UserError: an evaluation is of another run, on other images, without the pair, or with other classes or bins than the first.
        """
        first = None
        for variant, seed, path in self.files("metrics.json"):
            content = formats.read_metrics(path)
            measured = content["models"]["last"]
            refuse_other_run(path, content, variant, seed)
            if self.evaluated_on not in (None, content["evaluated_on"]):
                raise UserError(f"{path} is about {content['evaluated_on']} images, not {self.evaluated_on} images: evaluate the run again")
            if pair and pair_name(*pair) not in measured["pairs"]:
                raise UserError(f"{path} lacks the pair {pair_name(*pair)}: evaluate the run again")
            present = list(measured["per_class"]), len(measured["reliability"]["count"])
            first = first or present
            for what, one, other in zip(("classes", "bins of reliability"), present, first, strict=True):
                if one != other:
                    raise UserError(f"{path} has other {what} than the first run: evaluate all runs again on the same data")
            yield variant, seed, content["images"], measured

    def classes(self) -> list[str]:
        """Class names in label order, as the first run lists them."""
        return shapes.read(next(self.files("run.json"))[2], formats.RUN)["classes"]

    def epochs(self, pair: list[str]) -> "pd.DataFrame":
        """Columns of every epochs.csv, with variant, seed, the recipe's ``schedule``, and ``confusion``.

        The last is the rate of ``pair`` on validation images; NaN where missing.
        """
        a, b = pair_indices(self.classes(), pair)
        table = self._rows("epochs.csv", *EPOCHS)
        of_first = Runs(self.folder, self.variants, self.seeds[:1]).records()  # all seeds of a variant have its recipe
        schedules = {name: record["recipe"].get("schedule", "steps") for name, record in zip(self.variants, of_first, strict=True)}

        def rates(path: Path, rows: int) -> np.ndarray:
            counts = readers.arrays(path, "validation_confusion", needed=False).get("validation_confusion")
            if counts is None or not len(counts):
                return np.full(rows, np.nan)
            return (counts[:, a, b] + counts[:, b, a]) / np.maximum(counts[:, [a, b]].sum((1, 2)), 1)

        table = table.assign(schedule=table["variant"].map(schedules), confusion=self._of_history(rates, table))
        return table.reset_index(drop=True)

    def validation_confusion(self) -> np.ndarray:
        """Counts int32 (runs, C, C) on validation images after each run's last epoch, row = true class."""
        counts, size = [], len(self.classes())
        for _, _, path in self.intact_files("history.npz"):
            last = readers.arrays(path, "validation_confusion")["validation_confusion"][-1]
            with readers.contents_of(path):
                if last.shape != (size, size):
                    raise ValueError(f"validation_confusion is of {' × '.join(map(str, last.shape))} classes, not {size}")
            counts.append(last)
        return np.array(counts)

    def refreshes(self, pair: list[str]) -> "pd.DataFrame":
        """Columns of every refreshes.csv, with variant, seed, and the shares of the weights of loss and sampler that lie on ``pair``.

        A weight that a variant does not have is NaN.
        """
        classes = self.classes()
        chosen = list(pair_indices(classes, pair))
        table = self._rows("refreshes.csv", "epoch", "applied", "mean_p")

        def shares(path: Path, rows: int) -> np.ndarray:
            arrays = readers.arrays(path, *(f"{part}_share" for part in PARTS), needed=False)
            missing = np.full((rows, len(classes)), np.nan)
            return np.stack([arrays.get(f"{part}_share", missing)[:, chosen].sum(1) for part in PARTS], 1)

        columns = self._of_history(shares, table)
        table = table.assign(**{f"{part}_pair_share": columns[:, place] for place, part in enumerate(PARTS)})
        return table.reset_index(drop=True).reindex(columns=["variant", "seed", "epoch", "applied", "mean_p", *WEIGHTS])

    def difficulty(self, easy: float, hard: float) -> "pd.DataFrame":
        """Columns variant, seed, epoch, easy, hard: shares of training images with p_t above ``easy`` and below ``hard`` at each refresh.

        The thresholds are edges of the histogram's bins, multiples of 0.01.
        """
        import pandas as pd

        names, seeds, parts = [], [], []
        for variant, seed, path in self.intact_files("history.npz"):
            arrays = readers.arrays(path, "refresh_epoch", "p_histogram")
            counts = arrays["p_histogram"]
            with readers.contents_of(path):
                if len(counts) != len(arrays["refresh_epoch"]):
                    raise ValueError("refresh_epoch and p_histogram do not go together")
                bins, total = counts.shape[1], counts.sum(1)
                above, below = counts[:, round(easy * bins) :].sum(1), counts[:, : round(hard * bins)].sum(1)
                parts.append((arrays["refresh_epoch"], above / total, below / total))
            names += [variant] * len(counts)
            seeds += [seed] * len(counts)
        columns = dict(zip(("epoch", "easy", "hard"), map(np.concatenate, zip(*parts, strict=True)), strict=True))
        return pd.DataFrame({"variant": names, "seed": seeds} | columns)

    def measures(self, pair: list[str]) -> "pd.DataFrame":
        """Columns variant, seed, images, accuracy, confusion (rate of ``pair``) of every evaluated run."""
        import pandas as pd

        rows = [
            (variant, seed, images, measured["accuracy"], measured["pairs"][pair_name(*pair)]["rate"])
            for variant, seed, images, measured in self.metrics(pair)
        ]
        return pd.DataFrame(rows, columns=["variant", "seed", "images", "accuracy", "confusion"])

    def per_class(self) -> "pd.DataFrame":
        """Columns variant, seed, class (name), accuracy of every evaluated run; NaN for a class without images."""
        import pandas as pd

        rows = [
            (variant, seed, name, share) for variant, seed, _, measured in self.metrics() for name, share in measured["per_class"].items()
        ]
        return pd.DataFrame(rows, columns=["variant", "seed", "class", "accuracy"]).astype({"accuracy": float})

    def confusions(self) -> tuple[list[str], dict[str, np.ndarray]]:
        """Class names, and for each variant the counts int64 (seeds, C, C) of its runs, row = true class."""
        counts, classes = {name: [] for name in self.variants}, []
        for variant, _, _, measured in self.metrics():
            counts[variant].append(measured["confusion"])
            classes = list(measured["per_class"])
        return classes, {name: np.array(matrices) for name, matrices in counts.items()}

    def reliability(self) -> "pd.DataFrame":
        """Columns variant, seed, ece, bin, count (images), confidence and accuracy (means of the bin; NaN where it is empty)."""
        import pandas as pd

        variants, seeds, _, measures = zip(*self.metrics(), strict=True)
        sums = {key: np.array([measured["reliability"][key] for measured in measures]) for key in ("count", "confidence", "correct")}
        runs, bins = sums["count"].shape
        by_run = {"variant": variants, "seed": seeds, "ece": [measured["ece"] for measured in measures]}
        table = pd.DataFrame({key: np.repeat(column, bins) for key, column in by_run.items()})
        table["bin"], table["count"] = np.tile(np.arange(bins), runs), sums["count"].ravel()
        filled = table["count"].where(table["count"] > 0)
        return table.assign(confidence=sums["confidence"].ravel() / filled, accuracy=sums["correct"].ravel() / filled)

    def _rows(self, name: str, *columns: str) -> "pd.DataFrame":
        """A CSV file of every run as one table, with columns variant and seed; the index is the place of the run in ``files``."""
        variants, seeds, paths = zip(*self.intact_files(name), strict=True)
        table = readers.read_tables(paths, *columns)
        return table.assign(variant=np.array(variants, object)[table.index], seed=np.array(seeds)[table.index])

    def _of_history(self, column: Callable[[Path, int], np.ndarray], table: "pd.DataFrame") -> np.ndarray:
        """What ``column`` makes of each run's history.npz and its number of rows in ``table`` of ``_rows``, one below the other.

        Raises:
            UserError: a history has another number of rows.
        """
        parts = []
        for (_, _, path), rows in zip(self.intact_files("history.npz"), np.bincount(table.index), strict=True):
            with readers.contents_of(path):
                parts.append(column(path, rows))
            if len(parts[-1]) != rows:
                raise UserError(f"{path} has {len(parts[-1])} rows, the table beside it {rows}: train this run again")
        return np.concatenate(parts)

    def predictions(self, *models: str) -> Iterator[tuple[str, int, predictions.Predictions]]:
        """(variant, seed, answers) of every run on the images evaluated on.

        Raises:
            UserError: the runs were evaluated on different images, or images of other classes than those of the first run.
        """
        first, classes = None, len(self.classes())
        for variant, seed, path in self.files("predictions.npz"):
            run_digests.check_predictions(path)
            answers = predictions.read(path, list(models))
            if answers.classes not in (None, classes) or answers.labels.max() >= classes:
                raise UserError(
                    f"{path} is about other classes than the {classes} of the first run: evaluate all runs again on the same data"
                )
            first = first or answers
            if not (np.array_equal(first.index, answers.index) and np.array_equal(first.labels, answers.labels)):
                raise UserError(f"{path} is about other images than the first run's: evaluate all runs again on the same data")
            yield variant, seed, answers

    def called(self, models: list[str]) -> tuple[np.ndarray, dict[str, dict[str, np.ndarray]]]:
        """What the runs take the images for, in few bytes.

        Returns:
            Labels int64 (N,), and for each model and variant the predicted classes (S, N), uint8 where there are few enough.
        """
        classes: dict[str, dict[str, list]] = {model: {} for model in models}
        labels = np.empty(0, np.int64)
        for variant, _, answers in self.predictions(*models):
            labels = answers.labels
            for model in models:
                classes[model].setdefault(variant, []).append(answers.models[model].called)
        return labels, {model: {variant: np.array(rows) for variant, rows in runs.items()} for model, runs in classes.items()}

    def pair_calls(self, a: int, b: int) -> "pd.DataFrame":
        """What the last models of all runs together make of the images whose true class is ``a`` or ``b``.

        Returns:
            A row per image with index (into the images evaluated on), label, called (share of runs that call it the other class of the
            pair), p_true and p_other (mean softmax probability over runs).

        Raises:
            UserError: the runs were evaluated on different images.
        """
        import pandas as pd

        rows = None
        for _, _, answers in self.predictions("last"):
            if rows is None:
                rows = np.flatnonzero((answers.labels == a) | (answers.labels == b))
                index, true = answers.index[rows], answers.labels[rows]
                other = np.where(true == a, b, a)
                called, p_true, p_other = np.zeros((3, len(rows)))
            last = answers.models["last"]
            called += last.called[rows] == other
            p_true += last.p_true[rows]
            p_other += last.p_other(a, b)
        count = len(self.variants) * len(self.seeds)
        means = {"called": called / count, "p_true": p_true / count, "p_other": p_other / count}
        return pd.DataFrame({"index": index, "label": true, **means})


PARTS = ("loss", "sampler")  # of a variant, which may weigh images
WEIGHTS = [f"{part}_{name}" for part in PARTS for name in ("mean_weight", "largest_weight", "effective_share", "pair_share")]
WEIGHTS += ["loss_scale", "sampler_largest_factor", "sampler_distinct_share"]
EPOCHS = ("epoch", "learning_rate", "train_loss", "train_accuracy")


def refuse_other_run(path: Path, record: dict, variant: str, seed: int) -> None:
    """Refuse a run.json or metrics.json of another run than that of its folder, as after a copy.

    Raises:
        UserError: it is.
    """
    if (record["variant"], record["seed"]) != (variant, seed):
        other = RUN_NAME.format(variant=record["variant"], seed=record["seed"])
        raise UserError(f"{path} is of the run {other}: delete it and run the step that makes it again")


def pair_indices(classes: list[str], pair: list[str]) -> tuple[int, int]:
    """Labels of the two classes of a pair.

    Raises:
        UserError: the data has no such class.
    """
    for name in pair:
        if name not in classes:
            raise UserError(f"pairs names the class {name!r}, which the data does not have: choose from {', '.join(classes[:10])}")
    return classes.index(pair[0]), classes.index(pair[1])
