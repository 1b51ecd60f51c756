"""What a run tells while it trains; ``logs`` reads it."""

import csv
import os
import platform
import re
import sys
from contextlib import suppress
from pathlib import Path

from hardpair.files.paths import RUN_NAME

AFFECTS_RESULTS = False


class Progress:
    """Tells each finished epoch: a row of a CSV, a line of the log and, on a terminal, a bar. The log begins with what is trained where."""

    def __init__(self, path: Path | None, columns: tuple[str, ...], epochs: int, images: int) -> None:
        self.path, self.epochs, self.images, self.columns = path, epochs, images, columns
        self.finished: list[tuple[dict, float]] = []

    def __enter__(self) -> "Progress":
        from tqdm import tqdm

        self.bar = tqdm(total=self.epochs, unit="epoch", disable=not sys.stderr.isatty(), leave=False)
        self.file = None
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = open(self.path, "w", newline="", encoding="utf-8")
            self.rows = csv.DictWriter(self.file, (*self.columns, "seconds", "images_per_second"), lineterminator="\n")
            self.rows.writeheader()
            self._flush()
        self._say(f"{_run(self.path)}{_epochs(self.epochs)} of {self.images:,} images on {_place()}")
        return self

    def __call__(self, record: dict, seconds: float) -> None:
        rate = self.images / seconds
        if self.file:
            self.rows.writerow(record | {"seconds": round(seconds, 3), "images_per_second": round(rate, 1)})
            self._flush()
        self._say(self._line(record, seconds, rate))
        self.bar.update()
        self.finished.append((record, seconds))

    def _say(self, line: str) -> None:
        self.bar.write(line, file=sys.stderr)
        sys.stderr.flush()

    def _flush(self) -> None:
        """Put what was told on the disk, or say which file it is that has no room."""
        try:
            self.file.flush()
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def _line(self, record: dict, seconds: float, rate: float) -> str:
        parts = [
            f"epoch {record['epoch']:>{len(str(self.epochs))}}/{self.epochs}",
            f"lr {record['learning_rate']:<9.4g}",
            f"loss {record['train_loss']:.4f}",
            f"train {record['train_accuracy']:6.2%}",
        ]
        if "validation_accuracy" in record:
            parts += [f"validation {record['validation_accuracy']:6.2%}"]
        parts += [f"{rate:>7,.0f} images/s", f"{_clock(seconds * (self.epochs - record['epoch']))} left"]
        return "  ".join(parts + ([f"most confused {record['confused']} {record['confused_rate']:.2%}"] if "confused" in record else []))

    def __exit__(self, failed: type[BaseException] | None, *_) -> None:
        if self.finished and not failed:
            self._say(self._end())
        self.bar.close()
        if self.file:
            with suppress(OSError):  # raised already where it first occurred
                self.file.close()

    def _end(self) -> str:
        seconds = sum(seconds for _, seconds in self.finished)
        line = f"trained: {_epochs(len(self.finished))} in {_clock(seconds)}, {len(self.finished) * self.images / seconds:,.0f} images/s"
        if "validation_accuracy" not in self.finished[0][0]:
            return line
        best = max((record for record, _ in self.finished), key=lambda record: record["validation_accuracy"])
        return f"{line}; highest validation accuracy {best['validation_accuracy']:.2%}, after epoch {best['epoch']}"


def _run(path: Path | None) -> str:
    """``dfl, seed 3: ``, as the workflow names the file of a run's progress; nothing for another name."""
    seed = path and re.fullmatch(RUN_NAME.format(variant=".*", seed=r"(\d+)"), f"{path.parent.name}/{path.stem}")
    return f"{path.parent.name}, seed {seed[1]}: " if seed else ""


def _epochs(number: int) -> str:
    return f"{number} epoch{'' if number == 1 else 's'}"


def _place() -> str:
    """What this process computes on."""
    import torch

    from hardpair.device import device_name

    gpu = torch.cuda.is_initialized()
    name = device_name(torch.device("cuda" if gpu else "cpu"))
    threads = "" if gpu else f", {torch.get_num_threads()} thread{'' if torch.get_num_threads() == 1 else 's'}"
    return f"{name}{threads} (host {platform.node()}, process {os.getpid()})"


def _clock(seconds: float) -> str:
    """``01:02:03``; hours go on counting after a day."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
