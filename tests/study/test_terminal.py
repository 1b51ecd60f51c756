"""What a terminal shows of a study: a line a run, the table, errors, and no more of Snakemake than that."""

import logging
from types import SimpleNamespace

import pandas as pd
import pytest
from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from hardpair.comparison.markdown_text import WARNING, escape
from hardpair.errors import UserError
from hardpair.study import snakemake_internals, terminal


def record(text, event=None, level=logging.INFO, **more):
    made = logging.LogRecord("snakemake", level, "x.py", 1, text, (), None)
    made.__dict__ |= more | ({} if event is None else {"event": event})
    return made


def finished(job):
    return record(f"Finished jobid: {job}", LogEvent.JOB_FINISHED, job_id=job)


@pytest.mark.parametrize("event", sorted(terminal.EVENTS))
def test_kinds_of_records_are_those_of_snakemake(event):
    assert event in [str(known) for known in LogEvent]
    assert not terminal.Quiet().filter(record("text", LogEvent(event)))


@pytest.mark.parametrize(
    ("text", "event", "level"),
    [
        ("Job 3 failed", LogEvent.GROUP_ERROR, logging.ERROR),
        ("no space", LogEvent.ERROR, logging.ERROR),
        ("Building DAG is slow", None, logging.WARNING),
        ("Nothing to be done (all requested files are present and up to date).", None, logging.INFO),
        ("Complete log(s): x.log", None, logging.INFO),
        (None, LogEvent.RULEGRAPH, logging.INFO),
    ],
)
def test_errors_warnings_and_ends_are_shown(text, event, level):
    assert terminal.Quiet().filter(record(text, event, level))


@pytest.mark.parametrize("text", ["Select jobs to execute...", "Execute 4 jobs...", "Using shell: /usr/bin/bash"])
def test_what_returns_with_every_job_is_left_to_the_log(text):
    assert not terminal.Quiet().filter(record(text))


def test_each_run_has_a_line_and_all_trials_have_one(capsys):
    handler = terminal.Finished()
    runs = [(job, "train", f"Train dfl with seed {job}") for job in range(3)]
    trials = [(job, "run_trial", f"Try recipe {job}") for job in (10, 11)]
    handler.expect([*runs, *trials, (20, "compare", "Compare")])
    for job in (10, 11, 1, 20, 0, 2, 1):
        handler.handle(finished(job))
    handler.handle(record("text"))
    assert capsys.readouterr().err.splitlines() == [
        "search: all 2 trials done",
        "Train dfl with seed 1: done, 2 of 3 runs left",
        "Train dfl with seed 0: done, 1 of 3 runs left",
        "Train dfl with seed 2: done, no run left: the comparison, figures and report follow",
    ]


def test_a_job_that_failed_is_a_line_if_it_has_a_log_or_a_message_of_its_cluster(tmp_path, capsys):
    log = tmp_path / "x.log"
    handler, error = terminal.Finished(), record("Error in rule train", LogEvent.JOB_ERROR, logging.ERROR, jobid=3, log=[str(log)])
    handler.expect([(3, "train", "Train dfl with seed 1")])
    handler.handle(error)
    assert not terminal.Quiet().filter(error), "print_failures names it at the end, unless it was stopped"
    assert terminal.Quiet().filter(record("Error in rule x", LogEvent.JOB_ERROR, logging.ERROR, jobid=4, log=[])), "without a log"
    assert capsys.readouterr().err == ""
    error.rule_msg = "sbatch failed. Its error was 'no such partition'.\n    sbatch call:\n        sbatch -p gpu"
    handler.handle(error)
    assert not terminal.Quiet().filter(error)
    assert capsys.readouterr().err == "Train dfl with seed 1 failed: sbatch failed. Its error was 'no such partition'.\n"
    log.write_text("no ink")
    handler.handle(error)
    assert not terminal.Quiet().filter(error)
    assert capsys.readouterr().err == f"Train dfl with seed 1 failed: see {log}\n"
    stopping = record("Will exit after finishing currently running jobs (scheduler).")
    stream = terminal.Quiet()
    assert [stream.filter(stopping) for _ in range(3)] == [True, False, False]
    handler.handle(stopping)
    handler.handle(error)
    assert capsys.readouterr().err == "", "a job that was killed before it could say so"
    handler = terminal.Finished()
    log.write_text("train.py: stopped by SIGINT; saved\n")
    handler.handle(error)
    assert not terminal.Quiet().filter(error)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("text", "shown"), [(text, False) for text in terminal.FOLLOWING] + [("WorkflowError:\nno space", True)])
def test_errors_that_follow_from_another_are_left_out(text, shown):
    assert terminal.Quiet().filter(record(f"{text} …", LogEvent.ERROR, logging.ERROR)) == shown


def test_the_table_has_the_means_of_the_model_after_the_last_epoch(tmp_path, capsys):
    rows = [
        {"variant": variant, "label": "'+ label", "model": model, "metric": metric, "mean": mean}
        for variant, model, metric, mean in [
            ("ce", "last", "accuracy", 0.9),
            ("ce", "last", "confusion:cat-dog", 0.125),
            ("ce", "best", "accuracy", 0.1),
            ("dfl", "last", "accuracy", 0.95),
            ("dfl", "last", "confusion:cat-dog", 0.1),
        ]
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "comparison.csv", index=False)
    labels = {"ce": "CE", "dfl": "+ a long name"}
    terminal.print_table(tmp_path, labels)
    head, *lines = capsys.readouterr().err.splitlines()
    assert head.split() == ["cat–dog", "confusion", "(%)", "Accuracy", "(%)"]
    assert [line.rsplit(maxsplit=2) for line in lines] == [["CE", "12.50", "90.00"], ["+ a long name", "10.00", "95.00"]]
    assert {len(line) for line in lines} == {len(head)}
    terminal.print_table(tmp_path / "missing", labels)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("changes", "quiet"),
    [
        ({}, True),
        ({"verbose": True}, False),
        ({"printshellcmds": True}, False),
        ({"quiet": {Quietness.HOST}}, False),
        ({"quiet": None}, False),
        ({"dryrun": True}, False),
    ],
)
def test_a_flag_of_the_command_line_brings_snakemakes_text_back(monkeypatch, changes, quiet):
    stream = logging.NullHandler()
    stream.name = "DefaultStreamHandler"
    monkeypatch.setattr(logger, "handlers", [stream])
    settings = {"verbose": False, "printshellcmds": False, "debug_dag": False, "dryrun": False}
    settings |= {"quiet": {Quietness.HOST, Quietness.REASON}} | changes
    handler = snakemake_internals.quieten(SimpleNamespace(output_settings=SimpleNamespace(**settings)), {}, None, set())
    assert [isinstance(one, terminal.Quiet) for one in stream.filters] == [True] * quiet
    assert (handler in logger.handlers) == quiet


@pytest.mark.parametrize(("changes", "ends"), [({}, False), ({"dryrun": True}, True), ({"dryrun": True, "quiet": {Quietness.ALL}}, False)])
def test_a_dry_run_ends_with_the_plan_and_with_what_would_be_refused(monkeypatch, capsys, changes, ends):
    monkeypatch.setattr(logger, "handlers", [])
    printed = []

    def refuse(*_):
        raise UserError("the images of another study would be replaced")

    monkeypatch.setattr(snakemake_internals.planned, "refuse_state", refuse)
    monkeypatch.setattr(snakemake_internals, "_planned_jobs", lambda workflow, reading: [])
    monkeypatch.setattr(snakemake_internals, "_print_plan", lambda workflow, config, *_: printed.append(config))
    settings = {"verbose": True, "dryrun": False, "quiet": None} | changes
    snakemake_internals.quieten(SimpleNamespace(output_settings=SimpleNamespace(**settings)), {"study": "x"}, None, set())
    for text in ("Job stats:", "This was a dry-run (flag -n). The order", "Nothing to be done"):
        for handler in logger.handlers:
            handler.handle(record(text))
    assert printed == [{"study": "x"}] * ends
    refused = "without --dry-run this would be refused: the images of another study would be replaced\n"
    assert capsys.readouterr().err == refused * ends


@pytest.mark.parametrize(
    ("verdicts", "shown"),
    [
        (
            [("supported", "p = 0.01"), ("not settled", "needs 9 seeds")],
            ["supported: Claim 0 (p = 0.01)", "not settled: Claim 1 (needs 9 seeds)"],
        ),
        ([("no verdict yet", "2 seeds are complete")] * 3, ["no verdict yet, all 3 claims: 2 seeds are complete"]),
        ([("no verdict yet", "2 seeds are complete")], ["no verdict yet: Claim 0 (2 seeds are complete)"]),
        ([], ["no claim was declared: the differences have no verdict"]),
    ],
)
def test_verdicts_are_printed_with_their_reasons(tmp_path, capsys, verdicts, shown):
    rows = [{"sentence": f"Claim {place}.", "verdict": verdict, "why": why} for place, (verdict, why) in enumerate(verdicts)]
    pd.DataFrame(rows, columns=["sentence", "verdict", "why"]).to_csv(tmp_path / "claims.csv", index=False)
    terminal.print_verdicts(tmp_path)
    terminal.print_verdicts(tmp_path / "missing")
    assert capsys.readouterr().err.splitlines() == shown


def test_warnings_of_the_comparison_are_printed(tmp_path, capsys):
    sentences = ["Nothing was learned in 1 of 2 runs of _a* [b] <c> & 1\\2: check.", "-1 is | less_than #2 ~ `x`."]
    text = "\n".join(["# study", "", *(f"{WARNING}{escape(sentence)}" for sentence in sentences), "", "Warning signs."])
    (tmp_path / "comparison.md").write_text(text)
    terminal.print_warnings(tmp_path)
    terminal.print_warnings(tmp_path / "missing")
    assert capsys.readouterr().err.splitlines() == [f"warning: {sentence}" for sentence in sentences]
