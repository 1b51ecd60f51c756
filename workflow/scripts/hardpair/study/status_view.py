"""A study's standing on a terminal. Imports no torch."""

from collections import Counter
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hardpair.files import paths
from hardpair.study.estimate import duration
from hardpair.study.status import DONE, FAILED, RUNNING, STALE, STATES, STOPPED, TO_DO, Job, Standing
from hardpair.wording import counted, some

WIDE = 100  # columns that are used at most, and where there is no terminal
NAME = 24  # columns of a variant's name
FEW = 4  # failures, or variants with stale runs, that are told one by one where there is room
SIGNS = {DONE: "●", RUNNING: "◐", FAILED: "✗", STOPPED: "◌", STALE: "~", TO_DO: "·"}
STYLES = {DONE: "green", RUNNING: "cyan", FAILED: "bold red", STOPPED: "yellow", STALE: "yellow", TO_DO: "dim"}


def view(standing: Standing, width: int, height: int | None = None, now: datetime | None = None) -> RenderableType:
    """Everything worth telling, the most important last where there is no limit to its ``height``.

    Args:
        width, height: of the screen in characters.
        now: the time from which the expected end is counted.
    """
    width, now = min(width, WIDE), now or datetime.now()
    around, below = (
        [_title(standing), _phases(standing, width)],
        [*_troubles(standing, FEW if height is None else 2), Text(), _outlook(standing, now)],
    )
    matrix = [] if standing.finished else [Text(), _matrix(standing, width), _legend(standing)]
    jobs, most = len(standing.running), None
    if height is not None:
        for text in below:
            text.no_wrap, text.overflow = True, "ellipsis"
        most = height - _lines(*around, *matrix, *below) - 3  # title and blank line of the running jobs, and the cursor's line
        if most < min(jobs, FEW):
            most, matrix = most + _lines(*matrix), []
    running = [Text(), _running(standing, width, most)] if jobs else []
    return Group(*around, *matrix, *running, *below)


def _lines(*parts: Text | Table) -> int:
    """Lines that parts take which are not wrapped."""
    return sum(part.row_count if isinstance(part, Table) else 1 + part.plain.count("\n") for part in parts)


def _title(standing: Standing) -> Text:
    config = standing.config
    variants, seeds = (counted(len(config[key]), key[:-1]) for key in ("variants", "seeds"))
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(config["study"], "bold").append(f"   {variants} × {seeds}, {counted(config['recipe']['epochs'], 'epoch')}", "dim")
    return text


def _phases(standing: Standing, width: int) -> Table:
    """A bar for each phase."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.width = width
    for title, justify in (("phase", "left"), ("bar", "left"), ("count", "right"), ("of", "left")):
        table.add_column(justify=justify, no_wrap=True, ratio=1 if title == "bar" else None)
    runs, trials = standing.runs, standing.trials
    phases = [("search", sum(job.state == DONE for job in trials), len(trials), "trials")] if trials else []
    phases.append(("train", sum(job.state == DONE for job in runs), len(runs), "runs"))
    phases.append(("evaluate", sum(job.state == DONE and job.evaluated for job in runs), len(runs), "runs"))
    phases.append(("report", int(standing.finished), 1, ""))
    for name, done, total, noun in phases:
        style = STYLES[DONE] if done == total else ""
        count = (f"{done:,}/{total:,}", noun) if noun else ("", "there" if done else "to do")
        table.add_row(Text(name), _bar(done, total), *(Text(part, style) for part in count))
    return table


def _bar(done: float, total: float) -> ProgressBar:
    return ProgressBar(total=max(total, 1), completed=done, complete_style="cyan", finished_style="green")


def _matrix(standing: Standing, width: int) -> Table:
    """A line a variant, a sign a seed; only numbers where there are too many seeds."""
    table = Table.grid(padding=(0, 2))
    for justify in ("left", "left", "right"):
        table.add_column(justify=justify, no_wrap=True)
    of: dict[str, list[Job]] = {}
    for run in standing.runs:
        of.setdefault(run.variant, []).append(run)
    for variant, runs in of.items():
        if len(runs) + NAME + 10 <= width:
            signs = Text.assemble(*((SIGNS[run.state], STYLES[run.state]) for run in runs))
            table.add_row(_short(variant), signs, Text(f"{sum(run.state == DONE for run in runs)}/{len(runs)}", "dim"))
        else:
            table.add_row(_short(variant), _counts(Counter(run.state for run in runs)))
    return table


def _short(name: str) -> Text:
    """A name, without its middle if it is long: names often differ at their ends."""
    half = (NAME - 1) // 2
    return Text(name if len(name) <= NAME else f"{name[:half]}…{name[-half:]}")


def _legend(standing: Standing) -> Text:
    return _counts(Counter(run.state for run in standing.runs))


def _counts(states: Counter) -> Text:
    shown = [state for state in STATES if states[state]]
    return Text("  ").join(Text(f"{SIGNS[state]} {states[state]:,} {state}", STYLES[state]) for state in shown)


def _running(standing: Standing, width: int, most: int | None) -> Table:
    """A quiet line for each job that is at work; of many, so many lines."""
    table = Table(box=None, padding=(0, 2, 0, 0), width=width, header_style="dim", pad_edge=False)
    for title in ("run", "seed", "epoch", "", "validation", "images/s", "left"):
        stretches = {"ratio": 1, "overflow": "ellipsis"} if not title else {"justify": "left" if title == "run" else "right"}
        table.add_column(title, no_wrap=True, **stretches)
    jobs = standing.running if most is None or len(standing.running) <= most else standing.running[: max(most - 1, 1)]
    for job in jobs:
        begun = job.rate is not None
        table.add_row(
            _short(job.variant or job.name),
            str(job.seed) if job.variant else "",
            f"{job.epoch}/{job.epochs}" if begun else "",
            _bar(job.epoch, job.epochs) if begun else Text(job.told.partition(":")[0] or "starting", "dim"),
            f"{job.accuracy:.2%}" if job.accuracy is not None else "",
            f"{job.rate:,.0f}" if begun else "",
            duration(job.left) if job.left is not None else "",
        )
    if more := len(standing.running) - len(jobs):
        table.add_row(Text(f"… {more} more", "dim"))
    return table


def _troubles(standing: Standing, few: int) -> list[Text]:
    """What went wrong and what is left over: a paragraph each, with what to do."""
    of = {state: [job for job in (*standing.trials, *standing.runs) if job.state == state] for state in STATES}
    told = []
    for job in of[FAILED][:few]:
        told.append(Text.assemble((f"{SIGNS[FAILED]} {job.name} failed: ", STYLES[FAILED]), job.told, (f"  {job.log}", "dim")))
    if more := len(of[FAILED]) - few:
        told += [Text(f"{SIGNS[FAILED]} {more} more failed: see {standing.folder / paths.LOGS}/", STYLES[FAILED])] if more > 0 else []
    if stopped := of[STOPPED]:
        names = some([f"{job.name} after epoch {job.epoch}/{job.epochs}" if job.epoch else job.name for job in stopped])
        told.append(Text(f"{SIGNS[STOPPED]} stopped: {names}; the same command goes on from their checkpoints", STYLES[STOPPED]))
    variants = Counter(job.variant for job in of[STALE])
    for variant, number in list(variants.items())[:few]:
        reason = next(job.told for job in of[STALE] if job.variant == variant)
        told.append(Text(f"{SIGNS[STALE]} {variant or 'search'}: {number} stale, {reason}", STYLES[STALE]))
    if len(variants) > few:
        told.append(Text(f"{SIGNS[STALE]} stale runs of {len(variants) - few} more variants", STYLES[STALE]))
    if standing.leftover:
        names = some([f"{variant} seed {seed}" for variant, seed in standing.leftover])
        command = f"make clean-study STUDY={standing.config['study']} LEFTOVERS=1"
        told.append(Text(f"left over from removed seeds or variants: {names}\nto remove them: {command}", "dim"))
    return [Text(), *told] if told else []


def _outlook(standing: Standing, now: datetime) -> Text:
    """What is next, and when everything should be done."""
    if standing.finished:
        return Text.assemble(("all done: ", STYLES[DONE]), str(standing.folder / paths.REPORT))
    text = Text(f"next: {', '.join(_next(standing))}")
    if standing.running:
        if standing.seconds is not None:
            end = now + timedelta(seconds=standing.seconds)
            day = f" on {end:%A, %d %B}" if end.date() != now.date() else ""
            text.append(f"\nabout {duration(standing.seconds)} left, until {end:%H:%M}{day}", "bold")
        return text
    if standing.locked:
        return text.append("\nno run is at work, but Snakemake is, or it was killed: then `snakemake --unlock` comes first", "dim")
    does = "starts" if all(job.state == TO_DO for job in (*standing.trials, *standing.runs)) else "goes on with"
    known = f" ({duration(standing.seconds)} for one job after the other)" if standing.seconds is not None else ""
    return text.append(f"\nnothing is at work: the study's command {does} it{known}", "dim")


def _next(standing: Standing) -> list[str]:
    """The steps that nobody has begun, in their order."""
    steps = []
    if trials := sum(job.state not in (DONE, RUNNING) for job in standing.trials):
        steps.append(counted(trials, "trial"))
    if standing.trials and not standing.recipe:
        steps.append("choice of the recipe")
    if runs := sum(run.state not in (DONE, RUNNING) for run in standing.runs):
        steps.append(counted(runs, "run"))
    if not all(run.state == DONE and run.evaluated for run in standing.runs):
        steps.append("evaluation")
    return [*steps, "comparison, figures and report"]
