"""The process of trainer.py, for tests that disturb runs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECIPE = {"epochs": 3, "batch_size": 64, "learning_rate": 0.02, "refresh_every": 2}
FILES = ["best.safetensors", "epochs.csv", "history.npz", "last.safetensors", "refreshes.csv"]  # and run.json, which holds times


class Trainer:
    """The process of trainer.py."""

    def __init__(self, data: Path) -> None:
        self.data = data
        command = [sys.executable, ROOT / "tests" / "helpers" / "forked_trainer.py"]
        scripts = str(ROOT / "workflow" / "scripts")
        self.process = subprocess.Popen(
            command, env={"PYTHONPATH": scripts, "PATH": "/usr/bin:/bin"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline() == "ready\n"

    @classmethod
    @contextmanager
    def started(cls, data: Path) -> Iterator["Trainer"]:
        """A process that trains on these data until the block ends."""
        trainer = cls(data)
        yield trainer
        trainer.process.stdin.close()
        assert trainer.process.wait() == 0

    def train(self, folder: Path, checkpointed=True, recipe=RECIPE, log: Path | None = None, **disturbance) -> int:
        """Exit code of a run into a folder, its checkpoint, progress and, if not elsewhere, log beside it."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        settings = {"loss": {"kind": "focal", "scale": "dynamic"}, "sampler": {"kind": "focal"}, "precision": "fp32"}
        options = {"data": self.data, "split": self.data / "split.json", "settings": json.dumps(settings), "recipe": json.dumps(recipe)}
        options |= {"gpus": 0, "output-dir": folder, "progress": folder.parent / "progress.csv"}
        if checkpointed:
            options |= {"checkpoint": folder.parent / "c.safetensors", "checkpoint-seconds": 0}
        arguments = [f"--{name}={value}" for name, value in options.items()]
        order = {"arguments": arguments, "log": str(log or folder.parent / "log")} | disturbance
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())
