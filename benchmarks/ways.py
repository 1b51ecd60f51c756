"""The ways to train that benchmarks/training.py compares, each in a process of its own."""

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

import numpy as np
import psutil
import torch

from hardpair.device import choose_device, configure
from hardpair.training import loop, model
from hardpair.training.images import Images
from hardpair.training.recipe import Recipe, RunSettings

SCRIPTS = Path(__file__).parents[1] / "workflow" / "scripts"
BATCH, COUNT = 128, 128 * 50  # images a step and in all
PRECISIONS = ("fp32", "bf16")
RECIPE = Recipe(50, BATCH, 0.01, 0.9, 5e-4, (0.5, 0.8), 0.1, 0.5, 5)


@dataclass(frozen=True)
class Way:
    """A way to train: its name in the table, what makes it, precision, CPU threads, and the network: cnn, resnet18 or torchvision's."""

    name: str
    kind: str
    precision: str = "fp32"
    threads: int = 1
    network: str = "cnn"


def made_images() -> tuple[np.ndarray, np.ndarray]:
    """Random uint8 (COUNT, 3, 32, 32) and int64 (COUNT,)."""
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (COUNT, 3, 32, 32), dtype=np.uint8), draw.integers(0, 10, COUNT)


def our_training(device: torch.device, precision: str, kind: str = "ours", network: str = "cnn") -> loop.Training:
    """A training of hardpair's, ready for its first step."""
    pixels, labels = (torch.from_numpy(part).to(device) for part in made_images())
    mean = std = torch.full((3,), 0.5, device=device)
    images = Images(pixels, labels, mean, std, [str(label) for label in range(10)])
    split = {"training": torch.arange(COUNT), "validation": torch.arange(0)}
    chosen = {"kind": network} if network in ("cnn", "resnet18") else {"kind": "torchvision", "name": network}
    settings = RunSettings({"kind": "cross_entropy"}, {"kind": "uniform"}, RECIPE, precision, network=chosen)
    training = loop.Training(images, split, settings, 0)
    if kind == "ours, eager":
        training.take_step = training.eager_step
    return training


def our_way(device: torch.device, precision: str, kind: str, network: str = "cnn") -> Callable[[int], None]:
    """Steps of hardpair's training."""
    training, count = our_training(device, precision, kind, network), 0

    def advance(steps: int) -> None:
        nonlocal count
        with training.stream():
            for _ in range(steps):
                if count % (COUNT // BATCH) == 0:
                    training.draw_epoch()
                training.take_step(BATCH)
                count += 1

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
    """A process that takes its turns: given a number of steps, it answers with the seconds they took and its peak memory in MB."""
    device = choose_device(gpus)
    torch.set_num_threads(way.threads)
    if way.kind == "multiplication":
        advance = multiplication(device, way.precision)
    elif way.kind.startswith("ours"):
        if way.kind != "ours, memory given back":
            configure(device, way.threads, deterministic=False)
        advance = our_way(device, way.precision, way.kind, way.network)
    else:
        import plain  # with PyTorch's defaults

        pixels, labels = made_images()
        if way.kind == "loader":
            advance = plain.loader_way(pixels, labels, device, os.cpu_count())
        else:
            advance = plain.tensor_way(pixels, labels, device, way.network)
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
        far.close()  # so that the end of the process is noticed
        few = 4 if way.network == "cnn" else 1  # others take seconds a step on a CPU
        self.turn(2 * few)  # warm-up, and what a DataLoader has prepared ahead
        self.steps = max(round(seconds / (self.turn(few)[0] / few)), few)

    def turn(self, steps: int | None = None) -> tuple[float, float]:
        """Seconds of so many steps, and peak memory."""
        self.begin(steps)
        try:
            return self.channel.recv()
        except EOFError:
            for process in multiprocessing.active_children():
                process.terminate()  # else they wait for their next turn
            sys.exit(f"{self.way.name} ended with an error: see above")

    def begin(self, steps: int | None = None) -> None:
        self.channel.send(steps or self.steps)

    def end(self) -> None:
        self.channel.send(0)


def chosen_ways(device: torch.device, threads: int) -> list[Way]:
    """What to compare on this device."""
    kinds = ["ours, eager", "ours"] if device.type == "cuda" else ["ours, memory given back", "ours"]
    plain = [Way("plain: DataLoader of PIL images", "loader", threads=threads), Way("plain: tensors", "tensors", threads=threads)]
    names = {"ours": "ours, captured"} if device.type == "cuda" else {}
    ours = [Way(f"{names.get(kind, kind)}, {precision}", kind, precision, threads) for precision in PRECISIONS for kind in kinds]
    return plain + ours + [Way(f"matrix multiplication, {precision}", "multiplication", precision, threads) for precision in PRECISIONS]


def operations() -> int:
    """Floating-point operations of one image in training, forward and backward, as PyTorch counts them."""
    from torch.utils.flop_counter import FlopCounterMode

    network = model.build(10, 32, 0.5, seed=0)
    with FlopCounterMode(display=False) as counter:
        network(torch.randn(BATCH, 3, 32, 32)).sum().backward()
    return counter.get_total_flops() // BATCH
