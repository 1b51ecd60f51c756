"""Evaluate a run's last and best model.

Writes predictions.npz (logits) and metrics.json to the output folder. Example:

  python workflow/scripts/evaluate.py --run results/cifar10/runs/ce/seed0 --data resources/cifar10 --split results/cifar10/split.json \\
      --settings '{"evaluated_on": "test", "pairs": [["cat", "dog"]]}' --output-dir results/cifar10/runs/ce/seed0
"""

from pathlib import Path
from typing import TYPE_CHECKING

from hardpair.cli.command import machine_arguments, parser, plugins_argument, run, settings_with

if TYPE_CHECKING:
    import numpy as np
    import torch

    from hardpair.training.images import Images


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--run", type=Path, required=True, help="folder of a trained run")
    cli.add_argument("--data", type=Path, required=True, help="folder of prepared data")
    cli.add_argument("--split", type=Path, help="split.json; needed to evaluate on validation images")
    keys = "evaluated_on (test, the default, or validation), pairs (of classes)"
    cli.add_argument("--settings", type=settings_with(), default={}, help=f"JSON or file with the keys {keys}")
    # Not by the training itself: where Snakemake does not accept what that has written, it removes it, and the state is all that is left.
    cli.add_argument("--checkpoint", type=Path, help="state of the run's training, removed at the end: the run is finished")
    machine_arguments(cli)
    plugins_argument(cli)
    cli.add_argument("--output-dir", type=Path, required=True)
    options = cli.parse_args()

    from hardpair.jobs.gpu import take_gpu

    take_gpu(options.gpus, options.jobs_per_gpu, f"evaluation of {options.run}")
    from hardpair import plugins
    from hardpair.config.schema import CNN
    from hardpair.device import start_device
    from hardpair.errors import UserError
    from hardpair.files import formats, shapes
    from hardpair.files.atomic import write_arrays, write_json
    from hardpair.files.json_text import read_json
    from hardpair.measures import metrics
    from hardpair.training.divergence import wrong_logits
    from hardpair.training.inference import infer
    from hardpair.training.machine import machine
    from hardpair.training.saved_model import load

    plugins.use(options.plugins)
    record = shapes.read(options.run / "run.json", formats.RUN | {"settings": {"deterministic": bool} | formats.NAMED})
    part, pairs = options.settings.get("evaluated_on", "test"), options.settings.get("pairs", [])
    device = start_device(options.gpus, options.threads, record["settings"]["deterministic"])
    images, index = evaluated_images(options.data, options.split, part, device)
    if read_json(options.data / "dataset.json")["sha256"] != record["data"]["sha256"]:
        raise UserError(f"{options.data} holds other images than {options.run} was trained on: name the folder of its data")
    labels = images.labels[index.to(device)].cpu().numpy()
    refuse_wrong_pairs(pairs, record["classes"], labels, part)

    predictions = {"labels": labels, "index": index.numpy()}
    for name in record["weights"]:
        network = load(options.run, name, record).to(device)
        logits = infer(network, images, index, record["precision"])
        if not logits.isfinite().all():
            raise wrong_logits(f"{options.run}/{name}.safetensors", part)
        predictions[name] = logits.cpu().numpy()
    digest = write_arrays(options.output_dir / "predictions.npz", predictions, compressed=False)
    models = {name: metrics.summary(predictions[name], labels, record["classes"], pairs) for name in record["weights"]}
    run = {key: record[key] for key in ("variant", "seed", "fingerprint")}
    about = {"evaluated_on": part, "images": len(labels), "predictions": digest}
    computed_by = machine(device, record["settings"].get("network", CNN))
    write_json(options.output_dir / "metrics.json", run | about | computed_by | {"models": models})
    if options.checkpoint:
        options.checkpoint.unlink(missing_ok=True)


def evaluated_images(data: Path, split: Path | None, part: str, device: "torch.device") -> tuple["Images", "torch.Tensor"]:
    """Prepared images on the device, and the indices int64 of the ``test`` or ``validation`` images among them."""
    import torch

    from hardpair.errors import UserError
    from hardpair.training.images import load_images, load_split

    images = load_images(data, "train" if part == "validation" else "test", device)
    if part == "test":
        return images, torch.arange(len(images.labels))
    if split is None:
        raise UserError("--split is missing: it lists the validation images")
    index = load_split(split, data)["validation"]
    if len(index) == 0:
        raise UserError(f"{split} holds out no validation images: make a split with some, or evaluate on test images")
    return images, index


def refuse_wrong_pairs(pairs: list[list[str]], classes: list[str], labels: "np.ndarray", part: str) -> None:
    """Refuse pairs of classes that the model or the labels int64 (N,) of the images lack."""
    from hardpair.config.consistency import unmeasured_pairs, wrong_pairs
    from hardpair.errors import UserError

    for problem in wrong_pairs(pairs, classes, "the model"):
        raise UserError(problem)
    for problem in unmeasured_pairs(pairs, {classes[label] for label in labels}, f"{len(labels)} {part} images"):
        raise UserError(problem)


if __name__ == "__main__":
    run(main)
