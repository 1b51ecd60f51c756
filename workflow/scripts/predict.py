"""Tell which classes a trained model sees in your own pictures.

A picture of any format that Pillow reads is turned upright, cut to the square in its middle, resized with antialiasing to the size the
model was trained on, and normalised like the training images. What is transparent becomes white. Examples:

  python workflow/scripts/predict.py --run results/cifar10/runs/dfl/seed0 picture.jpg
  python workflow/scripts/predict.py --run results/cifar10/runs/dfl/seed0 --model best --top 3 --json one.png two.webp
"""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from hardpair.cli.command import parser, positive, run

if TYPE_CHECKING:
    import numpy as np


def arguments() -> argparse.Namespace:
    cli = parser(__doc__)
    cli.add_argument("--run", type=Path, required=True, help="folder of a trained run")
    cli.add_argument("--model", choices=["last", "best"], default="last", help="weights of the last or best epoch (default %(default)s)")
    cli.add_argument("--top", type=positive, default=5, metavar="N", help="how many classes to tell of each picture (default %(default)s)")
    cli.add_argument("--json", action="store_true", help="print JSON: a list of {picture, classes: [{class, probability}, ...]}")
    cli.add_argument("pictures", type=Path, nargs="+", metavar="picture", help="picture file")
    return cli.parse_args()


def main() -> None:
    options = arguments()
    record = read_record(options.run, options.model)
    import numpy as np

    pixels = np.stack([read_picture(path, record["size"]) for path in options.pictures])
    found = [
        {"picture": str(path), "classes": ranked(p, record["classes"])[: options.top]}
        for path, p in zip(options.pictures, predict(options.run, options.model, record, pixels), strict=True)
    ]
    print(json.dumps(found, indent=1) if options.json else table(found))


def read_record(folder: Path, model: str) -> dict:
    """run.json of a run that has the model.

    Raises:
        UserError: it is missing, is no record of a run, or tells of no such model.
    """
    from hardpair.errors import UserError
    from hardpair.files import formats, shapes

    path = folder / "run.json"
    record = shapes.read(path, formats.MODEL)
    if model not in record["weights"]:
        raise UserError(f"{path} tells of no {model} model (a run without validation images has none): use --model last")
    return record


def predict(folder: Path, model: str, record: dict, pixels: "np.ndarray") -> "np.ndarray":
    """Probabilities float64 (N, C) of images uint8 (N, 3, S, S) by a run's model, in the precision that it was trained in."""
    import torch

    from hardpair.training.images import Images
    from hardpair.training.inference import infer
    from hardpair.training.saved_model import load

    network = load(folder, model, record)
    mean, std = (torch.tensor(record[key]) for key in ("mean", "std"))
    nobody_knows = torch.full((len(pixels),), -1)
    images = Images(torch.from_numpy(pixels), nobody_knows, mean, std, record["classes"])
    return infer(network, images, torch.arange(len(pixels)), record["precision"]).double().softmax(1).numpy()


def read_picture(path: Path, size: int) -> "np.ndarray":
    """A picture as the network takes it: the square in its middle, uint8 (3, size, size).

    Raises:
        UserError: it is missing, or no usable picture.
    """
    import warnings

    from hardpair.data.pictures import picture
    from hardpair.errors import UserError

    try:
        with warnings.catch_warnings(action="ignore"):  # Pillow's, which name no file
            return picture.read(path, size)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: name a picture that there is") from None
    except picture.BadPicture as error:
        raise UserError(f"{path} {error}") from None


def ranked(probabilities: "np.ndarray", classes: list[str]) -> list[dict]:
    """Classes with their probabilities, the most probable first."""
    pairs = sorted(zip(classes, probabilities.tolist(), strict=True), key=lambda pair: -pair[1])
    return [{"class": name, "probability": probability} for name, probability in pairs]


def table(found: list[dict]) -> str:
    """A block for each picture: its name and a line for each class."""
    width = max(len(entry["class"]) for each in found for entry in each["classes"])
    blocks = [
        "\n".join([each["picture"], *(f"  {entry['class']:<{width}}  {entry['probability']:7.2%}" for entry in each["classes"])])
        for each in found
    ]
    return "\n\n".join(blocks)


if __name__ == "__main__":
    run(main)
