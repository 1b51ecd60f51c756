"""The files that a command line names, checked before the script starts. An option of one name means the same in every script."""

from pathlib import Path
from typing import TYPE_CHECKING

from hardpair.errors import UserError
from hardpair.files import formats, paths, shapes
from hardpair.files.regular import check_regular

if TYPE_CHECKING:
    import numpy as np

AFFECTS_RESULTS = False


def check(
    data: Path | None = None,
    split: Path | None = None,
    round: Path | int | None = None,
    search_dir: Path | None = None,
    settings: dict | None = None,
) -> None:
    """Check prepared data, a split of it, proposals and trials, whichever of them a command line names.

    Args:
        round: file of a round's proposals, or the number of rounds whose trials ``search_dir`` holds.

    Raises:
        UserError: one is missing, damaged, or does not go with another.
    """
    images = check_data(Path(data)) if data else None
    if split:
        check_split(Path(split), images)
    if isinstance(round, Path):
        shapes.read(round, formats.PROPOSALS)
    if search_dir:
        rounds = round if round is not None else settings.get("rounds", 0) if settings["enabled"] else 0
        batch, searched = settings.get("batch", 0), [*settings.get("space", ()), *settings.get("searched", ())]
        for trial, name in enumerate(paths.trials(rounds, batch)):
            formats.check_trial(search_dir / name, trial // batch, trial, searched)


def check_data(folder: Path) -> int:
    """Check a folder of prepared data; return the number of its training images.

    Raises:
        UserError: dataset.json or an array is missing or damaged, or they are about different images. Also where only pixels differ: the
            arrays of both parts are hashed, once while their files stay as they are.
    """
    from hardpair.data import verified
    from hardpair.data.arrays import load_part

    dataset = shapes.read(folder / "dataset.json", formats.DATASET)
    size, classes, counts = dataset["size"], len(dataset["classes"]), {}
    for part in ("train", "test"):
        try:
            for name in ("images", "labels"):
                if (array := folder / part / f"{name}.npy").exists():
                    check_regular(array)
            images, labels = load_part(folder, part)
            problem = _wrong(images, labels, size, classes)
        except (UserError, OSError):
            raise
        except Exception as error:  # NumPy raises whatever a broken header leads it to
            problem = f"is damaged ({type(error).__name__})"
        if problem:
            raise UserError(f"{folder / part} {problem}: delete {folder} and run prepare_data again")
        counts[part] = len(labels)
    verified.check(folder, dataset["sha256"])
    return counts["train"]


def _wrong(images: "np.ndarray", labels: "np.ndarray", size: int, classes: int) -> str | None:
    """What is wrong with arrays of images (N, 3, size, size) and labels (N,)."""
    kinds = [getattr(array, "dtype", None) for array in (images, labels)]
    if kinds != ["uint8", "int64"] or images.shape != (len(labels), 3, size, size) or labels.ndim != 1 or len(labels) == 0:
        return "holds other arrays than dataset.json describes"
    if labels.min() < 0 or labels.max() >= classes:
        return f"has labels that are none of the {classes} classes"
    return None


def check_split(path: Path, images: int | None) -> None:
    """Check a split of so many training images.

    Raises:
        UserError: it is missing or damaged, or names images that are not there.
    """
    indices = shapes.read(path, formats.SPLIT)
    chosen = indices["training"] + indices["validation"]
    if not indices["training"]:
        raise UserError(f"{path} lists no training image: make the split again")
    if images is not None and max(chosen) >= images:
        raise UserError(f"{path} lists image {max(chosen)}, but the data have {images} images: make the split again")
    if len(set(chosen)) < len(chosen):
        raise UserError(f"{path} lists an image twice: make the split again")
