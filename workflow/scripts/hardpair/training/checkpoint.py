"""The state of a training on disk, from which a killed run goes on to the same bits."""

import copy
import hashlib
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from hardpair.files.atomic import remove_partial, written_whole
from hardpair.jobs.stopping import Stop
from hardpair.training.loop import Course, Training

TOLD = [name for name in Course.__dataclass_fields__ if name not in ("last", "best")]


def state_of(training: Training) -> tuple[dict[str, torch.Tensor], dict]:
    """All that decides how a training goes on: tensors, on the CPU in plain layout, and values that JSON holds exactly."""
    tensors = {
        "order": training.streams[0],
        "augmentation": training.streams[1],
        "random": torch.get_rng_state(),
        "losses": training.batches.losses,
        "correct": training.batches.correct,
    }
    if training.device.type == "cuda":
        tensors["random_cuda"] = torch.cuda.get_rng_state(training.device)
    for name, part in _parts(training).items():
        tensors |= {f"{name}.{key}": value for key, value in part.items()}
    tensors |= {f"best.{key}": value for key, value in (training.course.best or {}).items()}
    course = {name: copy.copy(getattr(training.course, name)) for name in TOLD}
    course |= {name: [counts.tolist() for counts in course[name]] for name in ("confusions", "histograms")}
    course["shares"] = {part: [shares.tolist() for shares in given] for part, given in course["shares"].items()}
    values = {"step": training.step, "elapsed": training.elapsed, "course": course}
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}, values


def restore(training: Training, tensors: dict[str, torch.Tensor], values: dict) -> None:
    """Put a training, new and of the same settings, into a saved state."""
    for name, part in _parts(training).items():
        for key, value in part.items():
            value.copy_(tensors[f"{name}.{key}"])
    training.streams = tensors["order"], tensors["augmentation"]
    torch.set_rng_state(tensors["random"])
    if training.device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random_cuda"], training.device)
    training.batches.losses.copy_(tensors["losses"])
    training.batches.correct.copy_(tensors["correct"])
    best = {name.removeprefix("best."): value for name, value in tensors.items() if name.startswith("best.")}
    told = values["course"]
    told |= {name: [np.array(counts) for counts in told[name]] for name in ("confusions", "histograms")}
    told["shares"] = {part: [np.array(shares) for shares in given] for part, given in told["shares"].items()}
    training.course = Course(**told, best=best or None)
    training.step, training.elapsed = values["step"], values["elapsed"]


def _parts(training: Training) -> dict[str, dict[str, torch.Tensor]]:
    """The tensors that training changes in place."""
    return {
        "network": training.network.state_dict(),
        "momentum": {str(index): buffer for index, buffer in enumerate(training.optimiser.buffers)},
        "loss": training.loss.state_dict(),
        "sampler": training.sampler.state_dict(),
    }


def save(path: Path, key: str, tensors: dict[str, torch.Tensor], values: dict) -> None:
    """Write a state, whole or not at all; ``key`` names what it is a state of."""
    text = json.dumps(values)
    with written_whole(path) as temporary:
        save_file(tensors, temporary, {"key": key, "values": text, "digest": _digest(key, text, tensors)})


def load(path: Path, key: str) -> tuple[dict[str, torch.Tensor], dict] | None:
    """A saved state of ``key``, or None where there is none.

    A state of something else is left, with a line on stderr; a damaged one is set aside as NAME.damaged, with a line too.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            told = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dict
        whole = told.get("digest") == _digest(told.get("key", ""), told.get("values", ""), tensors)
    except (SafetensorError, TypeError, ValueError):
        whole = False
    if not whole:
        aside = path.with_name(f"{path.name}.damaged")
        os.replace(path, aside)
        print(f"{path} is damaged: set aside as {aside.name}; starting from the beginning", file=sys.stderr)
        return None
    if told["key"] != key:
        print(f"{path} is of other settings, code or machine: ignored; starting from the beginning", file=sys.stderr)
        return None
    return tensors, json.loads(told["values"])


def _digest(key: str, values: str, tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.blake2b(f"{key}\n{values}\n".encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}\n".encode())
        digest.update(tensors[name].numpy().reshape(-1).view(np.uint8))
    return digest.hexdigest()


class Keeper:
    """Saves a training every so often and when the job is told to stop.

    Args:
        path: of the checkpoint.
        key: what the training is; a checkpoint of another key is not gone on from.
        seconds: between two checkpoints, at least.
        stop: whether the job was told to stop.
    """

    def __init__(self, path: Path, key: str, seconds: float, stop: Stop) -> None:
        self.path, self.key, self.seconds, self.stop = path, key, seconds, stop
        self.saved = time.monotonic()

    def resume(self, training: Training) -> None:
        """Put a new training into the saved state, if there is one."""
        remove_partial(self.path)
        if (state := load(self.path, self.key)) is not None:
            restore(training, *state)
            print(f"going on from {self.path}, {_place(training)}", file=sys.stderr)

    def on_pause(self, training: Training) -> None:
        """Save the state if it is time.

        Raises:
            Stopped: the job was told to stop; the state is saved.
        """
        if not self.stop.requested and time.monotonic() - self.saved < self.seconds:
            return
        save(self.path, self.key, *state_of(training))
        self.saved = time.monotonic()
        if self.stop.requested:
            self.stop.now(f"saved {self.path}, {_place(training)}: the same command goes on from there")


def _place(training: Training) -> str:
    return f"epoch {len(training.course.epochs) + 1} step {training.step}"
