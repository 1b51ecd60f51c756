"""The example of docs/watching.md is what `make status` prints of such a study."""

import io
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

from rich.console import Console

from hardpair.study.status import DONE, RUNNING, TO_DO, JobStatus, StudyStatus
from hardpair.study.status_view import WIDE, view
from workspace import PROJECT

RUNS = {  # of the example; the others have not begun
    ("dfl", 0): {"state": RUNNING, "epoch": 2, "accuracy": 0.8867, "rate": 160.0, "left": 18.0},
    ("ce_sampler", 0): {"state": DONE, "evaluated": True},
    ("dfl_sampler", 0): {"state": DONE},
    ("dfl_sampler", 1): {"state": RUNNING},
}
LEFT = {"train": 6, "evaluate": 7, "compare": 1, "plot_figure": 9, "assemble_figure": 1, "write_report": 1}


def test_the_example_is_what_is_printed():
    config = {"study": "demo", "recipe": {"epochs": 5}, "seeds": [0, 1]}
    config["variants"] = [{"name": name} for name in ("ce", "dfl", "ce_sampler", "dfl_sampler")]
    runs = [
        JobStatus(**{"name": "", "state": TO_DO, "log": Path("log"), "epochs": 5} | RUNS.get((name, seed), {}), variant=name, seed=seed)
        for name in ("ce", "dfl", "ce_sampler", "dfl_sampler")
        for seed in (0, 1)
    ]
    trials = [JobStatus(name="", state=DONE, log=Path("log"))] * 8
    due = [SimpleNamespace(rule=rule) for rule, number in LEFT.items() for _ in range(number)]
    status = StudyStatus(Path("results/demo"), config, runs, trials, due, [], [], working=True, locked=True, marked=[], seconds=180.0)
    console = Console(width=WIDE, file=io.StringIO(), highlight=False, soft_wrap=False)
    console.print(view(status, WIDE, now=datetime(2026, 3, 2, 7, 20)))
    printed = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())
    assert f"```\n{printed}\n```\n" in (PROJECT / "docs/watching.md").read_text(encoding="utf-8")
