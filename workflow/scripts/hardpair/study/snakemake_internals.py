"""Every use of Snakemake's undocumented internals, so that a new version that changes them needs changes here alone.

One more is in the Snakefile, which must know its own folder before it can import this.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import available_cpu_count

from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.jobs import locks
from hardpair.study import find, messages
from hardpair.study.after_crash import refuse_unwritable, tidy

_locks = []  # a lock that nothing refers to is released


def start(workflow, config: dict, folders: list[str]) -> list:
    """Prepare the folders of a study and its data, record what it is started with, print its plan; return the planned jobs.

    The study's lock is held until this process ends.

    Raises:
        WorkflowError: a folder is not writable, or another command is at work on the study. Snakemake shows this type without a traceback,
            any other with one.
    """
    # The jobs of this call: only the graph has them before they start. Without them there is no check of folders, no forecast, and no list
    # of what failed.
    jobs = list(workflow.dag.needrun_jobs())
    try:
        refuse_unwritable({Path(file).parent for job in jobs for file in (*job.output, *job.log)})
        _locks.append(locks.take_study(paths.RESULTS / config["study"]))
    except UserError as error:
        raise WorkflowError(str(error)) from None
    tidy(map(Path, folders))
    # The overlays and --config of the command line, of which a Snakefile sees only the merged config. Without them `make status` knows a
    # study only if its overlays are named again.
    settings = workflow.config_settings
    find.remember(paths.RESULTS / config["study"], settings.configfiles, dict(settings.config))
    # --cores, --jobs and --resources, which a Snakefile cannot read otherwise. Without them the forecast is of one job after the other.
    limits = {name: limit.value for name, limit in workflow.global_resources.items()}
    jobs_per_gpu = max((job.resources.get("jobs_per_gpu", 1) for job in jobs), default=1)
    at_once = messages.jobs_at_once(limits["_cores"], limits.get("gpu"), limits["_nodes"], jobs_per_gpu, available_cpu_count())
    messages.print_plan(config, Counter(job.rule.name for job in jobs), at_once, limits.get("gpu", 1))
    return jobs


def logged(jobs: list) -> Iterator[tuple[str, Path, list[str]]]:
    """Message, log and output files of each of Snakemake's jobs, as ``print_failures`` takes them."""
    return ((job.message, Path(job.log[0]), job.output) for job in jobs if job.log)
