"""Estimate how many runs a study still has to train, how long they take on this machine, and how much disk they need.

The rate is that of the study's finished runs, of each network apart; without any it is measured for a few seconds, unless the study is
short. The workflow calls this before its first job. Example:

  python workflow/scripts/estimate_study.py --config config/config.yaml docs/study/cpu.yaml --at-once 2
"""

import functools
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hardpair.cli.command import count, json_or_file, parser, positive, run
from hardpair.config.written import overlaid
from hardpair.errors import UserError
from hardpair.files import paths

if TYPE_CHECKING:
    import torch

SECONDS, WARM_UP, STEPS = 2.0, 5, 20  # how long to measure a precision; steps before it; steps an epoch
LONGEST = 10.0  # seconds after which a precision is slow enough to be judged by the steps so far: bf16 where it is emulated
FASTER = 1.15  # times the rate, from which the other precision is worth a remark: noise stays below


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--config", type=json_or_file, nargs="+", required=True, help="config as JSON or file, and overlays of it")
    cli.add_argument("--runs", type=count, help="runs that are still to train; default: all of the config")
    cli.add_argument("--trials", type=count, help="trials that are still to run; default: all of the config")
    cli.add_argument("--at-once", type=positive, default=1, help="jobs that run in parallel (default %(default)s)")
    cli.add_argument("--gpus", type=count, default=1, help="0 computes on the CPU even where there is a GPU (default %(default)s)")
    cli.add_argument("--unmeasured", action="store_true", help="measure nothing: give no time where finished runs do not give the rate")
    options = cli.parse_args()

    from rich.filesize import decimal

    from hardpair.config.resolve import canonical, resolve
    from hardpair.staleness import plan
    from hardpair.study import estimate
    from hardpair.wording import counted, size_of_study

    config = resolve(functools.reduce(overlaid, options.config))
    search, folder = config["search"], paths.RESULTS / config["study"]
    every_run = len(config["variants"]) * len(config["seeds"])
    every_trial = len(plan.trials(config))
    for option, given, most in (("--runs", options.runs, every_run), ("--trials", options.trials, every_trial)):
        if given is not None and given > most:
            raise UserError(f"{option} is {given}, but the study has {most}: give at most so many")
    work = estimate.workload(
        config,
        runs=every_run if options.runs is None else options.runs,
        trials=every_trial if options.trials is None else options.trials,
    )
    epochs = counted(config["recipe"]["epochs"], "epoch")
    jobs = f"{work.runs} of {counted(every_run, 'run')} to train ({size_of_study(config)}, {epochs})"
    if work.trials:
        own, trials = plan.searches(config), counted(work.trials, "trial")
        if len(own) > 1 and work.trials == every_trial:
            trials = f"{counted(every_trial // len(own), 'trial')} for each of {counted(len(own), 'variant')},"
        jobs += f", after {trials} of {counted(search['epochs'], 'epoch')}"
    print(f"study {config['study']}: {jobs}; results go to {folder}/, logs to {folder / paths.LOGS}/")
    networks = estimate.networks(config)
    if work.images < estimate.LONG:
        return
    if options.unmeasured and not {canonical(network) for network in networks} <= estimate.known_rates(folder).keys():
        return
    rate, origin = rate_of(config, work.passes, options.gpus, folder)
    images = estimate.inventory(config)
    classes = len(images.classes)
    disk = work.disk(statistics.mean(parameters(network, classes, images.size) for network in networks), classes)
    side = "one job at a time" if options.at_once == 1 else f"{options.at_once} jobs in parallel"
    duration = estimate.duration(work.seconds(rate, options.at_once))
    print(f"about {duration}, {side} at {rate:,.0f} images/s each ({origin}); about {decimal(disk)} of disk")


def rate_of(config: dict, passes: float, gpus: int, folder: Path) -> tuple[float, str]:
    """Images/s of a run, the mean over networks of variants that take turns, and where it comes from: finished runs, else a measurement.

    Args:
        passes: of an image trained on, as in ``estimate.Workload``.
        folder: of the study.
    """
    from hardpair.config.resolve import canonical
    from hardpair.study import estimate
    from hardpair.wording import counted

    networks, known, rates, origins = estimate.networks(config), estimate.known_rates(folder), {}, []
    for name, network in {canonical(network): network for network in networks}.items():
        if name in known:
            rates[name] = statistics.median(known[name])
            origins.append(f"median of {counted(len(known[name]), 'finished run')}")
        else:
            measured, machine = measured_rate(config, gpus, network)
            rates[name] = measured / passes
            origins.append(f"measured just now on {machine}")
    origin = "; ".join(dict.fromkeys(origins)) + (f"; mean of {len(rates)} networks" if len(rates) > 1 else "")
    return statistics.harmonic_mean([rates[canonical(network)] for network in networks]), origin


def measured_rate(config: dict, gpus: int, network: dict) -> tuple[float, str]:
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
            print(f"{other} is {ratio:.1f} times as fast here as {chosen}: consider train.precision: {other}")
    return rate, f"{device_name(device)}, {precision}"


def parameters(network: dict, classes: int, size: int) -> int:
    """How many parameters a network has; of the study's own network, without torch."""
    from hardpair.config.schema import CNN
    from hardpair.training import model_size

    if network == CNN:
        return model_size.parameter_count(classes, size)
    from hardpair.training import model

    return model.parameter_count(network, classes, size)


def measure(config: dict, network: dict, device: "torch.device", precision: str) -> float:
    """Images/s of training steps of a network on a device, augmentation included; on the CPU a job's one thread."""
    import torch

    from hardpair.device import configure
    from hardpair.study import estimate
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


if __name__ == "__main__":
    run(main)
