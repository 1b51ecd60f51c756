"""Where prepared images, studies and each file of a study lie; files as paths below the study's folder. The rules repeat those;
tests/files/test_paths.py compares both.

In braces are the parts that vary, for ``str.format``; ``every`` finds all files of such a path.
"""

import re
from collections.abc import Iterator
from pathlib import Path

AFFECTS_RESULTS = False
RESULTS = Path("results")  # holds the folder of each study
IMAGES = Path("resources")  # holds the prepared images of each name of data
RUNS, SEARCH, FIGURES, LOGS, EVENTS = "runs", "search", "figures", "logs", "events"

STARTED = "started.json"  # the overlays and changes that the study was started with last
STUDY_LOCK = "checkpoints/.lock"  # held by the command that is at work on the study
SPLIT, PAIRS = "split.json", "pairs.json"
RUNS_TABLE, COMPARISON, REPORT = "runs.csv", "comparison.md", "report.html"
RESULT = {"figure": f"{FIGURES}/final.png", "table": COMPARISON, "report": REPORT}  # what a study comes to

RECIPE, TRIALS = f"{SEARCH}/recipe.yaml", f"{SEARCH}/trials.csv"
PROPOSALS = f"{SEARCH}/round{{round}}.json"
TRIAL_NAME = "round{round}/trial{trial}.json"
TRIAL = f"{SEARCH}/{TRIAL_NAME}"
TRIAL_LOG = f"{LOGS}/run_trial/trial{{trial}}.round{{round}}.log"
TRIAL_CHECKPOINT = "checkpoints/search/trial{trial}.safetensors"

RUN_NAME = "{variant}/seed{seed}"
RUN = f"{RUNS}/{RUN_NAME}"
RUN_RECORD = f"{RUN}/run.json"
JOB_LOG = f"{LOGS}/{{rule}}/{{job}}.log"
RUN_LOG = f"{LOGS}/{{rule}}/{{variant}}.seed{{seed}}.log"
PROGRESS = f"progress/{RUN_NAME}.csv"
CHECKPOINT = f"checkpoints/{RUN_NAME}.safetensors"
LOCK = "checkpoints/{part}/.{name}.lock"  # of the checkpoint of that name

OF_RUNS = (
    RUN,
    r"(?:progress|checkpoints)/{variant}/\.?(?:partial-[\w.]+-)?seed{seed}\.(?:csv|lock|safetensors(?:\.damaged)?)",
    rf"{LOGS}/(?:train|evaluate)/{{variant}}\.seed{{seed}}\.log",
)


def every(folder: Path, path: str) -> list[Path]:
    """All files of a path with parts that vary, in a study's folder."""
    return sorted(folder.glob(re.sub(r"{\w+}", "*", path)))


def trials(rounds: int, batch: int) -> list[str]:
    """The results of all trials of the first rounds below the folder of the search, in order of trial number."""
    return [TRIAL_NAME.format(round=trial // batch, trial=trial) for trial in range(rounds * batch)]


def lock_of(checkpoint: Path) -> Path:
    """The lock that a job holds while it works on the run or trial of a checkpoint."""
    return checkpoint.with_name(f".{checkpoint.stem}.lock")


def of_runs(folder: Path) -> Iterator[tuple[str, int, Path]]:
    """(variant, seed, path) of each file and folder in a study's folder that belongs to one run; files that the user added do not count."""
    names = {"variant": r"(?P<variant>[A-Za-z0-9][\w.-]*)", "seed": r"(?P<seed>\d+)"}
    patterns = [re.compile(text.format(**names), re.ASCII) for text in OF_RUNS]
    for path in sorted(folder.glob("*/*/*")):
        for match in filter(None, (pattern.fullmatch(path.relative_to(folder).as_posix()) for pattern in patterns)):
            yield match["variant"], int(match["seed"]), path
