"""How fast training is on this machine, side by side with the plain way to write it.

Every way runs in a process of its own; they take turns, so that what else the machine does falls on all of them, and ratios are taken
turn by turn. Images are random: speed does not depend on what they show. Example:

  python benchmarks/training.py --repeats 9 --json speed.json
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "workflow" / "scripts"
sys.path.insert(0, str(SCRIPTS))

import numpy as np  # noqa: E402
import psutil  # noqa: E402
import torch  # noqa: E402

from hardpair import checkpoint, loop, model  # noqa: E402
from hardpair.device import choose_device, choose_precision, configure, device_name  # noqa: E402
from hardpair.inference import infer  # noqa: E402
from hardpair.settings import Recipe  # noqa: E402
from hardpair.tensors import Images  # noqa: E402

IMPORTS = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import train, hardpair.job, tqdm"
BATCH, COUNT = 128, 128 * 50  # images a step and in all
RECIPE = Recipe(50, BATCH, 0.01, 0.9, 5e-4, (0.5, 0.8), 0.1, 0.5, 5)


@dataclass(frozen=True)
class Way:
    """A way to train: its name in the table, what makes it, its precision and its CPU threads."""

    name: str
    kind: str
    precision: str = "fp32"
    threads: int = 1


def made_images() -> tuple[np.ndarray, np.ndarray]:
    """Random uint8 (COUNT, 3, 32, 32) and int64 (COUNT,)."""
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (COUNT, 3, 32, 32), dtype=np.uint8), draw.integers(0, 10, COUNT)


def our_training(device: torch.device, precision: str, kind: str = "ours") -> loop.Training:
    """A training of hardpair's, ready for its first step."""
    pixels, labels = (torch.from_numpy(part).to(device) for part in made_images())
    mean = std = torch.full((3,), 0.5, device=device)
    images = Images(pixels, labels, mean, std, [str(label) for label in range(10)])
    split = {"training": torch.arange(COUNT), "validation": torch.arange(0)}
    training = loop.Training(images, split, {"kind": "cross_entropy"}, {"kind": "uniform"}, RECIPE, 0, precision)
    if kind == "ours, eager":
        training.take_step = training._step
    return training


def our_way(device: torch.device, precision: str, kind: str) -> Callable[[int], None]:
    """Steps of hardpair's training."""
    training, taken = our_training(device, precision, kind), 0

    def advance(steps: int) -> None:
        nonlocal taken
        with training.stream():
            for _ in range(steps):
                if taken % (COUNT // BATCH) == 0:
                    training.draw_epoch()
                training.take_step(BATCH)
                taken += 1

    return advance


def multiplication(device: torch.device, precision: str) -> Callable[[int], None]:
    """Products of two square matrices, the most that the machine computes at this precision."""
    side = matrix_side(device)
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))

    def advance(steps: int) -> None:
        for _ in range(steps):
            torch.mm(a, b)

    return advance


def matrix_side(device: torch.device) -> int:
    return 8192 if device.type == "cuda" else 2048


def work(way: Way, gpus: int, channel) -> None:
    """A process that takes its turns: told a number of steps, it answers with the seconds they took and its peak memory in MB."""
    device = choose_device(gpus)
    torch.set_num_threads(way.threads)
    if way.kind == "multiplication":
        advance = multiplication(device, way.precision)
    elif way.kind.startswith("ours"):
        if way.kind != "ours, memory given back":
            configure(device, way.threads, deterministic=False)
        advance = our_way(device, way.precision, way.kind)
    else:
        import plain  # with PyTorch's defaults

        pixels, labels = made_images()
        loader = way.kind == "loader"
        advance = plain.loader_way(pixels, labels, device, os.cpu_count()) if loader else plain.tensor_way(pixels, labels, device)
    while steps := channel.recv():
        started = time.perf_counter()
        advance(steps)
        if device.type == "cuda":
            torch.cuda.synchronize()
        channel.send((time.perf_counter() - started, memory()))


def memory() -> float:
    """Peak memory of this process with what its children hold for themselves, in MB."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return own + sum(child.memory_full_info().uss for child in psutil.Process().children(recursive=True)) / 2**20


class Worker:
    """The process of a way."""

    def __init__(self, way: Way, gpus: int, seconds: float) -> None:
        self.way = way
        self.channel, far = multiprocessing.get_context("spawn").Pipe()
        multiprocessing.get_context("spawn").Process(target=work, args=(way, gpus, far)).start()
        self.turn(8)  # warm-up, and what a DataLoader has prepared ahead
        self.steps = max(round(seconds / (self.turn(4)[0] / 4)), 4)

    def turn(self, steps: int | None = None) -> tuple[float, float]:
        """Seconds of so many steps, and peak memory."""
        self.begin(steps)
        return self.channel.recv()

    def begin(self, steps: int | None = None) -> None:
        self.channel.send(steps or self.steps)

    def end(self) -> None:
        self.channel.send(0)


def chosen_ways(device: torch.device, threads: int) -> list[Way]:
    """What to compare on this device; bf16 where it is computed in hardware."""
    kinds = ["ours, eager", "ours"] if device.type == "cuda" else ["ours, memory given back", "ours"]
    precisions = ["fp32", "bf16"] if choose_precision("auto", device) == "bf16" else ["fp32"]
    plain = [Way("plain: DataLoader of PIL images", "loader", threads=threads), Way("plain: tensors", "tensors", threads=threads)]
    names = {"ours": "ours, captured"} if device.type == "cuda" else {}
    ours = [Way(f"{names.get(kind, kind)}, {precision}", kind, precision, threads) for precision in precisions for kind in kinds]
    return plain + ours + [Way(f"matrix multiplication, {precision}", "multiplication", precision, threads) for precision in precisions]


def operations() -> int:
    """Floating-point operations of one image in training, forward and backward, as PyTorch counts them."""
    from torch.utils.flop_counter import FlopCounterMode

    network = model.build(10, 32, 0.5, seed=0)
    with FlopCounterMode(display=False) as counter:
        network(torch.randn(BATCH, 3, 32, 32)).sum().backward()
    return counter.get_total_flops() // BATCH


def measure_training(device: torch.device, gpus: int, threads: int, repeats: int, seconds: float) -> list[dict]:
    """A row for each way."""
    workers = [Worker(way, gpus, seconds) for way in chosen_ways(device, threads)]
    together = [Worker(Way("", "ours", choose_precision("auto", device)), gpus, seconds) for _ in range(max(threads, 2))]
    rates, peaks = {worker: [] for worker in workers}, {}
    shared = []
    for _ in range(repeats):
        for worker in workers:
            took, peaks[worker] = worker.turn()
            rates[worker].append(worker.steps / took)
        for worker in together:
            worker.begin(together[0].steps)
        shared.append(sum(together[0].steps / worker.channel.recv()[0] for worker in together))
    for worker in (*workers, *together):
        worker.end()

    per_image, side = operations(), matrix_side(device)
    limit = {w.way.precision: statistics.median(rates[w]) * 2 * side**3 for w in workers if w.way.kind == "multiplication"}
    rows = []
    listed = [(worker.way, rates[worker], peaks[worker]) for worker in workers if worker.way.kind != "multiplication"]
    listed.append((Way(f"ours, {len(together)} jobs of one thread side by side", "", together[0].way.precision), shared, None))
    for way, each, peak in listed:
        images = [rate * BATCH for rate in each]
        flops = statistics.median(images) * per_image
        rows.append(
            {
                "way": way.name,
                "images_per_second": statistics.median(images),
                "lowest": min(images),
                "highest": max(images),
                "ms_per_step": 1e3 / statistics.median(each),
                "of_loader": ratio(each, rates[workers[0]]),
                "of_tensors": ratio(each, rates[workers[1]]),
                "tflops": flops / 1e12,
                "share_of_multiplication": flops / limit[way.precision],
                "peak_memory_mb": peak,
            }
        )
    return rows + [{"way": f"matrix multiplication, {precision}", "tflops": rate / 1e12} for precision, rate in limit.items()]


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
    training.course.best = loop.weights_of(training.network)
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
    cli.add_argument("--json", type=Path, help="file that gets the same as JSON")
    options = cli.parse_args()
    device = choose_device(options.gpus)
    packages = {name: metadata.version(name) for name in ("torch", "torchvision", "numpy")}
    machine = {"device": device_name(device), "cores": os.cpu_count(), "threads": options.threads}
    machine |= {"python": platform.python_version()} | packages
    told = ", ".join(f"{name} {value}" for name, value in machine.items())
    print(f"{told}; batch {BATCH}, {options.repeats} turns of {options.seconds:g} s\n")
    training = measure_training(device, options.gpus, options.threads, options.repeats, options.seconds)
    print(training_table(training), flush=True)
    rest = measure_rest(device, options.threads, options.repeats)
    print(f"\n{rest_table(rest)}")
    if options.json:
        everything = {"machine": machine, "repeats": options.repeats, "training": training, "rest": rest}
        options.json.write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
