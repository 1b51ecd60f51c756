"""How fast training is on this machine, side by side with the plain way to write it.

Every way runs in a process of its own; they take turns, so that what else the machine does falls on all of them, and ratios are taken
turn by turn. Images are random: speed does not depend on what they show. Example:

  python benchmarks/training.py --repeats 9 --json speed.json
"""

import argparse
import itertools
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

import torch

from hardpair.device import choose_device, configure
from hardpair.device_in_words import device_name
from hardpair.training import checkpoint, loop
from hardpair.training.inference import infer
from hardpair.training.precision import choose_precision
from ways import BATCH, COUNT, PRECISIONS, SCRIPTS, Way, Worker, chosen_ways, matrix_side, operations, our_training

IMPORTS = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import train, hardpair.training.job, tqdm"


def measure_training(device: torch.device, gpus: int, threads: int, repeats: int, seconds: float) -> list[dict]:
    """A row for each way."""
    workers = [Worker(way, gpus, seconds) for way in chosen_ways(device, threads)]
    together = {
        precision: [Worker(Way(f"ours, {precision}", "ours", precision), gpus, seconds) for _ in range(max(threads, 2))]
        for precision in PRECISIONS
    }
    rates, peaks = {worker: [] for worker in workers}, {}
    shared = {precision: [] for precision in PRECISIONS}
    for _ in range(repeats):
        for worker in workers:
            took, peaks[worker] = worker.turn()
            rates[worker].append(worker.steps / took)
        for precision, jobs in together.items():
            for worker in jobs:
                worker.begin(jobs[0].steps)
            shared[precision].append(sum(jobs[0].steps / worker.channel.recv()[0] for worker in jobs))
    for worker in (*workers, *itertools.chain(*together.values())):
        worker.end()

    per_image, side = operations(), matrix_side(device)
    limit = {w.way.precision: statistics.median(rates[w]) * 2 * side**3 for w in workers if w.way.kind == "multiplication"}
    rows = []
    listed = [(worker.way, rates[worker], peaks[worker]) for worker in workers if worker.way.kind != "multiplication"]
    for precision, turns in shared.items():
        name = f"ours, {len(together[precision])} jobs of one thread side by side, {precision}"
        listed.append((Way(name, "", precision), turns, None))
    for way, rates_, peak in listed:
        images = [rate * BATCH for rate in rates_]
        flops = statistics.median(images) * per_image
        rows.append(
            {
                "way": way.name,
                "images_per_second": statistics.median(images),
                "lowest": min(images),
                "highest": max(images),
                "ms_per_step": 1e3 / statistics.median(rates_),
                "of_loader": ratio(rates_, rates[workers[0]]),
                "of_tensors": ratio(rates_, rates[workers[1]]),
                "tflops": flops / 1e12,
                "share_of_multiplication": flops / limit[way.precision],
                "peak_memory_mb": peak,
            }
        )
    return rows + [{"way": f"matrix multiplication, {precision}", "tflops": rate / 1e12} for precision, rate in limit.items()]


def measure_networks(names: list[str], gpus: int, options: argparse.Namespace) -> list[dict]:
    """A row for each network: images/s of ours in each precision and of the plain loop over tensors, in fp32."""
    rows = []
    for name in names:
        plain = Worker(Way(name, "tensors", "fp32", options.threads, name), gpus, options.seconds)
        ours = {precision: Worker(Way(name, "ours", precision, options.threads, name), gpus, options.seconds) for precision in PRECISIONS}
        rates = {worker: [] for worker in (plain, *ours.values())}
        for _ in range(options.repeats):
            for worker, turns in rates.items():
                turns.append(worker.steps / worker.turn()[0])
        for precision, worker in ours.items():
            images = statistics.median(rates[worker]) * BATCH
            row = {"network": name, "precision": precision, "images_per_second": images}
            rows.append(row | {"plain": statistics.median(rates[plain]) * BATCH, "of_plain": ratio(rates[worker], rates[plain])})
        for worker in rates:
            worker.end()
    return rows


def networks_table(rows: list[dict]) -> str:
    """The rows as Markdown."""
    lines = ["| network | precision | ours, images/s | plain loop, fp32 | ratio |", "|---|---|--:|--:|--:|"]
    for row in rows:
        numbers = f"{row['images_per_second']:,.1f} | {row['plain']:,.1f} | {row['of_plain']:.2f}"
        lines.append(f"| {row['network']} | {row['precision']} | {numbers} |")
    return "\n".join(lines)


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Median over the turns of one rate over another."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def measure_rest(device: torch.device, threads: int, repeats: int) -> list[dict]:
    """A row for each thing beside the steps: refresh, evaluation, checkpoint, start-up."""
    configure(device, threads, deterministic=False)
    training = our_training(device, choose_precision("auto", device))
    everything = torch.arange(COUNT)

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    def forward() -> None:
        infer(training.network, training.images, everything, training.precision)

    training.draw_epoch()
    training.take_step(BATCH)
    training.history.best = loop.weights_of(training.network)
    with tempfile.TemporaryDirectory() as folder:
        cases = {
            "p_t of 50,000 images (a refresh)": (forward, 50_000 / COUNT),
            "logits of 10,000 images (evaluation)": (forward, 10_000 / COUNT),
            "a checkpoint": (lambda: checkpoint.save(Path(folder) / "c", "key", *checkpoint.state_of(training)), 1),
        }
        rows = []
        for name, (action, factor) in cases.items():
            action()
            times = [timed(action, wait) * factor for _ in range(repeats)]
            rows.append({"what": name, "seconds": statistics.median(times), "lowest": min(times), "highest": max(times)})
    for name, command in (
        ("train.py --help, CPU time", [str(SCRIPTS / "train.py"), "--help"]),
        ("import torch, CPU time", ["-c", "import torch"]),
        (
            "all that train.py imports, CPU time",
            ["-c", IMPORTS],
        ),
    ):
        times = [cpu_seconds([sys.executable, *command]) for _ in range(min(repeats, 5))]
        rows.append({"what": name, "seconds": statistics.median(times), "lowest": min(times), "highest": max(times)})
    return rows


def timed(action: Callable[[], None], wait: Callable[[], None]) -> float:
    started = time.perf_counter()
    action()
    wait()
    return time.perf_counter() - started


def cpu_seconds(command: list[str]) -> float:
    """User and system time of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def training_table(rows: list[dict]) -> str:
    """The rows as Markdown."""
    lines = [
        "| way | images/s | lowest-highest | ms per step | × loader | × tensors | TFLOP/s | of multiplication | peak MB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        if "of_loader" not in row:
            lines.append(f"| {row['way']} | | | | | | {row['tflops']:.3g} | 100 % | |")
            continue
        peak = "" if row["peak_memory_mb"] is None else f"{row['peak_memory_mb']:,.0f}"
        lines.append(
            f"| {row['way']} | {row['images_per_second']:,.0f} | {row['lowest']:,.0f}-{row['highest']:,.0f} | {row['ms_per_step']:.3g} | "
            f"{row['of_loader']:.2f} | {row['of_tensors']:.2f} | {row['tflops']:.3g} | {row['share_of_multiplication']:.0%} | {peak} |"
        )
    return "\n".join(lines)


def rest_table(rows: list[dict]) -> str:
    """The rows as Markdown."""
    lines = ["| what | seconds | lowest-highest |", "|---|--:|--:|"]
    return "\n".join(lines + [f"| {row['what']} | {row['seconds']:.3g} | {row['lowest']:.3g}-{row['highest']:.3g} |" for row in rows])


def main() -> None:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--repeats", type=int, default=7, help="turns of each way (default %(default)s)")
    cli.add_argument("--seconds", type=float, default=4.0, help="length of a turn (default %(default)s)")
    cli.add_argument("--threads", type=int, default=os.cpu_count(), help="CPU threads (default: all, %(default)s)")
    cli.add_argument("--gpus", type=int, default=1, help="0 measures the CPU even where there is a GPU (default %(default)s)")
    cli.add_argument("--networks", nargs="+", default=[], metavar="NAME", help="only these: cnn, resnet18 or names of torchvision")
    cli.add_argument("--json", type=Path, help="file that gets the same as JSON")
    options = cli.parse_args()
    device = choose_device(options.gpus)
    packages = {name: metadata.version(name) for name in ("torch", "torchvision", "numpy")}
    machine = {"device": device_name(device), "cores": os.cpu_count(), "threads": options.threads}
    machine |= {"python": platform.python_version()} | packages
    described = ", ".join(f"{name} {value}" for name, value in machine.items())
    print(f"{described}; batch {BATCH}, {options.repeats} turns of {options.seconds:g} s\n")
    if options.networks:
        networks = measure_networks(options.networks, options.gpus, options)
        print(networks_table(networks))
        if options.json:
            options.json.write_text(json.dumps({"machine": machine, "repeats": options.repeats, "networks": networks}, indent=1) + "\n")
        return
    training = measure_training(device, options.gpus, options.threads, options.repeats, options.seconds)
    print(training_table(training), flush=True)
    rest = measure_rest(device, options.threads, options.repeats)
    print(f"\n{rest_table(rest)}")
    if options.json:
        everything = {"machine": machine, "repeats": options.repeats, "training": training, "rest": rest}
        options.json.write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
