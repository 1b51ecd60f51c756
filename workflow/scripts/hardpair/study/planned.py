"""Whether jobs can be run as they are planned.

Their settings fit into a command and are those of the plan when a cluster runs the job later; they spoil no results that are there; and no
other command has made their files meanwhile.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from hardpair import plugins
from hardpair.config.resolve import canonical
from hardpair.data import sources
from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.files.json_text import read_json
from hardpair.staleness import plan
from hardpair.staleness.code_hash import code_hash
from hardpair.staleness.due import Due
from hardpair.study import find
from hardpair.study.keep import refuse_unrecorded
from hardpair.study.replaced import interrupted

LONGEST = 110_000  # bytes of settings; Linux permits 131,072 for one argument, here the command of a job as a text


def state(config: dict) -> str:
    """Hash of the settings and the code of all jobs that a cluster may run."""
    jobs = [(plan.prepare_settings(config), plan.prepare_files(config)), (plan.evaluate_settings(config), ["evaluate.py"])]
    jobs += [(plan.trial_settings(config, owner), plan.trial_files(config, owner)) for owner in plan.searches(config)]
    jobs += [(plan.train_settings(config, name), plan.train_files(config, name)) for name in (each["name"] for each in config["variants"])]
    texts = [canonical(settings) + code_hash(*files) for settings, files in jobs]
    return hashlib.sha256(canonical([config["study"], config["seeds"], texts]).encode()).hexdigest()[:16]


def refuse_changed(config: dict) -> None:
    """Refuse, in a job of a cluster, settings or code that the study was not started with: it would be recorded as a job of them.

    Raises:
        UserError: they have changed.
    """
    started = paths.RESULTS / config["study"] / paths.STARTED
    if not started.exists() or read_json(started).get("state", known := state(config)) != known:
        raise UserError(f"the config or the code of the study {config['study']} has changed since its command was started: start it again")


def refuse_outdated(due: Due, jobs: Iterable[tuple[str, dict]]) -> None:
    """Refuse jobs, each a rule with its wildcards, that another command has done since they were planned by ``due``.

    To be called under the study's lock: until it is held, another command may be at work.

    Raises:
        UserError: one is done.
    """
    recorded = {rule for rule, _ in due.declared}
    planned = [job for job in (due.job(rule, **names) for rule, names in jobs if rule in recorded) if due.reason(job)]
    due.look_again()
    if done := next((job for job in planned if not due.reason(job)), None):
        raise UserError(f"{due.jobs.study} was changed by another command while this one was planned ({done.message}): start it again")


def refuse_state(config: dict, rules: set[str]) -> None:
    """Refuse jobs of these rules beside results that they would spoil; a dry run reports it too.

    Raises:
        UserError: an import of runs was interrupted, records are missing, or images of another study would be replaced.
    """
    study = paths.RESULTS / config["study"]
    if interrupted(study):  # undone now, it would leave the graph of jobs without runs that it counts on
        adopt = find.command("adopt")
        raise UserError(f"an import of runs into {study} was interrupted: first run `{adopt}` again with the same runs and overlays")
    refuse_unrecorded(config)
    if "prepare_data" in rules:
        refuse_replacing(config)


def refuse_replacing(config: dict) -> None:
    """Refuse to prepare images in the place of those that another study of this folder uses: all its runs would become stale.

    Raises:
        UserError: names that study and what differs.
    """
    name, own = config["data"]["name"], _images(config)
    for split in sorted(paths.RESULTS.glob(f"*/{paths.SPLIT}")):
        study, other = split.parent.name, {}
        try:
            other = find.chosen(study, [])["data"] if study != config["study"] else {}
        except UserError:  # a study of unknown config does not start either
            continue
        finally:
            plugins.use(config["plugins"])  # that config has its own
        if other.get("name") == name and (theirs := _images({"data": other})) != own:
            keys = sorted(f"data.{key}" for key in own.keys() | theirs.keys() if own.get(key) != theirs.get(key))
            raise UserError(
                f"data.name {name} is also that of the study {study}, whose images differ in {', '.join(keys)} and would be replaced: give "
                "the images of this study another data.name"
            )


def _images(config: dict) -> dict:
    """What decides which images are prepared: the kind, its settings, and the place of images that are not official ones."""
    data, source = config["data"], sources.get(config["data"]["kind"])
    place = {"source": Path(data["source"]).resolve()} if source.local and not source.release else {}
    return {"kind": data["kind"]} | plan.prepare_settings(config) | place


def refuse_long(config: dict) -> None:
    """Refuse a study whose settings of all variants are too long for a command, before the first run: it would fail after the last.

    Raises:
        UserError: says so.
    """
    longest = max(len(plan.params(settings).encode()) for settings in (plan.compare_settings(config), plan.report_settings(config)))
    if longest > LONGEST:
        raise UserError(
            f"config: the settings of its {len(config['variants'])} variants have {longest // 1000} KB together, and a command of at most "
            f"{LONGEST // 1000} KB must hold them: divide the variants among several studies"
        )
