"""Write a study's progress as TensorBoard event files. Imports neither torch nor TensorFlow."""

import csv
import shutil
import time
from pathlib import Path

from hardpair.errors import UserError, say
from hardpair.files import paths
from hardpair.files.readers import contents_of, read_with

INTERVAL = 5  # seconds between two readings of the files
TAGS = {
    "train_loss": "loss/train",
    "validation_loss": "loss/validation",
    "train_accuracy": "accuracy/train",
    "validation_accuracy": "accuracy/validation",
    "learning_rate": "recipe/learning_rate",
    "images_per_second": "speed/images_per_second",
}


def write_events(folder: Path, follow: bool = False) -> None:
    """Write the events of a study's runs and print how many; with ``follow``, add new ones until Ctrl-C.

    Raises:
        UserError: the study has no progress of any run.
    """
    events = Events(folder)
    rows = events.write()
    while follow:
        time.sleep(INTERVAL)
        events.write()
    if not rows:
        raise UserError(f"{folder} has no progress of a run: train one first, or use --follow")
    say(f"{rows} rows of {len(events.runs)} runs written: tensorboard --logdir {folder / paths.EVENTS}")


class Events:
    """Events of all runs of the study in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs: dict[Path, tuple] = {}  # writer, and how many epochs and refreshes are written

    def write(self) -> int:
        """Write the rows that are new since the last call, and return how many they are."""
        return sum(self._write_run(path) for path in paths.every(self.folder, paths.PROGRESS))

    def _write_run(self, path: Path) -> int:
        name, epochs, ended = Path(path.parent.name, path.stem), _rows(path), path.stat().st_mtime
        of_weights = self.folder / paths.RUNS / name / "refreshes.csv"
        with contents_of(of_weights):
            refreshes = [row for row in _rows(of_weights) if row["applied"] == "1"]
        if name in self.runs and len(epochs) < self.runs[name][1]:  # it was restarted
            self.runs.pop(name)[0].close()
        writer, old_epochs, old_refreshes = self.runs.get(name, (None, 0, 0))
        new, events = epochs[old_epochs:], []
        with contents_of(path):
            for place, row in enumerate(new):
                left = sum(float(later["seconds"]) for later in new[place + 1 :])
                values = {tag: row[column] for column, tag in TAGS.items() if column in row}
                if row.get("confused"):
                    values[f"confusion/{row['confused']}"] = row["confused_rate"]
                events.append(_event(ended - left, int(row["epoch"]), values))
        with contents_of(of_weights):
            for row in refreshes[old_refreshes:]:
                values = {f"weights/{key}": row[key] for key in row if key not in ("epoch", "applied")}
                events.append(_event(ended, int(row["epoch"]), values))
        writer = writer or _writer(self.folder / paths.EVENTS / name)
        for event in events:
            writer.add_event(event)
        writer.flush()
        self.runs[name] = writer, len(epochs), len(refreshes)
        return len(new) + len(refreshes) - old_refreshes


def _rows(path: Path) -> list[dict[str, str]]:
    """Complete rows of a CSV that may be being written; none if it is missing.

    Raises:
        UserError: it cannot be read.
    """

    def complete(path: Path) -> list[dict[str, str]]:
        with open(path, newline="", encoding="utf-8") as file:
            return [row for row in csv.DictReader(file) if None not in row.values()]

    try:
        return read_with(path, complete)
    except UserError:
        if path.exists():
            raise
        return []


def _writer(folder: Path):
    """A writer of events to a folder, which is emptied first."""
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    shutil.rmtree(folder, ignore_errors=True)
    return EventFileWriter(str(folder))


def _event(seconds: float, step: int, values: dict[str, str]):
    """The values that are not empty at a step and a time in seconds since 1970."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    scalars = [Summary.Value(tag=tag, simple_value=float(value)) for tag, value in values.items() if value != ""]
    return Event(wall_time=seconds, step=step, summary=Summary(value=scalars))
