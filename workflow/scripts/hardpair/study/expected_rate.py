"""How many images a second a job of a study trains on: by its finished runs, else measured. Imports torch only to measure."""

import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hardpair.config.resolve import canonical
from hardpair.errors import say
from hardpair.study import estimate
from hardpair.wording import counted

if TYPE_CHECKING:
    import torch

SECONDS, WARM_UP, STEPS = 2.0, 5, 20  # how long to measure a precision; steps before it; steps an epoch
LONGEST = 10.0  # seconds after which a precision is slow enough to be judged by the steps so far: bf16 where it is emulated
FASTER = 1.15  # times the rate, from which the other precision is worth a remark: noise stays below


def of_study(config: dict, passes: float, gpus: int, folder: Path) -> tuple[float, str]:
    """Images/s of a run, the mean over networks of variants that take turns, and where it comes from: finished runs, else a measurement.

    Args:
        passes: of an image trained on, as in ``estimate.Workload``.
        folder: of the study.
    """
    networks, known, rates, origins = estimate.networks(config), estimate.known_rates(folder), {}, []
    for name, network in {canonical(network): network for network in networks}.items():
        if name in known:
            rates[name] = statistics.median(known[name])
            origins.append(f"median of {counted(len(known[name]), 'finished run')}")
        else:
            measured, machine = _measured(config, gpus, network)
            rates[name] = measured / passes
            origins.append(f"measured just now on {machine}")
    origin = "; ".join(dict.fromkeys(origins)) + (f"; mean of {len(rates)} networks" if len(rates) > 1 else "")
    return statistics.harmonic_mean([rates[canonical(network)] for network in networks]), origin


def _measured(config: dict, gpus: int, network: dict) -> tuple[float, str]:
    """Images/s of a network, and what computes them; prints a remark where a CPU is faster in the precision that was not chosen."""
    from hardpair.device import choose_device
    from hardpair.device_in_words import device_name
    from hardpair.training.precision import choose_precision

    device, configured = choose_device(gpus), config["train"]["precision"]
    precision = choose_precision(configured, device)
    rate = measure(config, network, device, precision)
    if configured == "auto" and device.type == "cpu":
        other = "fp32" if precision == "bf16" else "bf16"
        if (ratio := measure(config, network, device, other) / rate) > FASTER:
            chosen = f"{precision}, which train.precision: auto takes"
            say(f"{other} is {ratio:.1f} times as fast here as {chosen}: consider train.precision: {other}")
    return rate, f"{device_name(device)}, {precision}"


def measure(config: dict, network: dict, device: "torch.device", precision: str) -> float:
    """Images/s of training steps of a network on a device, augmentation included; on the CPU a job's one thread."""
    import torch

    from hardpair.device import configure
    from hardpair.training.images import Images
    from hardpair.training.loop import Training
    from hardpair.training.recipe import Recipe, RunSettings

    configure(device, threads=1, deterministic=config["train"]["deterministic"])
    recipe = Recipe.checked(config["recipe"])
    inventory, count = estimate.inventory(config), STEPS * recipe.batch_size
    size, classes = inventory.size, list(inventory.classes)
    mean = std = torch.full((3,), 0.5, device=device)
    generated = torch.randint(256, (count, 3, size, size), dtype=torch.uint8, device=device)
    images = Images(generated, torch.randint(len(classes), (count,), device=device), mean, std, classes)
    split = {"training": torch.arange(count), "validation": torch.arange(0)}
    settings = RunSettings({"kind": "cross_entropy"}, {"kind": "uniform"}, recipe, precision, network=network)
    training = Training(images, split, settings, 0)
    times, began = [], time.perf_counter()
    with training.stream():
        while len(times) < 2 or (spent := time.perf_counter() - began) < SECONDS or (len(times) <= WARM_UP and spent < LONGEST):
            started = time.perf_counter()
            if len(times) % STEPS == 0:
                training.draw_epoch()
            training.take_step(recipe.batch_size)
            training.batches.correct.item()  # waits for the device
            times.append(time.perf_counter() - started)
    return recipe.batch_size / statistics.median(times[WARM_UP:] or times[1:])
