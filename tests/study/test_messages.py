"""What a study prints and does before its first job and after its last, and what it reads inside Snakemake for that."""

import json
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hardpair.files import paths
from hardpair.files.atomic import owner
from hardpair.jobs.logs import read_log
from hardpair.staleness.due import Due
from hardpair.study import deaths, find, messages, snakemake_internals
from hardpair.study.terminal import Finished
from workspace import PROJECT


@pytest.fixture
def config(monkeypatch):
    monkeypatch.chdir(PROJECT)
    return find.overlay(["config/demo.yaml"])


@pytest.fixture
def commands(monkeypatch):
    """The commands that a forecast would run, one list each."""
    run = []
    monkeypatch.setattr(messages.subprocess, "run", lambda command, **_: run.append(list(map(str, command))))
    return run


@pytest.mark.parametrize(
    ("cores", "gpus", "gpus_here", "jobs_per_gpu", "expected"),
    [
        (4, 4, 4, 1, 4),
        (4, 4, 1, 1, 1),  # three wait for the GPU
        (8, 8, 4, 2, 8),
        (8, 4, 1, 2, 2),
        (4, 2, 4, 1, 2),
        (16, None, 4, 1, 4),
        (16, None, 0, 1, 2),  # no more than the processors, of which there are two
        (4, 4, 0, 1, 2),
        (4, 0, 4, 1, 2),
        (1, 4, 0, 1, 1),
        (1, None, 0, 1, 1),
    ],
)
def test_jobs_at_once_are_those_that_the_machine_has_room_for(cores, gpus, gpus_here, jobs_per_gpu, expected, monkeypatch):
    monkeypatch.setattr(messages, "devices", lambda: [str(index) for index in range(gpus_here)])
    monkeypatch.setattr(messages, "present", lambda: True)
    assert messages.jobs_at_once(cores, gpus, None, jobs_per_gpu, processors=2) == expected


def test_devices_that_are_named_on_a_machine_without_any_make_no_room(monkeypatch):
    monkeypatch.setattr(messages, "devices", lambda: ["0"])
    monkeypatch.setattr(messages, "present", lambda: False)
    assert messages.jobs_at_once(4, None, None, 1, processors=2) == 2


@pytest.mark.parametrize(("gpus", "expected"), [(4, 4), (None, 100)])
def test_a_cluster_has_room_for_its_nodes(gpus, expected):
    assert messages.jobs_at_once(1, gpus, 100, 1, processors=2) == expected


def test_a_plan_without_training_names_its_steps(commands, config, capsys):
    messages.print_plan(config, {"compare": 1, "write_report": 1}, at_once=2, gpus=1, dry_run=False)
    assert capsys.readouterr().err == "study demo: no run to train; steps to do: compare, write_report\n"
    assert commands == []


def test_a_plan_is_a_forecast_of_the_runs_and_trials_that_are_left(commands, config, capsys):
    messages.print_plan(config, {"train": 3, "run_trial": 4, "compare": 1}, at_once=2, gpus=0, dry_run=False)
    [[python, script, option, text, *options]] = commands
    assert (python, Path(script).name, option, json.loads(text)) == (sys.executable, "estimate_study.py", "--config", config)
    assert options == ["--runs", "3", "--trials", "4", "--at-once", "2", "--gpus", "0"]
    assert capsys.readouterr().err == "watch it from another terminal: make status FOLLOW=1\n"
    messages.print_plan(config, {"train": 3, "run_trial": 4, "compare": 1}, at_once=2, gpus=0, dry_run=True)
    assert (commands[1:], capsys.readouterr().err) == ([[*commands[0], "--unmeasured"]], "")


def test_results_are_those_that_were_made(tmp_path, capsys, monkeypatch):
    """And not those that are there and may be stale."""
    monkeypatch.chdir(PROJECT)
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "comparison.md").touch()
    messages.print_results(folder, [], [])
    assert capsys.readouterr().err == "", "there is no run to list"
    (folder / "runs/ce/seed0").mkdir(parents=True)
    (folder / "runs/ce/seed0/run.json").touch()
    messages.print_results(folder, [], [])
    assert capsys.readouterr().err == "runs:   make runs STUDY=mine\n"
    curves = f"{folder}/figures/curves"
    messages.print_results(folder, [], [f"{curves}.png", f"{curves}.svg"])
    assert capsys.readouterr().err.splitlines() == [f"figure: {curves}.png", "runs:   make runs STUDY=mine"]
    messages.print_results(folder, [], [f"{curves}.png", f"{folder}/report.html", f"{folder}/comparison.md"])
    expected = [f"table:  {folder}/comparison.md", f"report: {folder}/report.html", "runs:   make runs STUDY=mine"]
    assert capsys.readouterr().err.splitlines() == expected


def test_a_search_that_needs_a_wider_space_is_warned_of_once_it_is_finished(tmp_path, capsys):
    searches = [{"own": "/dfl", "label": "DFL", "space": {"learning_rate": [0.001, 0.1]}, "images": 100}]
    messages.print_results(tmp_path, searches, [])
    assert "warning" not in capsys.readouterr().err
    trials = tmp_path / "search/dfl/trials.csv"
    trials.parent.mkdir(parents=True)
    for rate, count in ((0.01, 0), (0.1, 1)):
        trials.write_text(f"trial,round,value,diverged,learning_rate\n0,0,0.5,0,{rate}\n")
        messages.print_results(tmp_path, searches, [])
        warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
        assert len(warnings) == count
    assert warnings[0].startswith("warning: The best learning_rate for DFL is 0.1, at the edge of search.space.learning_rate (0.1): widen")


def failures(jobs, folder, capsys, logs=()):
    messages.print_failures(jobs, folder, logs, 0)
    output = capsys.readouterr()
    assert output.out == ""
    return output.err.splitlines()


@pytest.mark.parametrize(("free", "full"), [(0, True), (2**21, True), (2**25, False)])
def test_a_job_whose_message_found_no_room_on_the_disk_is_named_with_that(tmp_path, capsys, monkeypatch, free, full):
    (tmp_path / "cut.log").touch()
    monkeypatch.setattr(deaths.shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    jobs = [(f"Train {name}", tmp_path / f"{name}.log", [str(tmp_path / "missing")]) for name in ("cut", "not begun")]
    lines = failures(jobs, tmp_path, capsys)
    assert lines[:-1] == [f"Train cut failed: {deaths.NO_ROOM} ({tmp_path}/cut.log)"] * full


def test_a_job_that_a_cluster_refused_is_named_with_its_message_though_it_has_no_log_or_an_old_one(tmp_path, capsys):
    log, old, own = tmp_path / "new.log", tmp_path / "old.log", tmp_path / "snakemake.log"
    killed = tmp_path / "killed.log"  # while it wrote its files
    jobs = [(f"Train {path.stem}", path, [str(tmp_path / "missing")]) for path in (log, old, killed)]
    old.write_text("ValueError: no\n")
    (tmp_path / "started.json").touch()
    os.utime(old, (1, 1))
    killed.write_text("trained: 2 epochs\n")
    message = "    message: sbatch failed.\n    sbatch call:\n        x\n    jobid: 4\n"
    own.write_text(
        "".join(f"Error in rule a:\n{message}    log: {path} (check log file(s) for error details)\n" for path in (log, old, killed))
    )
    of_killed = f"Train killed failed: sbatch failed. Its log ends with 'trained: 2 epochs' ({killed})"
    assert failures(jobs, tmp_path, capsys, [own])[:-1] == [f"Train new, Train old failed: sbatch failed. ({log}, {old})", of_killed]


def test_failed_jobs_are_printed_with_their_error_and_others_are_not(tmp_path, capsys):
    existing, folder = tmp_path / "made", tmp_path / "demo"
    existing.touch()
    texts = {
        "bad": "Traceback\nValueError: no\n",
        "made": "train.py: no\n",
        "waits": "",
        "stopped": "train.py: stopped by SIGINT; saved\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.log").write_text(text)
    outputs = {"made": [str(existing)]}
    jobs = [(f"Train {name}", tmp_path / f"{name}.log", outputs.get(name, [str(tmp_path / "missing")])) for name in [*texts, "not begun"]]
    lines = failures(jobs, folder, capsys)
    assert lines[0] == f"Train bad failed: ValueError: no ({tmp_path}/bad.log)"
    assert len(lines) == 2
    assert lines[1].startswith("fix the cause, then rerun the same command: finished runs are kept")
    assert "`make status STUDY=demo` shows the progress of the study" in lines[1]
    [line] = failures(jobs[1:], folder, capsys)
    assert line.startswith("stopped before the end: rerun the same command")
    folder.mkdir()
    (folder / "started.json").touch()
    written = (tmp_path / "bad.log").stat().st_mtime
    os.utime(folder / "started.json", (written, written))
    assert len(failures(jobs, folder, capsys)) == 2
    os.utime(folder / "started.json", (written + 1, written + 1))
    assert len(failures(jobs, folder, capsys)) == 1, "a job that was not begun since has not failed"


def test_a_job_that_died_is_named_once_with_its_log_and_the_cause(tmp_path, capsys):
    """Also in its log, where `make status` finds it; one that was stopped by Ctrl-C is not."""
    logs = {name: tmp_path / f"{name}.log" for name in ("dead", "stopped", "waits")}
    for log in logs.values():
        log.write_text("")
    snakemakes = tmp_path / "snakemake.log"
    ended = "Error in rule train:\n    log: {} (check log file(s) for error details)\nCommand 'x 2> {}' returned non-zero exit status {}.\n"
    statuses = ((logs["dead"], 132), (logs["stopped"], 130))
    snakemakes.write_text("".join(ended.format(log, log, status) for log, status in statuses))
    jobs = [(f"Train {name}", log, [str(tmp_path / "missing")]) for name, log in logs.items()]
    for _ in range(2):
        error, todo = failures(jobs, tmp_path, capsys, [str(snakemakes)])
        assert error.startswith("Train dead failed: ")
        assert "killed by SIGILL: this processor lacks an instruction" in error
        assert error.endswith(f" ({logs['dead']})")
        assert todo.startswith("fix the cause, then rerun")
    assert logs["dead"].read_text().count("killed by SIGILL") == 1
    logs["dead"].write_text("trained: 2 epochs\n")  # it died while it wrote its files
    assert "killed by SIGILL" in failures(jobs, tmp_path, capsys, [str(snakemakes)])[0]
    assert read_log(logs["dead"]).error.startswith("killed by SIGILL")


# ------------------------------------------------------------------------------------------------------- inside Snakemake


WILDCARDS = {"train": {"variant": "ce", "seed": "0"}, "run_trial": {"round": "0", "trial": "0"}}


def job(rule, **resources):
    files = {"output": [f"results/demo/{rule}.csv"], "log": [f"results/demo/logs/{rule}.log"]}
    about = {"message": f"Do {rule}", "jobid": 0, "resources": resources, "wildcards": WILDCARDS.get(rule, {})}
    return SimpleNamespace(rule=SimpleNamespace(name=rule), **about, **files)


OWN = SimpleNamespace(rules=lambda: {name: name for name in ("train", "run_trial", "compare")}, is_module=False)


def workflow(jobs, replace=False, **limits):
    """As much of Snakemake as is looked at; its folder is there."""
    paths.SNAKEMAKE.mkdir(exist_ok=True)
    config = {"configfiles": [Path("config/demo.yaml").absolute()], "config_args": ["seeds=[5]"], "replace_workflow_config": replace}
    return SimpleNamespace(
        output_settings=SimpleNamespace(dryrun=False),
        dag=SimpleNamespace(needrun_jobs=lambda exclude_finished: iter(jobs)),
        deployment_settings=SimpleNamespace(deployment_method=frozenset()),
        config_settings=SimpleNamespace(**config),
        touch=False,
        global_resources={name: SimpleNamespace(value=value) for name, value in ({"_cores": 4, "_nodes": None} | limits).items()},
    )


def start(workflow, config, folders, reading=OWN):
    """The planned jobs of a study of which nothing is done yet."""
    return snakemake_internals.start(workflow, config, folders, reading, Finished(), Due.of(config))


@pytest.mark.parametrize(
    ("limits", "options"),
    [({"_cores": 1}, ["1", "1"]), ({"_cores": 1, "_nodes": 50}, ["50", "1"]), ({"_cores": 4, "_nodes": 50, "gpu": 3}, ["3", "3"])],
)
def test_a_start_plans_with_the_limits_of_the_call_and_records_its_overlays(tmp_path, monkeypatch, commands, config, limits, options):
    (tmp_path / "config").symlink_to(Path("config").absolute())
    monkeypatch.chdir(tmp_path)
    jobs = [job("train", jobs_per_gpu=2), job("train"), job("run_trial"), job("compare"), job("rule_of_another_workflow")]
    assert start(workflow(jobs, **limits), config, ["results/demo", "resources/synthetic"]) == jobs[:-1]
    [command] = commands
    assert command[command.index("--runs") :] == ["--runs", "2", "--trials", "1", "--at-once", options[0], "--gpus", options[1]]
    started = json.loads(Path("results/demo/started.json").read_text())
    assert started == {"configfiles": ["config/demo.yaml"], "config": {"seeds": [5]}, "state": started["state"]}


def test_the_config_that_another_workflow_gives_is_kept_for_commands_about_the_study(tmp_path, monkeypatch, commands, config):
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    Path("config/config.yaml").write_text("other: 1\n")  # of the other workflow
    own = SimpleNamespace(rules=OWN.rules, is_module=True)
    start(workflow([job("train")]), config, ["results/demo"], own)
    assert find.chosen("demo", []) == config


def test_a_config_that_replaces_that_of_the_workflow_is_kept_for_commands_about_the_study(tmp_path, monkeypatch, commands, config):
    monkeypatch.chdir(tmp_path)
    alone = find.complete({"study": "demo", "seeds": [3]} | {key: config[key] for key in ("variants", "baseline", "data")})
    assert alone != find.overlay([])
    start(workflow([job("train")], replace=True), alone, ["results/demo"])
    assert find.chosen("demo", []) == find.chosen(None, []) == alone


def test_a_start_removes_unfinished_files_of_killed_jobs(tmp_path, monkeypatch, commands, config, capsys):
    monkeypatch.chdir(tmp_path)
    left = Path(f"results/demo/.partial-{owner().replace(str(os.getpid()), '4194305')}-x")
    left.parent.mkdir(parents=True)
    left.touch()
    start(workflow([job("compare")]), config, ["results/demo", "missing"])
    assert not left.exists()
    assert f"removed unfinished files of killed jobs: {left}\n" in capsys.readouterr().err


def test_a_folder_that_may_not_be_written_to_ends_the_call_without_a_traceback(tmp_path, monkeypatch, config):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SystemExit, match=r"^\. is not writable: change its permissions"):
        start(workflow([job("train")]), config, [])


def test_jobs_without_a_log_cannot_have_failed():
    silent = job("all")
    silent.log = []
    train = job("train")
    assert list(snakemake_internals.logged([silent, train])) == [("Do train", Path(train.log[0]), train.output)]


def test_the_insides_of_snakemake_are_used_in_one_place():
    files = [PROJECT / "Snakefile", *(PROJECT / "workflow").rglob("*.smk"), *(PROJECT / "workflow/scripts").rglob("*.py")]
    uses = {path.name: set(re.findall(r"\bworkflow\.(\w+)", path.read_text())) - {"basedir"} for path in files}
    inside = {
        "config_settings",
        "dag",
        "dag_settings",
        "default_target",
        "deployment_settings",
        "global_resources",
        "is_rule",
        "modifier",
        "output_settings",
        "resource_settings",
        "rules",
        "touch",
    }
    assert uses.pop("snakemake_internals.py") == inside
    assert {name: used for name, used in uses.items() if used} == {"Snakefile": {"current_basedir"}}
