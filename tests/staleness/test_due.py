"""The list of a study's jobs against the rules, records, and studies of earlier versions."""

import json
import os
import shutil
from pathlib import Path

import pytest

from hardpair.errors import UserError
from hardpair.files.atomic import file_sha256
from hardpair.staleness import record
from hardpair.staleness.code_hash import code_hash, planned
from hardpair.staleness.due import MISSING, NO_RECORD, Due
from hardpair.study import find
from hardpair.study.keep import keep_study, refuse_unrecorded
from hardpair.study.planned import refuse_outdated

SUMMARY = ("compare", "plot_figure", "assemble_figure", "write_report")


@pytest.fixture
def here(finished, tmp_path, monkeypatch):
    """The results of a finished study, in a copy where commands are called."""
    monkeypatch.chdir(finished.copy_results(tmp_path / "here").folder)
    return Path("results/tiny")


def test_jobs_depend_on_the_files_that_rules_name(finished, monkeypatch):
    header, *rows = (line.split("\t") for line in finished.snakemake("--detailed-summary").stdout.splitlines() if "\t" in line)
    made = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    monkeypatch.chdir(finished.folder)
    due = Due.of(find.overlay(["tiny.yaml"]))
    for job in due.declared.values():
        files = {file for group in record.groups(job.made).values() for file in group}
        # Of the images, dataset.json changes with all, and of an evaluation, metrics.json with predictions.npz.
        named = {file.replace("predictions.npz", "metrics.json") for file in made[job.outputs[0]]["input-file(s)"].split(",")}
        assert {file for file in named if not file.endswith(".npy") and "-due-" not in file} - {"-", ""} == files, job.message
        if job.record:
            assert made[job.outputs[0]]["log-file(s)"] == due.jobs.log(job)
        assert {made[output]["rule"] for output in [*job.outputs, *([job.record] if job.record else [])]} == {job.rule}


def test_a_record_holds_the_hashes_of_what_was_read(tmp_path):
    files = [tmp_path / name for name in ("one", "a0", "a1", "b0", "b1")]
    for file in files:
        file.write_text(file.name)
    each = {"path": f"{tmp_path}/{{variant}}{{seed}}", "variant": ["a", "b"], "seed": [0, 1]}
    code = ["split_data.py"]
    made = {"settings": "s", "code": planned(*code), "files": code, "inputs": [str(files[0])], "each": each}
    record.write(tmp_path / "record", made)
    written = json.loads((tmp_path / "record").read_text())
    assert written == record.contents(made)
    assert written["code"] == code_hash(*code)
    assert written["inputs"][str(files[0])] == file_sha256(files[0])
    for file in files:
        before = file.read_text()
        file.write_text("changed")
        assert record.contents(made) != written
        file.write_text(before)
    assert record.contents(made | {"each": each | {"seed": [0]}}) != written


def test_code_that_has_changed_since_the_job_was_planned_is_not_recorded(tmp_path):
    made = {"settings": "s", "code": f"{'0' * 16}-{'1' * 16}", "files": ["split_data.py"], "inputs": []}
    with pytest.raises(UserError, match="the code of this job has changed since it was planned"):
        record.write(tmp_path / "record", made)
    assert not (tmp_path / "record").exists()


def test_a_file_that_is_removed_while_it_is_checked_is_missing(here, monkeypatch):
    """As Snakemake does to the outputs of a job that it starts, while the status is shown."""
    due, file = Due.of(find.overlay(["tiny.yaml"])), here / "comparison.csv"
    time = due._time

    def removed_just_before(path):
        if path == file:
            file.unlink(missing_ok=True)
        return time(path)

    monkeypatch.setattr(Due, "_time", staticmethod(removed_just_before))
    assert due.reason(due.job("compare")) == (MISSING, f"{file} is missing")


def test_other_images_are_noticed_after_the_prepared_ones_were_deleted(here):
    shutil.rmtree("resources")
    assert Due.of(find.overlay(["tiny.yaml"])).all() == []
    other = find.overlay(["tiny.yaml"], {"data": {"synthetic": {"separation": 0.9}}})
    due = {job.rule for job in Due.of(other).all()}
    assert {"prepare_data", "split_data", "train", "evaluate", "compare"} <= due


def test_a_study_without_records_is_kept_or_refused(here):
    config = find.overlay(["tiny.yaml"])
    refuse_unrecorded(config)
    shutil.rmtree(here / "made")
    Path("resources/synthetic/made.json").unlink()
    with pytest.raises(UserError, match=r"^results/tiny has runs, but no made/.* run `python .*study\.py keep --study tiny`"):
        refuse_unrecorded(config)
    due = Due.of(config)
    assert due.all() == list(due.declared.values())
    reason = due.reason(due.job("prepare_data"))
    assert reason == (NO_RECORD, "resources/synthetic/made.json, which records what its files were made of, is missing")
    keep_study(config)
    assert {job.rule for job in Due.of(config).all()} == set(SUMMARY)
    refuse_unrecorded(config)


def test_a_result_is_recorded_once_and_what_is_said_of_the_next_jobs_is_true(here, capsys):
    config, metrics = find.overlay(["tiny.yaml"]), here / "runs/ce/seed1/metrics.json"
    keep_study(config)
    assert capsys.readouterr().out == "nothing is left to record in results/tiny; no job is due\n"
    record_of_evaluation = Path(Due.of(config).job("evaluate", variant="ce", seed="1").record)
    record_of_evaluation.unlink()
    keep_study(config)
    assert capsys.readouterr().out == "1 result recorded; no job is due\n"
    assert record_of_evaluation.exists()
    metrics.unlink()
    due = len(Due.of(config).all())
    keep_study(config)
    assert capsys.readouterr().out == f"nothing is left to record in results/tiny; the next `snakemake` runs {due} jobs\n"


def test_of_a_study_that_is_not_begun_nothing_is_kept_or_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UserError, match=r"^results/cifar10 does not exist: no study was started here yet: go to the folder of its results/$"
    ):
        keep_study(find.overlay([]))
    assert list(tmp_path.iterdir()) == []


def test_a_study_of_another_config_is_not_kept(here):
    shutil.rmtree(here / "made")
    with pytest.raises(UserError, match=r"ce_sampler/seed0/run\.json was not made by the present config and code"):
        keep_study(find.overlay(["tiny.yaml"], {"variants": [{"name": "ce"}, {"name": "ce_sampler"}, {"name": "dfl"}]}))
    assert not (here / "made").exists()


def test_what_another_command_has_done_since_it_was_planned_is_refused(here):
    due, table = Due.of(find.overlay(["tiny.yaml"])), here / "runs.csv"
    jobs = [("compare", {}), ("train", {"variant": "ce", "seed": "0"}), ("all", {})]
    text = table.read_text()
    table.unlink()
    refuse_outdated(due, jobs)
    assert due.reason(due.job("compare")) == ("missing", f"{table} is missing")
    table.write_text(text)
    with pytest.raises(UserError, match=r"^results/tiny was changed by another command .* \(Compare the runs\): start it again$"):
        refuse_outdated(due, jobs)
    refuse_outdated(due, jobs)


@pytest.mark.parametrize(
    ("file", "rule", "names"),
    [
        ("runs/ce/seed1/last.safetensors", "train", {"variant": "ce", "seed": 1}),
        ("runs/ce/seed1/history.npz", "train", {"variant": "ce", "seed": 1}),
        ("runs/ce/seed1/predictions.npz", "evaluate", {"variant": "ce", "seed": 1}),
        ("search/round0/trial1.json", "run_trial", {"round": 0, "trial": 1}),
        ("search/trials.csv", "select_recipe", {}),
        ("report.html", "write_report", {}),
    ],
)
def test_a_file_that_a_crash_has_zeroed_counts_as_missing(here, file, rule, names):
    due = Due.of(find.overlay(["tiny.yaml"]))
    assert due.all() == []
    os.truncate(here / file, 0)
    os.truncate(here / file, 100)
    due.look_again()
    assert due.reason(due.job(rule, **names)) == ("missing", f"{here / file} is cut short or damaged")
