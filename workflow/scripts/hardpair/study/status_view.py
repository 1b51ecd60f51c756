"""Display a study's status on a terminal. Imports no torch."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from hardpair.errors import harmless
from hardpair.files import paths
from hardpair.measures.metric_names import percent
from hardpair.study import find
from hardpair.study.estimate import duration
from hardpair.study.status import DONE, FAILED, RUNNING, STALE, STATES, STOPPED, TO_DO, JobStatus, StudyStatus
from hardpair.wording import abbreviated, counted, joined, size_of_study

WIDE = 100  # columns that are used at most, and where there is no terminal
NAME, BAR = 24, 100  # columns of a variant's name, and of a bar at most
FEW = 4  # failures, or variants with stale runs, that have a line each where there is room
SIGNS = {DONE: "●", RUNNING: "◐", FAILED: "✗", STOPPED: "◌", STALE: "~", TO_DO: "·"}
STYLES = {DONE: "green", RUNNING: "cyan", FAILED: "bold red", STOPPED: "yellow", STALE: "yellow", TO_DO: "dim"}


def view(status: StudyStatus, width: int, height: int | None = None, now: datetime | None = None) -> RenderableType:
    """The status, the most important last.

    Args:
        width, height: of the screen in characters.
        now: the time from which the expected end is counted.
    """
    width, now = min(width, WIDE), now or datetime.now()
    above = [_title(status), _phases(status, width)]
    below = [*_problems(status, FEW if height is None else 2), Text(), _outlook(status, now)]
    matrix = [] if status.finished else [Text(), _matrix(status, width), _counts(status.runs)]
    most = None
    if height is not None:
        for text in below:
            text.no_wrap, text.overflow = True, "ellipsis"
        most = height - _lines(*above, *matrix, *below) - 3  # title and blank line of the running jobs, and the cursor's line
        if most < min(len(status.running), FEW):
            most, matrix = most + _lines(*matrix), []
    running = [Text(), _running(status, width, most)] if status.running else []
    return Group(*above, *matrix, *running, *below)


def _lines(*parts: Text | Table) -> int:
    """Lines of parts that are not wrapped."""
    return sum(part.row_count if isinstance(part, Table) else 1 + part.plain.count("\n") for part in parts)


def _title(status: StudyStatus) -> Text:
    config = status.config
    size = f"   {size_of_study(config)}, {counted(config['recipe']['epochs'], 'epoch')}"
    return Text.assemble((config["study"], "bold"), (size, "dim"), no_wrap=True, overflow="ellipsis")


def _phases(status: StudyStatus, width: int) -> Table:
    """A bar for each phase."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.width = width
    for justify, ratio in (("left", None), ("left", 1), ("right", None), ("left", None)):
        table.add_column(justify=justify, no_wrap=True, ratio=ratio)
    phases = {"search": [trial.state == DONE for trial in status.trials]} if status.trials else {}
    phases |= {"train": [run.state == DONE for run in status.runs], "evaluate": [run.evaluated for run in status.runs]}
    phases |= {"report": [status.finished]}
    for name, done in phases.items():
        count, noun = f"{sum(done):,}/{len(done):,}", "trials" if name == "search" else "runs"
        if name == "report":
            count, noun = "", "done" if status.finished else "to do"
        style = STYLES[DONE] if all(done) else ""
        table.add_row(Text(name), _Bar(sum(done), len(done)), Text(count, style), Text(noun, style))
    return table


@dataclass(frozen=True)
class _Bar:
    """A bar as wide as its column. What is left has other characters than what is done, and no colour of its own: it reads on light and
    dark terminals, and without colour."""

    done: float
    total: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        width, total = min(options.max_width, BAR), max(self.total, 1)
        filled = int(width * self.done / total)
        full, left = ("#", ".") if options.ascii_only else ("━", "┄")
        yield Text.assemble((full * filled, "green" if self.done >= total else "cyan"), (left * (width - filled), "dim"), no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(4, min(options.max_width, BAR))


def _matrix(status: StudyStatus, width: int) -> Table:
    """A line a variant, a sign a seed; only numbers where there are too many seeds."""
    table = Table.grid(padding=(0, 2))
    for justify in ("left", "left", "right"):
        table.add_column(justify=justify, no_wrap=True)
    for variant, group in groupby(status.runs, key=lambda run: run.variant):
        runs = list(group)
        if len(runs) + NAME + 10 <= width:
            signs = Text.assemble(*((SIGNS[run.state], STYLES[run.state]) for run in runs))
            table.add_row(_short(variant), signs, Text(f"{sum(run.state == DONE for run in runs)}/{len(runs)}", "dim"))
        else:
            table.add_row(_short(variant), _counts(runs))
    return table


def _short(name: str) -> Text:
    """A name, without its middle if it is long: names often differ at their ends."""
    half = (NAME - 1) // 2
    return Text(name if len(name) <= NAME else f"{name[:half]}…{name[-half:]}")


def _counts(jobs: list[JobStatus]) -> Text:
    """``● 4 done  ~ 2 stale``."""
    states = Counter(job.state for job in jobs)
    return Text("  ").join(_signed(state, f"{states[state]:,} {state}") for state in STATES if states[state])


def _running(status: StudyStatus, width: int, most: int | None) -> Table:
    """A line for each running job, at most so many."""
    table = Table(box=None, padding=(0, 2, 0, 0), width=width, header_style="dim", pad_edge=False)
    for title in ("run", "seed", "epoch", "", "validation", "images/s", "left"):
        stretches = {"ratio": 1, "overflow": "ellipsis"} if not title else {"justify": "left" if title == "run" else "right"}
        table.add_column(title, no_wrap=True, **stretches)
    jobs = status.running if most is None or len(status.running) <= most else status.running[: max(most - 1, 1)]
    for job in jobs:
        training = job.rate is not None
        table.add_row(
            _short(job.variant or job.name),
            str(job.seed) if job.variant else "",
            f"{job.epoch}/{job.epochs}" if training else "",
            _Bar(job.epoch, job.epochs) if training else Text(harmless(job.reason.partition(":")[0]) or "starting", "dim"),
            f"{percent(job.accuracy)}%" if job.accuracy is not None else "",
            f"{job.rate:,.0f}" if training else "",
            duration(job.left) if job.left is not None else "",
        )
    if more := len(status.running) - len(jobs):
        table.add_row(Text(f"… {more} more", "dim"))
    return table


def _problems(status: StudyStatus, few: int) -> list[Text]:
    """What failed, stopped, is stale or left over, and what to do about it."""
    by_state = {state: [job for job in (*status.trials, *status.runs) if job.state == state] for state in STATES}
    troubles = []
    failed = [*by_state[FAILED], *status.failed]
    for job in failed[:few]:
        troubles.append(
            Text.assemble((f"{SIGNS[FAILED]} {job.name} failed: ", STYLES[FAILED]), harmless(job.reason), (f"  {job.log}", "dim"))
        )
    if (more := len(failed) - few) > 0:
        troubles.append(_signed(FAILED, f"{more} more failed: see {status.folder / paths.LOGS}/"))
    kept = [f"{job.name} after epoch {job.epoch}/{job.epochs}" if job.epoch else job.name for job in by_state[STOPPED] if job.kept]
    if kept:
        troubles.append(_signed(STOPPED, f"stopped: {abbreviated(kept)}; the study's command continues from the checkpoint"))
    if lost := [job.name for job in by_state[STOPPED] if not job.kept]:
        again = f"the study's command starts {'it' if len(lost) == 1 else 'them'} again"
        troubles.append(_signed(STOPPED, f"stopped before the first checkpoint: {abbreviated(lost)}; {again}"))
    variants = Counter(job.variant for job in by_state[STALE])
    for variant, number in list(variants.items())[:few]:
        reason = next(job.reason for job in by_state[STALE] if job.variant == variant)
        troubles.append(_signed(STALE, f"{variant or 'search'}: {number} stale, {harmless(reason)}"))
    if len(variants) > few:
        troubles.append(_signed(STALE, f"stale runs of {len(variants) - few} more variants"))
    if status.marked:
        troubles.append(Text(f"claim {status.marked[0]}", "dim"))
        if more := len(status.marked) - 1:
            troubles.append(Text(f"{counted(more, 'more claim')} not declared before the runs: see claims.csv", "dim"))
    if status.leftover:
        names = abbreviated(status.leftover)
        command = find.command("clean", status.config["study"], "leftovers")
        troubles.append(Text(f"left over from removed seeds or variants: {names}\nto remove them: {command}", "dim"))
    return [Text(), *troubles] if troubles else []


def _signed(state: str, text: str) -> Text:
    return Text(f"{SIGNS[state]} {text}", STYLES[state])


def _outlook(status: StudyStatus, now: datetime) -> Text:
    """What is next, and when everything should be done."""
    if status.finished:
        return Text.assemble(("all done: ", STYLES[DONE]), str(status.folder / paths.REPORT))
    text = Text(f"next: {_next(status)}")
    if status.running:
        if status.seconds is not None:
            end = now + timedelta(seconds=status.seconds)
            day = f" on {end:%A, %d %B}" if end.date() != now.date() else ""
            text.append(f"\nabout {duration(status.seconds)} left, until {end:%H:%M}{day}", "bold")
        return text
    if status.working:
        return text.append("\nno run or trial is training, but the study's command is running", "dim")
    if status.locked:
        lock = "no job is running: Snakemake is planning, or it was killed and left its lock"
        return text.append(f"\n{lock}; if it was killed, run `{find.snakemake('--unlock')}` before the study's command", "dim")
    verb = "start" if all(job.state == TO_DO for job in (*status.trials, *status.runs)) else "continue"
    time = f" ({duration(status.seconds)} for one job at a time)" if status.seconds is not None else ""
    return text.append(f"\nno job is running: run the study's command to {verb}{time}", "dim")


# What is next, in words, by the rule that makes it; of those that come with a number, one. None: it goes with another.
STEPS = {
    "propose_trials": None,
    "prepare_data": "images",
    "split_data": "split",
    "run_trial": "trial",
    "select_recipe": "choice of the recipe",
    "train": "run",
    "choose_pairs": "choice of the pairs",
    "evaluate": "evaluation",
    "compare": "comparison",
    "plot_figure": "figures",
    "assemble_figure": "figures",
    "write_report": "report",
}


def _next(status: StudyStatus) -> str:
    """The steps that have not begun, in their order."""
    rules = Counter(job.rule for job in status.due)
    for rule, jobs in (("run_trial", status.trials), ("train", status.runs)):
        rules[rule] -= sum(job.state == RUNNING for job in jobs)
    numbered = {rule: counted(rules[rule], STEPS[rule]) for rule in ("run_trial", "train")}
    words = {rule: rule.replace("_", " ") for rule in rules} | STEPS | numbered
    return joined(list(dict.fromkeys(words[rule] for rule in dict.fromkeys([*STEPS, *rules]) if rules[rule] > 0 and words[rule])))
