"""Predict the classes of your own pictures with a trained model.

A picture of any format that Pillow reads is turned upright, cut to the square in its middle, resized with antialiasing to the size the
model was trained on, and normalised like the training images. Transparent parts become white. Examples:

  python workflow/scripts/predict.py --run results/cifar10/runs/dfl/seed0 picture.jpg
  python workflow/scripts/predict.py --run results/cifar10/runs/dfl/seed0 --model best --top 3 --json one.png two.webp folder
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from hardpair.cli.command import parser, plugins_argument, positive, run
from hardpair.errors import OUT_OF_MEMORY, UserError, harmless, say
from hardpair.files import formats, paths, shapes
from hardpair.measures.metric_names import percent
from hardpair.wording import abbreviated

if TYPE_CHECKING:
    import numpy as np


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--run", type=Path, required=True, help="folder of a trained run")
    cli.add_argument("--model", choices=["last", "best"], default="last", help="weights of the last or best epoch (default %(default)s)")
    cli.add_argument("--top", type=positive, default=5, metavar="N", help="classes shown of each picture (default %(default)s)")
    cli.add_argument("--json", action="store_true", help="print JSON: a list of {picture, classes: [{class, probability}, ...]}")
    plugins_argument(cli)
    cli.add_argument("pictures", type=Path, nargs="+", metavar="picture", help="picture file, or a folder of them")
    options = cli.parse_args()

    import numpy as np

    from hardpair import plugins

    plugins.use(options.plugins)
    path = options.run / "run.json"
    if not path.exists():
        raise UserError(f"{options.run} holds no run: {_choice(options.run)}")
    record = shapes.read(path, formats.MODEL)
    pictures = [file for path in options.pictures for file in _files(path)]
    if options.model not in record["weights"]:
        raise UserError(f"{path} has no {options.model} model (a run without validation images has none): use --model last")
    pixels = np.stack([read_picture(path, record["size"]) for path in pictures])
    probabilities = predict(options.run, options.model, record, pixels)
    predictions = []
    for path, row in zip(pictures, probabilities.tolist(), strict=True):
        ranked = sorted(zip(record["classes"], row, strict=True), key=lambda pair: -pair[1])[: options.top]
        predictions.append({"picture": str(path), "classes": [{"class": name, "probability": share} for name, share in ranked]})
    print(json.dumps(predictions, indent=1) if options.json else table(predictions))


def _choice(wrong: Path) -> str:
    """The end of a sentence: which runs there are, first those in the same folders as a wrong one."""
    runs = [str(record.parent) for record in paths.every(paths.RESULTS, f"{{study}}/{paths.RUN_RECORD}")]
    runs.sort(key=lambda run: -len(os.path.commonpath([run, os.path.relpath(wrong)])))
    return f"choose from {abbreviated(runs, 6)}" if runs else "name the folder of a finished run"


def _files(path: Path) -> list[Path]:
    """A picture, or the files in a folder that may be one, by name: what preparation ignores is ignored here too.

    Raises:
        UserError: the folder holds none.
    """
    from hardpair.data.pictures.entry import hidden, no_picture

    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if not hidden(file.name) and not file.is_dir())
    papers = [file for file in files if no_picture(file.name)]
    if len(papers) == len(files):
        raise UserError(f"{path} holds no picture: name a picture or a folder of them")
    if papers:
        named = abbreviated([str(file) for file in papers])
        say(f"files that are no pictures by their names, ignored: {len(papers):,} ({named})", file=sys.stderr)
    return [file for file in files if file not in papers]


def predict(folder: Path, model: str, record: dict, pixels: "np.ndarray") -> "np.ndarray":
    """Probabilities float64 (N, C) of images uint8 (N, 3, S, S) by a run's model, in the precision that it was trained in."""
    import torch

    from hardpair.training.images import Images
    from hardpair.training.inference import infer
    from hardpair.training.saved_model import load

    network = load(folder, model, record)
    mean, std = (torch.tensor(record[key]) for key in ("mean", "std"))
    unknown = torch.full((len(pixels),), -1)
    images = Images(torch.from_numpy(pixels), unknown, mean, std, record["classes"])
    return infer(network, images, torch.arange(len(pixels)), record["precision"]).double().softmax(1).numpy()


def read_picture(path: Path, size: int) -> "np.ndarray":
    """A picture as the network takes it: the square in its middle, uint8 (3, size, size).

    Raises:
        UserError: it is missing, or no usable picture.
    """
    from hardpair.data.pictures import picture
    from hardpair.data.pictures.colour import BadPicture

    try:
        with warnings.catch_warnings(action="ignore"):  # Pillow's, which name no file
            return picture.read(path, size)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: name an existing picture") from None
    except MemoryError:
        raise UserError(f"{path} could not be decoded: {OUT_OF_MEMORY}") from None
    except BadPicture as error:
        raise UserError(f"{path} {error}") from None


def table(predictions: list[dict]) -> str:
    """A block for each picture: its name and a line for each class."""
    width = max(len(entry["class"]) for picture in predictions for entry in picture["classes"])
    blocks = []
    for picture in predictions:
        lines = (f"  {entry['class']:<{width}}  {percent(entry['probability']):>6}%" for entry in picture["classes"])
        blocks.append("\n".join(map(harmless, [picture["picture"], *lines])))
    return "\n\n".join(blocks)


if __name__ == "__main__":
    run(main)
