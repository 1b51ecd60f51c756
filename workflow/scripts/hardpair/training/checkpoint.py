"""The state of a training on disk, from which a killed run continues to bit-identical results."""

import copy
import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from hardpair.errors import say
from hardpair.files.atomic import atomic_write, remove_partial
from hardpair.jobs.stopping import Stop
from hardpair.training.history import History
from hardpair.training.loop import Training
from hardpair.training.random_streams import python_states, restore_python

SAVED = [name for name in History.__dataclass_fields__ if name not in ("last", "best")]


def state_of(training: Training) -> tuple[dict[str, torch.Tensor], dict]:
    """All that decides how a training continues: tensors, on the CPU in plain layout, and values that JSON holds exactly."""
    tensors = {
        "order": training.order.get_state(),
        "augmentation": training.augmentation.get_state(),
        "random": torch.get_rng_state(),
    }
    if training.device.type == "cuda":
        tensors["random_cuda"] = torch.cuda.get_rng_state(training.device)
    for name, part in _parts(training).items():
        tensors |= {f"{name}.{key}": value for key, value in part.items()}
    tensors |= {f"best.{key}": value for key, value in (training.history.best or {}).items()}
    history = {name: copy.copy(getattr(training.history, name)) for name in SAVED}
    history |= {name: [counts.tolist() for counts in history[name]] for name in ("confusions", "histograms")}
    history["shares"] = {part: [shares.tolist() for shares in rows] for part, rows in history["shares"].items()}
    values = {"step": training.steps_done, "elapsed": training.elapsed, "history": history, "random": python_states()}
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}, values


def restore(training: Training, tensors: dict[str, torch.Tensor], values: dict) -> None:
    """Put a training, new and of the same settings, into a saved state."""
    history = values["history"]
    if values["step"]:  # for what a plugin keeps outside of its buffers; these, and what it draws, are put back below
        training.loss.begin_epoch(len(history["epochs"]) / training.recipe.epochs)
    for name, part in _parts(training).items():
        for key, value in part.items():
            value.copy_(tensors[f"{name}.{key}"])
    training.order.set_state(tensors["order"])
    training.augmentation.set_state(tensors["augmentation"])
    torch.set_rng_state(tensors["random"])
    restore_python(values["random"])
    if training.device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random_cuda"], training.device)
    best = {name.removeprefix("best."): value for name, value in tensors.items() if name.startswith("best.")}
    history |= {name: [np.array(counts) for counts in history[name]] for name in ("confusions", "histograms")}
    history["shares"] = {part: [np.array(shares) for shares in rows] for part, rows in history["shares"].items()}
    training.history = History(**history, best=best or None)
    training.steps_done, training.started = values["step"], time.perf_counter() - values["elapsed"]


def _parts(training: Training) -> dict[str, dict[str, torch.Tensor]]:
    """The tensors that training changes in place."""
    return {
        "network": training.network.state_dict(),
        "optimiser": training.optimiser.state(),
        "loss": training.loss.state_dict(),
        "sampler": training.sampler.state_dict(),
        "batches": training.batches.state(),
    }


def save(path: Path, key: str, tensors: dict[str, torch.Tensor], values: dict) -> None:
    """Write a state, whole or not at all; ``key`` names what it is a state of."""
    text = json.dumps(values)
    with atomic_write(path) as temporary:
        save_file(tensors, temporary, {"key": key, "values": text, "digest": _digest(key, text, tensors)})


def load(path: Path, key: str) -> tuple[dict[str, torch.Tensor], dict] | None:
    """A saved state of ``key``, or None where there is none.

    A state of something else or a damaged one is ignored, with a line on stderr; the next one replaces it.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dict
        intact = metadata.get("digest") == _digest(metadata.get("key", ""), metadata.get("values", ""), tensors)
    except (SafetensorError, TypeError, ValueError):
        intact = False
    if not intact:
        say(f"{path} is damaged: ignored; starting from the beginning", file=sys.stderr)
        return None
    if metadata["key"] != key:
        say(f"{path} is of other settings, code or machine: ignored; starting from the beginning", file=sys.stderr)
        return None
    return tensors, json.loads(metadata["values"])


def _digest(key: str, values: str, tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.blake2b(f"{key}\n{values}\n".encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}\n".encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


class Checkpointer:
    """Saves a training every so often and when the job is to stop.

    Args:
        path: of the checkpoint.
        key: what the training is; a checkpoint of another key is not resumed.
        seconds: between two checkpoints, at least.
        stop: whether the job is to stop.
    """

    def __init__(self, path: Path, key: str, seconds: float, stop: Stop) -> None:
        self.path, self.key, self.seconds, self.stop = path, key, seconds, stop
        self.saved = time.monotonic()

    def resume(self, training: Training) -> None:
        """Put a new training into the saved state, if there is one."""
        remove_partial(self.path)
        if (state := load(self.path, self.key)) is not None:
            restore(training, *state)
            say(f"resumed from {self.path}, {_place(training)}", file=sys.stderr)

    def after_step(self, training: Training) -> None:
        """Save the state if it is time.

        Raises:
            Stopped: the job is to stop; the state is saved.
        """
        if not self.stop.requested and time.monotonic() - self.saved < self.seconds:
            return
        save(self.path, self.key, *state_of(training))
        self.saved = time.monotonic()
        if self.stop.requested:
            self.stop.now(f"saved {self.path}, {_place(training)}: run the same command to continue")


def _place(training: Training) -> str:
    return f"epoch {len(training.history.epochs) + 1} step {training.steps_done}"
