"""A study's standing on a terminal. Imports no torch."""

from collections import Counter
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hardpair.estimate import counted, duration
from hardpair.standing import DONE, FAILED, RUNNING, STALE, STATES, STOPPED, TO_DO, Job, Standing

WIDE = 100  # columns that are used at most, and where there is no terminal
NAME = 24  # columns of a variant's name
FEW = 4  # failures, or variants with stale runs, that are told one by one
SIGNS = {DONE: "●", RUNNING: "◐", FAILED: "✗", STOPPED: "◌", STALE: "~", TO_DO: "·"}
STYLES = {DONE: "green", RUNNING: "cyan", FAILED: "bold red", STOPPED: "yellow", STALE: "yellow", TO_DO: "dim"}


def view(standing: Standing, width: int, height: int | None = None, now: datetime | None = None) -> RenderableType:
    """Everything worth telling, the most important last where there is no limit to its ``height``.

    Args:
        width, height: of the screen in characters.
        now: the time from which the expected end is counted.
    """
    width, now = min(width, WIDE), now or datetime.now()
    around = [_title(standing, width), _phases(standing, width)]
    below = [*_troubles(standing), Text(), _outlook(standing, now)]
    free = None if height is None else height - sum(_lines(part, width) for part in (*around, *below)) - 1
    variants, jobs = len(standing.config["variants"]), len(standing.running)
    if standing.finished or (free is not None and free < variants + 2 + min(jobs, 3)):
        matrix = []
    else:
        matrix = [Text(), _matrix(standing, width), _legend(standing)]
        free = None if free is None else free - variants - 2
    running = [Text(), _running(standing, width, None if free is None else max(free - 2, 1))] if jobs else []
    return Group(*around, *matrix, *running, *below)


def _lines(part: RenderableType, width: int) -> int:
    """Lines that a part takes."""
    if isinstance(part, Table):
        return part.row_count
    return max(1, sum(-(-max(len(line), 1) // width) for line in part.plain.split("\n")))


def _title(standing: Standing, width: int) -> Text:
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
    phases.append(("report", int(standing.compared), 1, ""))
    for name, done, total, noun in phases:
        style = STYLES[DONE] if done == total else ""
        count = (f"{done}/{total}", noun) if noun else ("", "there" if done else "to do")
        table.add_row(Text(name), _bar(done, total), *(Text(part, style) for part in count))
    return table


def _bar(done: float, total: float) -> ProgressBar:
    return ProgressBar(total=max(total, 1), completed=done, complete_style="cyan", finished_style="green")


def _matrix(standing: Standing, width: int) -> Table:
    """A line a variant, a sign a seed; only numbers where there are too many seeds."""
    table = Table.grid(padding=(0, 2))
    name = min(NAME, max(len(variant["name"]) for variant in standing.config["variants"]))
    table.add_column(width=name, no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    of: dict[str, list[Job]] = {}
    for run in standing.runs:
        of.setdefault(run.variant, []).append(run)
    for variant, runs in of.items():
        done = sum(run.state == DONE for run in runs)
        if len(runs) + name + 14 <= width:
            signs = Text.assemble(*((SIGNS[run.state], STYLES[run.state]) for run in runs))
        else:
            signs = _counts(Counter(run.state for run in runs))
        table.add_row(Text(variant), signs, Text(f"{done}/{len(runs)}", "dim"))
    return table


def _legend(standing: Standing) -> Text:
    return _counts(Counter(run.state for run in standing.runs))


def _counts(states: Counter) -> Text:
    shown = [state for state in STATES if states[state]]
    return Text("   ").join(Text(f"{SIGNS[state]} {states[state]} {state}", STYLES[state]) for state in shown)


def _running(standing: Standing, width: int, most: int | None) -> Table:
    """A quiet line for each job that is at work."""
    table = Table(box=None, padding=(0, 2, 0, 0), width=width, header_style="dim", pad_edge=False)
    name = min(NAME, max(len(job.variant or job.name) for job in standing.running))
    table.add_column("run", width=name, no_wrap=True, overflow="ellipsis")
    table.add_column("seed", no_wrap=True, justify="right")
    table.add_column("epoch", no_wrap=True, justify="right")
    table.add_column("", ratio=1, no_wrap=True, overflow="ellipsis")
    for title in ("validation", "images/s", "left"):
        table.add_column(title, justify="right", no_wrap=True)
    jobs = standing.running if most is None or len(standing.running) <= most else standing.running[: max(most - 1, 0)]
    for job in jobs:
        begun = job.rate is not None
        table.add_row(
            Text(job.variant or job.name),
            str(job.seed) if job.variant else "",
            f"{job.epoch}/{job.epochs}" if begun else "",
            _bar(job.epoch, job.epochs) if begun else Text(job.told or "starting", "dim"),
            f"{job.accuracy:.2%}" if job.accuracy is not None else "",
            f"{job.rate:,.0f}" if begun else "",
            duration(job.left) if job.left is not None else "",
        )
    if more := len(standing.running) - len(jobs):
        table.add_row(Text(f"… {more} more", "dim"))
    return table


def _troubles(standing: Standing) -> list[Text]:
    """What went wrong and what is left over: a paragraph each, with what to do."""
    of = {state: [job for job in (*standing.trials, *standing.runs) if job.state == state] for state in STATES}
    told = []
    for job in of[FAILED][:FEW]:
        told.append(Text.assemble((f"{SIGNS[FAILED]} {job.name} failed: ", STYLES[FAILED]), job.told, (f"  {job.log}", "dim")))
    if more := len(of[FAILED]) - FEW:
        told += [Text(f"{SIGNS[FAILED]} {more} more failed: see {standing.folder}/logs/", STYLES[FAILED])] if more > 0 else []
    if stopped := of[STOPPED]:
        names = _some([f"{job.name} after epoch {job.epoch}/{job.epochs}" if job.epoch else job.name for job in stopped])
        told.append(Text(f"{SIGNS[STOPPED]} stopped: {names}; the same command goes on from their checkpoints", STYLES[STOPPED]))
    variants = Counter(run.variant for run in of[STALE])
    for variant, number in list(variants.items())[:FEW]:
        reason = next(run.told for run in of[STALE] if run.variant == variant)
        told.append(Text(f"{SIGNS[STALE]} {variant}: {number} stale, {reason}", STYLES[STALE]))
    if len(variants) > FEW:
        told.append(Text(f"{SIGNS[STALE]} stale runs of {len(variants) - FEW} more variants", STYLES[STALE]))
    if standing.leftover:
        names = _some([f"{variant} {seed}" for variant, seed in standing.leftover])
        command = f"make clean-study STUDY={standing.config['study']} LEFTOVERS=1"
        told.append(Text(f"left over from removed seeds or variants: {names}; `{command}` removes them", "dim"))
    return [Text(), *told] if told else []


def _some(names: list[str], most: int = 3) -> str:
    """``a, b, c and 4 more``."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _outlook(standing: Standing, now: datetime) -> Text:
    """What is next, and when everything should be done."""
    if standing.finished:
        return Text.assemble(("all done: ", STYLES[DONE]), f"{standing.folder}/report.html")
    text = Text(f"next: {', '.join(_next(standing))}\n")
    if standing.running:
        if standing.seconds is not None:
            end = now + timedelta(seconds=standing.seconds)
            text.append(f"about {duration(standing.seconds)} left, until {end:%H:%M}", "bold")
            text.append(f" on {end:%A, %d %B}" if end.date() != now.date() else "")
        return text
    if standing.locked:
        return text.append("no run is at work, but Snakemake is, or it was killed: then `snakemake --unlock` comes first", "dim")
    known = f", about {duration(standing.seconds)} for one job after the other" if standing.seconds is not None else ""
    return text.append(f"nothing is at work: the command that started the study goes on with it{known}", "dim")


def _next(standing: Standing) -> list[str]:
    """The steps that nobody has begun, in their order."""
    steps = []
    if trials := sum(job.state not in (DONE, RUNNING) for job in standing.trials):
        steps.append(counted(trials, "trial"))
    if standing.trials and not standing.recipe:
        steps.append("choice of the recipe")
    if runs := [run.name for run in standing.runs if run.state not in (DONE, RUNNING)]:
        steps.append(f"{counted(len(runs), 'run')} ({_some(runs, 2)})")
    if not all(run.state == DONE and run.evaluated for run in standing.runs):
        steps.append("evaluation")
    return [*steps, "comparison, figures and report"]
