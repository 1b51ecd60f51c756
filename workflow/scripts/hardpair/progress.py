"""What a run tells while it trains."""

import csv
import sys
from contextlib import suppress
from pathlib import Path


class Progress:
    """Tells each finished epoch: a row of a CSV, a line of the log and, on a terminal, a bar."""

    def __init__(self, path: Path | None, columns: tuple[str, ...], epochs: int, images: int) -> None:
        self.path, self.epochs, self.images, self.columns = path, epochs, images, columns

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
        return self

    def __call__(self, record: dict, seconds: float) -> None:
        rate = self.images / seconds
        if self.file:
            self.rows.writerow(record | {"seconds": round(seconds, 3), "images_per_second": round(rate, 1)})
            self._flush()
        self.bar.write(self._line(record, seconds, rate), file=sys.stderr)
        sys.stderr.flush()
        self.bar.update()

    def _flush(self) -> None:
        """Put what was told on the disk, or say which file it is that has no room."""
        try:
            self.file.flush()
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def _line(self, record: dict, seconds: float, rate: float) -> str:
        parts = [
            f"epoch {record['epoch']:>{len(str(self.epochs))}}/{self.epochs}",
            f"lr {record['learning_rate']:g}",
            f"loss {record['train_loss']:.4f}",
            f"train {record['train_accuracy']:6.2%}",
        ]
        if "validation_accuracy" in record:
            parts += [f"validation {record['validation_accuracy']:6.2%}", f"{record['confused']} {record['confused_rate']:6.2%}"]
        return "  ".join([*parts, f"{rate:.0f} images/s", f"{_clock(seconds * (self.epochs - record['epoch']))} left"])

    def __exit__(self, *_) -> None:
        self.bar.close()
        if self.file:
            with suppress(OSError):  # which was told when it was met
                self.file.close()


def _clock(seconds: float) -> str:
    """``01:02:03``; hours go on counting after a day."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
