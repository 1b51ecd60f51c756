"""How far the gradients of loss and sampler come apart in a real training, where weights are of the last refresh and not frozen.

Trains Dynamic Focal Loss (γ = 2, refreshed every 5 epochs) and stops 4 epochs after a refresh, when weights are as stale as they get.
There it takes the mean gradient over all training images, without dropout and augmentation, of what each variant steps along, and compares
it with that of the detached, scaled loss with fresh weights. Example:

  python benchmarks/gradients.py --data resources/cifar10 --split results/cifar10-cpu/split.json
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

import torch
import torch.nn.functional as F

from hardpair.cli.command import run
from hardpair.device import configure
from hardpair.focal_weight import floored_weight, focal_weight
from hardpair.training import loop
from hardpair.training.augment import normalise
from hardpair.training.images import load_images, load_split
from hardpair.training.inference import infer
from hardpair.training.recipe import Recipe, RunSettings

GAMMA, REFRESH, STALE = 2, 5, 4
LOSS = {"kind": "focal", "gamma": GAMMA, "scale": "dynamic", "scale_over": "training", "scale_max": None, "detach_weight": False}


class Reached(Exception):
    """The epoch at which gradients are taken."""


def cross_entropies(training: loop.Training) -> torch.Tensor:
    """−ln p_t of the training images, float32 (N,)."""
    logits = infer(training.network, training.images, training.training, training.precision)
    return F.cross_entropy(logits, training.labels, reduction="none")


def train(images, split, epochs: int, batch_size: int, seed: int) -> tuple[loop.Training, torch.Tensor]:
    """A training that is ``STALE`` epochs past its last refresh, and −ln p_t of the training images at that refresh."""
    recipe = Recipe(epochs, batch_size, 0.01, 0.9, 5e-4, (0.5, 0.8), 0.1, 0.5, REFRESH)
    training = loop.Training(images, split, RunSettings(LOSS, {"kind": "uniform"}, recipe), seed)
    refreshed = epochs - REFRESH
    observed = {}

    def look(record: dict, seconds: float) -> None:
        if record["epoch"] == refreshed:
            observed["at"] = cross_entropies(training).clone()
        if record["epoch"] == refreshed + STALE:
            raise Reached

    try:
        training.run(look)
    except Reached:
        return training, observed["at"]
    raise RuntimeError("the run ended before its weights were stale")


def gradient(training: loop.Training, weights: torch.Tensor, scale: float, of_weight: float | None) -> torch.Tensor:
    """Gradient of scale · mean over images of weights · loss, as one vector.

    Args:
        weights: float (N,), constant.
        of_weight: exponent of a focal weight of the present logits through which the gradient goes too; None for plain cross-entropy.
    """
    network, images = training.network.eval(), training.images
    for parameter in network.parameters():
        parameter.grad = None
    count = len(training.training)
    for at in torch.arange(count).split(250):
        chosen = training.training[at]
        logits = network(normalise(images.pixels[chosen], images.mean, images.std))
        losses = F.cross_entropy(logits, images.labels[chosen], reduction="none")
        if of_weight is not None:
            losses = focal_weight(losses, of_weight) * losses
        (scale * (weights[at].float() * losses).sum() / count).backward()
    network.train()
    return torch.cat([parameter.grad.flatten() for parameter in network.parameters()]).double()


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--data", type=Path, required=True, help="folder of prepared data")
    cli.add_argument("--split", type=Path, required=True)
    cli.add_argument("--epochs", type=int, default=20, help="length of the schedule (default %(default)s)")
    cli.add_argument("--batch-size", type=int, default=32)
    cli.add_argument("--seed", type=int, default=0)
    cli.add_argument("--threads", type=int, default=1)
    options = cli.parse_args()
    if options.epochs <= REFRESH or options.epochs % REFRESH:  # weights are refreshed after every REFRESH epochs
        cli.error(f"--epochs is {options.epochs}: give a multiple of {REFRESH} above {REFRESH}")
    device = torch.device("cpu")
    configure(device, options.threads, deterministic=False)
    images = load_images(options.data, "train", device)
    training, then = train(images, load_split(options.split, options.data), options.epochs, options.batch_size, options.seed)
    now = cross_entropies(training)
    fresh, stale, doubled = floored_weight(now, GAMMA), floored_weight(then, GAMMA), floored_weight(now, 2 * GAMMA)
    one = torch.ones_like(fresh)
    growth = (fresh.square().mean() / fresh.mean() ** 2).item()
    reference = gradient(training, fresh, 1 / fresh.mean().item(), None)
    rows = {
        "cross-entropy": gradient(training, one, 1, None),
        "detached loss, fresh weights": reference,
        "sampler, stale weights": gradient(training, stale, 1 / stale.mean().item(), None),
        "loss as trained: attached, stale scale": gradient(training, one, 1 / stale.mean().item(), GAMMA),
        "both as trained": gradient(training, stale, 1 / stale.mean().item() ** 2, GAMMA),
        "detached loss, exponent 2γ, fresh": gradient(training, doubled, 1 / doubled.mean().item(), None),
    }
    print(f"{len(now):,} images, epoch {options.epochs - REFRESH + STALE}, weights of epoch {options.epochs - REFRESH}: mean weight "
          f"{stale.mean():.3f} then, {fresh.mean():.3f} now; E[w²]/E[w]² = {growth:.2f}\n")  # fmt: skip
    print("| mean gradient | length, of the reference's | cosine with the reference | cosine with exponent 2γ |\n|---|--:|--:|--:|")
    last = rows["detached loss, exponent 2γ, fresh"]
    for name, vector in rows.items():
        cosines = [F.cosine_similarity(vector, other, dim=0).item() for other in (reference, last)]
        print(f"| {name} | {vector.norm() / reference.norm():.2f} | {cosines[0]:.3f} | {cosines[1]:.3f} |")


if __name__ == "__main__":
    run(main)
