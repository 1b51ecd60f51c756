"""The status of made-up studies as lines of text, from the smallest to the largest, on every terminal."""

import io
import random
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from hardpair.study.status import DONE, FAILED, RUNNING, STALE, STATES, STOPPED, TO_DO, JobStatus, StudyStatus
from hardpair.study.status_view import SIGNS, view
from workspace import PROJECT

NOON = datetime(2026, 3, 2, 12, 0)
ERROR = "train.py: the loss became NaN or infinite in step 3 of epoch 12 at learning rate 0.01: use a lower recipe.learning_rate"


def study(
    variants=4,
    seeds=10,
    running=3,
    states=STATES,
    name="variant",
    seconds=5000.0,
    leftover=(),
    finished=False,
    working=False,
    locked=False,
    marked=(),
):
    rng, config = random.Random(7), {"study": "made", "recipe": {"epochs": 50}, "seeds": list(range(seeds))}
    config["variants"] = [{"name": f"{name}_{place}"} for place in range(variants)]
    runs = []
    for variant in config["variants"]:
        for seed in config["seeds"]:
            state = RUNNING if len(runs) < running else rng.choice([other for other in states if other != RUNNING] or [DONE])
            job = {"name": f"{variant['name']} seed {seed}", "variant": variant["name"], "seed": seed, "log": Path(f"logs/{seed}.log")}
            reason = {FAILED: ERROR, STALE: "its settings.loss.gamma is 2, here 3"}.get(state, "")
            far = {"epoch": 12, "epochs": 50, "accuracy": 0.8765, "rate": 31234.0, "left": 4000.0} if state in (RUNNING, STOPPED) else {}
            runs.append(JobStatus(**job, state=state, reason=reason, evaluated=state == DONE, kept=state == STOPPED, **far))
    trials = [JobStatus(name=f"trial {trial}", state=DONE, log=Path("x")) for trial in range(24)]
    rules = (
        []
        if finished
        else ["propose_trials", *("train" for run in runs if run.state != DONE), "evaluate", "compare", "plot_figure", "write_report"]
    )
    due = [SimpleNamespace(rule=rule) for rule in rules]
    return StudyStatus(Path("results/made"), config, runs, trials, due, [], list(leftover), working, locked, list(marked), seconds)


def lines(status, width=100, height=None):
    console = Console(width=width, height=height or 200, file=io.StringIO(), force_terminal=True, color_system=None)
    console.print(view(status, width, height, NOON))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [80, 100, 160])
@pytest.mark.parametrize(("variants", "seeds", "running"), [(1, 1, 1), (2, 1, 0), (4, 10, 4), (12, 30, 12), (12, 30, 64), (4, 2500, 8)])
@pytest.mark.parametrize("name", ["v", "a_name_of_a_variant_that_is_as_long_as_names_may_be_in_a_config"])
def test_it_fits_every_terminal(width, variants, seeds, running, name):
    status = study(
        variants, seeds, running, name=name, leftover=["old seed 1"], marked=[f"{name}: declared after 12 finished runs: exploratory"] * 3
    )
    shown = lines(status, width)
    assert max(map(len, shown)) <= width
    for height in (24, 40):
        assert len(lines(status, width, height)) <= height


def test_each_running_job_has_a_line():
    shown = lines(study(running=3), 80)
    rows = [line.split() for line in shown if line.startswith("variant_0 ") and "min" in line]
    assert [row[:3] for row in rows] == [["variant_0", str(seed), "12/50"] for seed in range(3)]
    assert all(row[4:] == ["87.65%", "31,234", "1", "h", "07", "min"] for row in rows)


def test_each_run_has_its_sign_and_each_state_its_count():
    status = study(4, 10)
    shown = lines(status)
    for variant in ("variant_0", "variant_3"):
        [line] = [line for line in shown if line.startswith(f"{variant}  ") and line.endswith("/10")]
        assert line.split()[1] == "".join(SIGNS[run.state] for run in status.runs if run.variant == variant)
    [legend] = [line for line in shown if line.startswith(f"{SIGNS[DONE]} ")]
    for state in STATES:
        assert f"{SIGNS[state]} {sum(run.state == state for run in status.runs)} {state}" in legend


def test_names_that_differ_at_their_ends_stay_different():
    shown = "\n".join(lines(study(12, 3, 0, name="a_name_of_a_variant_that_is_long")))
    assert all(f"_is_long_{place} " in shown for place in range(10))


def test_what_went_wrong_is_shown_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(PROJECT)
    shown = " ".join(lines(study(2, 2, 0, states=[FAILED, STALE, STOPPED], leftover=["old seed 1"]), 400))
    assert ERROR in shown
    assert "stale, its settings.loss.gamma is 2, here 3" in shown
    assert "after epoch 12/50; the study's command continues from the checkpoint" in shown
    assert "left over from removed seeds or variants: old seed 1" in shown
    assert "to remove them: make clean-study STUDY=made LEFTOVERS=1" in shown
    monkeypatch.chdir(tmp_path)
    shown = " ".join(lines(study(2, 2, 0, leftover=["old seed 1"]), 400))
    assert f"to remove them: python {PROJECT}/workflow/scripts/study.py clean --study made --leftovers" in shown


def test_a_job_that_was_stopped_without_a_checkpoint_starts_again():
    status = study(1, 2, 0, states=[STOPPED])
    status.runs[1] = replace(status.runs[1], kept=False)
    shown = " ".join(lines(status, 400))
    assert "stopped: variant_0 seed 0 after epoch 12/50; the study's command continues from the checkpoint" in shown
    assert "stopped before the first checkpoint: variant_0 seed 1; the study's command starts it again" in shown


def test_many_failures_are_counted():
    shown = lines(study(4, 10, 0, states=[FAILED]), 400)
    assert sum(ERROR in line for line in shown) == 4
    assert "✗ 36 more failed: see results/made/logs/" in shown


@pytest.mark.parametrize(
    ("seconds", "end"),
    [(50.0, "about 50 s left, until 12:00"), (7200.0, "about 2 h 00 min left, until 14:00"), (86400.0, "until 12:00 on Tuesday, 03 March")],
)
def test_the_end_is_expected_at_a_time(seconds, end):
    assert end in lines(study(seconds=seconds))[-1]


def test_nothing_is_promised_where_nothing_is_known_or_at_work():
    unknown = study(seconds=None)
    waiting = sum(run.state not in (DONE, RUNNING) for run in unknown.runs)
    assert lines(unknown)[-1] == f"next: {waiting} runs, evaluation, comparison, figures and report"
    idle = " ".join(lines(study(running=0)))
    assert "no job is running: run the study's command to continue (1 h 24 min for one job at a time)" in idle
    assert "run the study's command to start" in " ".join(lines(replace(study(running=0, states=[TO_DO]), trials=[])))
    assert "run `snakemake --unlock` before" in " ".join(lines(study(running=0, locked=True)))
    at_work = " ".join(lines(study(running=0, locked=True, working=True)))
    assert "no run or trial is training, but the study's command is running" in at_work
    assert "unlock" not in at_work
    assert lines(study(running=0, states=[DONE], finished=True))[-1] == "all done: results/made/report.html"


def test_what_is_left_of_a_bar_differs_from_what_is_done_without_colour():
    status = study(2, 10, 0, states=[DONE, TO_DO])
    done = sum(run.state == DONE for run in status.runs)
    [train] = [line for line in lines(status, 80) if line.startswith("train ")]
    full, left = train.count("━"), train.count("┄")
    assert full + left > 40
    assert full == (full + left) * done // 20
    [searched] = [line for line in lines(status, 80) if line.startswith("search ")]
    assert (searched.count("━"), searched.count("┄")) == (full + left, 0)


def test_no_colour_of_a_bar_is_set_where_nothing_is_done():
    console = Console(width=80, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(view(study(1, 1, 0, states=[TO_DO]), 80, None, NOON))
    left = [part for part in console.file.getvalue().split("\x1b[") if "┄" in part]
    assert left
    assert all(part.startswith("2m") for part in left), "faint, in the terminal's own colour"


def test_a_step_of_a_rule_without_words_of_its_own_is_named_by_the_rule():
    status = study(1, 2, 0, states=[DONE])
    shown = "\n".join(lines(replace(status, due=[*status.due, SimpleNamespace(rule="summarize_runs")])))
    assert "next: evaluation, comparison, figures, report and summarize runs" in shown.replace("1 ", "")
