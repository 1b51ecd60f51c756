"""Where prepared images, studies and each file of a study lie; files as paths below the study's folder. The rules repeat those;
tests/files/test_paths.py compares both.

In braces are the parts that vary, for ``str.format``; ``every`` finds all files of such a path.
"""

import re
from collections.abc import Iterator
from pathlib import Path

AFFECTS_RESULTS = False
SHIPPED = Path(__file__).parents[4]  # the workflow's own folder: a clone, or what pip installed
RESULTS = Path("results")  # holds the folder of each study
IMAGES = Path("resources")  # holds the prepared images of each name of data
PICTURES = "pictures.json"  # beside them: which pictures were prepared
SNAKEMAKE = Path(".snakemake")  # Snakemake's own folder where it works
RUNS, SEARCH, FIGURES, LOGS, EVENTS = "runs", "search", "figures", "logs", "events"

MADE = "made"  # its files say what those of each job were made of; runs and trials hold a fingerprint
STARTED = "started.json"  # the overlays and changes that the study was started with last
REGISTRATION = "registration.json"  # what the study declared, and when
STUDY_LOCK = "checkpoints/.lock"  # held by the command that is at work on the study
SPLIT, PAIRS = "split.json", "pairs.json"
RUNS_TABLE, COMPARISON_TABLE, CLAIMS_TABLE, COMPARISON = "runs.csv", "comparison.csv", "claims.csv", "comparison.md"
COMPARED = (RUNS_TABLE, COMPARISON_TABLE, "contrasts.csv", "most_confused.csv", CLAIMS_TABLE, COMPARISON)
REPORT = "report.html"
UNREADABLE = ".unreadable"  # ends the name of a file that was set aside, cut short or damaged
RESULT = {"figure": f"{FIGURES}/final.png", "table": COMPARISON, "report": REPORT}  # what a study comes to

# {own} is empty for the search that all variants share, and /{variant} for a variant's own; see ``own``.
RECIPE, TRIALS = f"{SEARCH}{{own}}/recipe.yaml", f"{SEARCH}{{own}}/trials.csv"
ROUND = "round{round}"
PROPOSALS = f"{SEARCH}{{own}}/{ROUND}.json"
TRIAL_NAME = "round{round}/trial{trial}.json"
TRIAL = f"{SEARCH}{{own}}/{TRIAL_NAME}"
TRIAL_LOG = f"{LOGS}/run_trial{{own}}/trial{{trial}}.round{{round}}.log"
TRIAL_CHECKPOINT = "checkpoints/search{own}/trial{trial}.safetensors"

RUN_NAME = "{variant}/seed{seed}"
RUN = f"{RUNS}/{RUN_NAME}"
RUN_RECORD = f"{RUN}/run.json"
EVALUATED = f"{MADE}/evaluate/{{variant}}.seed{{seed}}.json"  # what the evaluation of a run was made of
JOB_LOG = f"{LOGS}/{{rule}}{{own}}/{{job}}.log"
RUN_LOG = f"{LOGS}/{{rule}}/{{variant}}.seed{{seed}}.log"
PROGRESS = f"progress/{RUN_NAME}.csv"
CHECKPOINT = f"checkpoints/{RUN_NAME}.safetensors"
LOCK = "checkpoints/{part}{own}/.{name}.lock"  # of the checkpoint of that name

# Of a run, and without a seed of a variant's own search; folders end in a slash.
OF_VARIANTS = (
    f"{RUN}/?",
    r"(?:progress|checkpoints)/{variant}/\.?(?:partial-[\w.]+-)?seed{seed}\.(?:csv|lock|safetensors)",
    rf"{EVENTS}/{{variant}}/seed{{seed}}/?",
    rf"{LOGS}/(?:train|evaluate)/{{variant}}\.seed{{seed}}\.(?:log|tsv)",
    rf"{MADE}/evaluate/{{variant}}\.seed{{seed}}\.json",
    rf"{SEARCH}/{{variant}}/(?:recipe\.yaml|trials\.csv|round\d+\.json|round\d+/?)",
    rf"{LOGS}/(?:propose_trials|run_trial)/{{variant}}/",
    rf"checkpoints/{SEARCH}/{{variant}}/",
    rf"{LOGS}/select_recipe/{{variant}}\.(?:log|tsv)",
    rf"{MADE}/propose_trials/{{variant}}/",
    rf"{MADE}/select_recipe/{{variant}}\.json",
)


def every(folder: Path, path: str) -> list[Path]:
    """All files of a path with parts that vary, in a study's folder; a seed is a number, so that a copy beside a run is none."""
    parts = {"own": "(?:/.+)?", "seed": r"\d+"}
    pattern = re.compile(re.sub(r"\\{(\w+)\\}", lambda part: parts.get(part[1], "[^/]+"), re.escape(path)), re.ASCII)
    found = folder.glob(re.sub(r"{\w+}", "*", path.replace("{own}", "/**")))
    return sorted(file for file in found if pattern.fullmatch(file.relative_to(folder).as_posix()))


def own(variant: str | None) -> str:
    """The part ``own`` of the paths of a variant's own search, or of the search that all variants share (None)."""
    return f"/{variant}" if variant else ""


def recipe(owner: str | None) -> str:
    """The recipe of a variant's own search, or of the search that all variants share (None)."""
    return RECIPE.format(own=own(owner))


def trials(rounds: int, batch: int) -> list[str]:
    """The results of all trials of the first rounds below the folder of the search, in order of trial number."""
    return [TRIAL_NAME.format(round=trial // batch, trial=trial) for trial in range(rounds * batch)]


def lock_of(checkpoint: Path) -> Path:
    """The lock that a job holds while it works on the run or trial of a checkpoint."""
    return checkpoint.with_name(f".{checkpoint.stem}.lock")


def of_variants(folder: Path) -> Iterator[tuple[str, int | None, Path]]:
    """(variant, seed, path) of each file and folder in a study's folder that belongs to one run, or (without a seed) to a variant's own
    search; files that the user added do not count."""
    names = {"variant": r"(?P<variant>[A-Za-z0-9][\w.-]*)", "seed": r"(?P<seed>\d+)"}
    patterns = [re.compile(text.format(**names), re.ASCII) for text in OF_VARIANTS]
    for path in sorted(folder.glob("*/*/*")):
        name = f"{path.relative_to(folder).as_posix().removesuffix(UNREADABLE)}{'/' if path.is_dir() else ''}"
        for match in filter(None, (pattern.fullmatch(name) for pattern in patterns)):
            seed = match.groupdict().get("seed")
            yield match["variant"], seed if seed is None else int(seed), path
