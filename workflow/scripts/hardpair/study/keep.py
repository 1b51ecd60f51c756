"""Keep the results of a study that was made before hardpair recorded what files were made of. Imports no torch."""

import contextlib
from pathlib import Path

from hardpair.comparison.tables import wrong_evaluation
from hardpair.errors import UserError, say
from hardpair.files import formats, paths
from hardpair.files.json_text import read_json
from hardpair.jobs import locks
from hardpair.staleness import plan, record
from hardpair.staleness.due import Due
from hardpair.staleness.jobs import Job
from hardpair.study import find
from hardpair.wording import counted

KEPT = "prepare_data", "split_data", "propose_trials", "select_recipe", "choose_pairs", "evaluate"  # the rest is made again in a minute


def refuse_unrecorded(config: dict) -> None:
    """Refuse to train a study's runs again for the single reason that it was made before there were records.

    Raises:
        UserError: names the command that keeps its results.
    """
    study = paths.RESULTS / config["study"]
    if (study / paths.SPLIT).exists() and not (study / paths.MADE).exists() and paths.every(study, paths.RUN_RECORD):
        keep, clean = (find.command(name, config["study"]) for name in ("keep", "clean"))
        raise UserError(
            f"{study} has runs, but no {paths.MADE}/, which records what its split and recipe were made of: run `{keep}` to keep its "
            f"results as made by the present config and code, or `{clean}` to remove the study"
        )


def keep_study(config: dict) -> None:
    """Record images, split, search and evaluations of a study as made by its present config and code; print how many.

    Raises:
        UserError: a run, a trial or the split is not what the present config and code would make, or the study is at work or not begun.
    """
    study, due = find.folder_of(config["study"]), Due.of(config)
    lock = locks.take_study(study)
    try:
        for job in due.declared.values():
            if not job.record and (written := due.json(job.outputs[0])) and written.get("fingerprint") != due.fingerprint(job):
                raise UserError(f"{job.outputs[0]} was not made by the present config and code: restore those that made it")
        if read_json(due.jobs.split)["data_sha256"] != read_json(due.jobs.about)["sha256"]:
            raise UserError(f"{due.jobs.split} was made from other images than {due.jobs.about}: prepare those images again")
        kept = [job for job in due.declared.values() if _is_kept(job, config)]
        for job in kept:
            record.write(job.record, job.made)
    finally:
        lock.release()
    due.look_again()
    recorded = f"{counted(len(kept), 'result')} recorded" if kept else f"nothing is left to record in {study}"
    left = len(due.all())
    say(f"{recorded}; the next `snakemake` runs {counted(left, 'job')}" if left else f"{recorded}; no job is due")


def _is_kept(job: Job, config: dict) -> bool:
    """Whether a job's files exist and have no record yet."""
    if job.rule not in KEPT or Path(job.record).exists() or not all(map(Path.exists, map(Path, job.outputs))):
        return False
    if job.rule != "evaluate":
        return True
    with contextlib.suppress(UserError, OSError):
        run, measured = read_json(job.inputs[0]), formats.read_metrics(Path(job.outputs[0]))
        return not wrong_evaluation(run, measured, plan.evaluate_settings(config) | {"pairs": _pairs(config)})
    return False


def _pairs(config: dict) -> list:
    chosen = plan.chosen_pairs(config)
    return read_json(chosen)["pairs"] if chosen else config["pairs"]
