"""What the jobs of a study were planned with: a job of a cluster reads config and code again, maybe days later."""

import hashlib

from hardpair.config.resolve import canonical
from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.files.json_text import read_json
from hardpair.staleness import plan
from hardpair.staleness.code_hash import code_hash


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
