"""The files that a command line names, checked before the script starts. An option of one name means the same in every script."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from hardpair.errors import UserError
from hardpair.files import paths, shapes

if TYPE_CHECKING:
    import numpy as np


def check(options: Namespace) -> None:
    """Check prepared data, a split of it, proposals and trials, whichever of them the options name.

    Raises:
        UserError: one is missing, damaged, or does not go with another.
    """
    given = vars(options)
    images = data(Path(given["data"])) if given.get("data") else None
    if given.get("split"):
        split(Path(given["split"]), images)
    if isinstance(given.get("round"), Path):
        proposals(given["round"])
    if given.get("search_dir"):
        settings = given["settings"]
        rounds = given["round"] if "round" in given else settings["rounds"] if settings["enabled"] else 0
        for name in paths.trials(rounds, settings.get("batch", 0)):
            shapes.read(given["search_dir"] / name, shapes.TRIAL)


def data(folder: Path) -> int:
    """The number of training images in a folder of prepared data.

    Raises:
        UserError: dataset.json or an array is missing or damaged, or they are about different images.
    """
    from hardpair.data.arrays import load_part

    about = shapes.read(folder / "dataset.json", shapes.DATASET)
    size, classes, found = about["size"], len(about["classes"]), {}
    for part in ("train", "test"):
        if not (folder / part).exists() and part == "test":
            continue  # needed by evaluations alone, which name what they miss
        try:
            images, labels = load_part(folder, part)
            told = _wrong(images, labels, size, classes)
        except (UserError, OSError):
            raise
        except Exception as error:  # NumPy raises whatever a broken header leads it to
            told = f"is damaged ({type(error).__name__})"
        if told:
            raise UserError(f"{folder / part} {told}: delete {folder} and run prepare_data again")
        found[part] = len(labels)
    return found["train"]


def proposals(path: Path) -> None:
    """Check the recipes of a round.

    Raises:
        UserError: the file is missing or damaged, or one is no recipe.
    """
    from hardpair.config.resolve import resolve_part

    for entry in shapes.read(path, shapes.PROPOSALS)["trials"]:
        try:
            resolve_part("recipe", entry["recipe"])
        except UserError as error:
            raise UserError(f"{path}, trial {entry['trial']}: {error}; delete it and run propose_trials again") from None


def _wrong(images: "np.ndarray", labels: "np.ndarray", size: int, classes: int) -> str | None:
    """What is wrong with arrays of images (N, 3, size, size) and labels (N,)."""
    kinds = [getattr(array, "dtype", None) for array in (images, labels)]
    if kinds != ["uint8", "int64"] or images.shape != (len(labels), 3, size, size) or labels.ndim != 1 or len(labels) == 0:
        return "holds other arrays than dataset.json tells of"
    if labels.min() < 0 or labels.max() >= classes:
        return f"has labels that are none of the {classes} classes"
    return None


def split(path: Path, images: int | None) -> None:
    """Check a split of so many training images.

    Raises:
        UserError: it is missing or damaged, or names images that are not there.
    """
    told = shapes.read(path, shapes.SPLIT)
    chosen = told["training"] + told["validation"]
    if not told["training"]:
        raise UserError(f"{path} names no image to train on: make the split again")
    if images is not None and max(chosen) >= images:
        raise UserError(f"{path} names the image {max(chosen)} of {images}: make the split again")
    if len(set(chosen)) < len(chosen):
        raise UserError(f"{path} names an image twice: make the split again")
