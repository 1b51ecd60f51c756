"""What a run reports while it trains."""

import os
import platform
from pathlib import Path

import pytest

from hardpair.jobs.progress import Progress

COLUMNS = ("epoch", "learning_rate", "train_loss", "train_accuracy", "validation_accuracy", "confused", "confused_rate")


def record(epoch, validation=True):
    row = {"epoch": epoch, "learning_rate": 0.001, "train_loss": 1.23456, "train_accuracy": 0.5}
    return row | ({"validation_accuracy": 0.0912, "confused": "cat-dög", "confused_rate": 0.25} if validation else {})


def test_every_epoch_is_on_disk_as_soon_as_it_ends_and_stays_after_a_failure(tmp_path, capsys):
    path = tmp_path / "new" / "seed0.csv"

    def rows():
        return path.read_text(encoding="utf-8").splitlines()

    def interrupted():
        with Progress(path, COLUMNS, epochs=3, images=100) as progress:
            assert rows() == [f"{','.join(COLUMNS)},seconds,images_per_second"]
            progress(record(1), 2.0)
            assert rows()[1:] == ["1,0.001,1.23456,0.5,0.0912,cat-dög,0.25,2.0,50.0"]
            progress(record(2, validation=False), 1 / 3)
            assert rows()[2:] == ["2,0.001,1.23456,0.5,,,,0.333,300.0"]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(rows()) == 3
    assert len(capsys.readouterr().err.splitlines()) == 3, "its head and two epochs, no word of an end"


def test_class_names_from_elsewhere_are_neither_formulas_nor_controls(tmp_path, capsys):
    names = {"confused": "=cmd-\x1b[2J\ncat"}
    with Progress(tmp_path / "seed0.csv", COLUMNS, epochs=1, images=100) as progress:
        progress(record(1) | names, 2.0)
    [row] = (tmp_path / "seed0.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert row.split(",")[5] == r"'=cmd-\x1b[2J\ncat"
    _, line, _ = capsys.readouterr().err.splitlines()
    assert line.endswith(r"most confused =cmd-\x1b[2J\ncat 25.00%")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_reported_with_the_path_of_the_progress():
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"), Progress(Path("/dev/full"), COLUMNS, epochs=3, images=100):
        pass


@pytest.mark.parametrize(
    ("epoch", "seconds", "left"),
    [(1, 0.5, "00:00:50"), (1, 36.0, "00:59:24"), (1, 1000.0, "27:30:00"), (1, 4000.0, "110:00:00"), (100, 9.0, "00:00:00")],
)
def test_the_log_has_a_line_for_each_epoch_with_the_time_left(capsys, epoch, seconds, left):
    with Progress(None, COLUMNS, epochs=100, images=1000) as progress:
        progress(record(epoch), seconds)
    start = f"epoch {epoch:>3}/100  lr 0.001      loss 1.2346  train 50.00%  validation  9.12%  "
    rate = f"{1000 / seconds:,.0f}"
    assert capsys.readouterr().err.splitlines()[1] == f"{start}{rate:>7} images/s  {left} left  most confused cat-dög 25.00%"


def test_without_validation_the_log_leaves_it_out(capsys):
    with Progress(None, COLUMNS, epochs=9, images=10) as progress:
        progress(record(1, validation=False), 1.0)
    line, end = capsys.readouterr().err.splitlines()[1:]
    assert line == "epoch 1/9  lr 0.001      loss 1.2346  train 50.00%       10 images/s  00:00:08 left"
    assert end == "trained: 1 epoch in 00:00:01, 10 images/s"


def test_the_log_begins_with_the_run_and_where_it_trains_and_ends_with_its_best(tmp_path, capsys):
    with Progress(tmp_path / "dfl" / "seed3.csv", COLUMNS, epochs=3, images=45_000) as progress:
        for epoch, accuracy in ((1, 0.5), (2, 0.75), (3, 0.75)):
            progress(record(epoch) | {"validation_accuracy": accuracy}, 30.0)
    begin, *_, end = capsys.readouterr().err.splitlines()
    assert begin.startswith("dfl, seed 3: 3 epochs of 45,000 images on ")
    assert begin.endswith(f" (host {platform.node()}, process {os.getpid()})")
    assert end == "trained: 3 epochs in 00:01:30, 1,500 images/s; highest validation accuracy 75.00%, after epoch 2"
