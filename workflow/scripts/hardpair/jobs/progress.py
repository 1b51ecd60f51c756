"""Report a run's progress while it trains, in a CSV and the log that ``logs`` reads."""

import csv
import os
import platform
import re
import sys
from contextlib import suppress
from pathlib import Path

from hardpair.errors import harmless
from hardpair.files.csv_text import inert
from hardpair.files.paths import RUN_NAME
from hardpair.measures.metric_names import percent
from hardpair.wording import counted

AFFECTS_RESULTS = False


class Progress:
    """Reports each finished epoch: a row of a CSV, a line of the log and, on a terminal, a bar. The log begins with the run and device."""

    def __init__(self, path: Path | None, columns: tuple[str, ...], epochs: int, images: int) -> None:
        self.path, self.epochs, self.images, self.columns = path, epochs, images, columns
        self.finished: list[tuple[dict, float]] = []  # record and seconds of each finished epoch

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
        self._log(f"{_run(self.path)}{counted(self.epochs, 'epoch')} of {self.images:,} images on {_place()}")
        return self

    def __call__(self, record: dict, seconds: float) -> None:
        rate = self.images / seconds
        if self.file:
            row = record | {"seconds": round(seconds, 3), "images_per_second": round(rate, 1)}
            self.rows.writerow({key: inert(value) for key, value in row.items()})
            self._flush()
        self._log(self._line(record, seconds, rate))
        self.bar.update()
        self.finished.append((record, seconds))

    def _log(self, line: str) -> None:
        self.bar.write(harmless(line), file=sys.stderr)
        sys.stderr.flush()

    def _flush(self) -> None:
        """Write the rows to disk; an error names the file, which the system's own does not."""
        try:
            self.file.flush()
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def _line(self, record: dict, seconds: float, rate: float) -> str:
        parts = [
            f"epoch {record['epoch']:>{len(str(self.epochs))}}/{self.epochs}",
            f"lr {record['learning_rate']:<9.4g}",
            f"loss {record['train_loss']:.4f}",
            f"train {percent(record['train_accuracy']):>5}%",
        ]
        if "validation_accuracy" in record:
            parts += [f"validation {percent(record['validation_accuracy']):>5}%"]
        parts += [f"{rate:>7,.0f} images/s", f"{_clock(seconds * (self.epochs - record['epoch']))} left"]
        if "confused" in record:
            parts.append(f"most confused {record['confused']} {percent(record['confused_rate'])}%")
        return "  ".join(parts)

    def __exit__(self, failed: type[BaseException] | None, *_) -> None:
        if self.finished and not failed:
            self._log(self._end())
        self.bar.close()
        if self.file:
            with suppress(OSError):  # which the last write has raised already
                self.file.close()

    def _end(self) -> str:
        records, times = zip(*self.finished, strict=True)
        rate = len(records) * self.images / sum(times)
        line = f"trained: {counted(len(records), 'epoch')} in {_clock(sum(times))}, {rate:,.0f} images/s"
        if "validation_accuracy" not in records[0]:
            return line
        best = max(records, key=lambda record: record["validation_accuracy"])
        return f"{line}; highest validation accuracy {percent(best['validation_accuracy'])}%, after epoch {best['epoch']}"


def _run(path: Path | None) -> str:
    """``dfl, seed 3: `` from the path of a run's progress; empty for another path."""
    seed = path and re.fullmatch(RUN_NAME.format(variant=".*", seed=r"(\d+)"), f"{path.parent.name}/{path.stem}")
    return f"{path.parent.name}, seed {seed[1]}: " if seed else ""


def _place() -> str:
    """The device, host and process that compute."""
    import torch

    from hardpair.device_in_words import device_name

    gpu = torch.cuda.is_initialized()
    name = device_name(torch.device("cuda" if gpu else "cpu"))
    threads = "" if gpu else f", {counted(torch.get_num_threads(), 'thread')}"
    return f"{name}{threads} (host {platform.node()}, process {os.getpid()})"


def _clock(seconds: float) -> str:
    """``01:02:03``; days are counted as hours."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
