"""Every use of Snakemake's undocumented internals, so that a new version that changes them needs changes here alone.

One more is in the Snakefile, which must know its own folder before it can import this.
"""

import argparse
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import pairwise, takewhile
from pathlib import Path

from snakemake.cli import get_argument_parser
from snakemake.io import expand
from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake.settings.types import RerunTrigger
from snakemake.utils import available_cpu_count

from hardpair.config.sentences import nearest_path
from hardpair.config.written import Written
from hardpair.errors import UserError, say
from hardpair.files import paths
from hardpair.files.atomic import PARTIAL
from hardpair.jobs import locks
from hardpair.jobs.stopping import interrupt_once
from hardpair.staleness.code_hash import SCRIPTS
from hardpair.staleness.due import Due
from hardpair.study import find, messages, planned
from hardpair.study.after_crash import refuse_unwritable, tidy
from hardpair.study.broken_files import print_broken, set_aside
from hardpair.study.bytecode import write_bytecode
from hardpair.study.interpreter import refuse_other_python
from hardpair.study.own_code import refuse_faulty
from hardpair.study.register import register
from hardpair.study.terminal import DryRunEnd, Finished, Quiet

_locks = []  # a lock that nothing refers to is released


class Reading:
    """How this workflow is read: by itself, or by another workflow's ``module:``.

    Attributes:
        is_module: by another workflow's.
        is_first: no rule is known yet, so that the study is what is made by default; not where rules of another workflow come before.
        scripts: where commands find the scripts. Another workflow may change its working directory later.

    Raises:
        UserError: the other workflow gives paths a prefix.
    """

    def __init__(self, workflow) -> None:
        self._modifier = workflow.modifier
        if self._modifier.modify_path(str(paths.RESULTS)) != str(paths.RESULTS):
            raise UserError("module: prefix and replace_prefix are not supported: leave them out, and give the study a name of its own")
        self.is_module = not self._modifier.is_main_snakefile()
        self.is_first = workflow.default_target is None
        self.scripts = str(SCRIPTS) if self.is_module else find.typed(SCRIPTS)

    def rules(self) -> dict[str, str]:
        """The rules of this workflow by their names in the graph of jobs, which ``use rule * from hardpair as other_*`` changes."""
        return {self._modifier.modify_rulename(name): name for name in self._modifier.rule_proxies._rules}


def as_written(workflow) -> Written:
    """The config of config/config.yaml and the command line; or of config/config.yaml and the ``config`` that another workflow gives in
    its ``module:``.

    Snakemake reads the same files as YAML 1.1: it drops repeated keys, and turns texts into numbers and dates.

    Raises:
        UserError: a file or a key cannot be read, or an option is given twice.
    """
    if workflow.modifier.skip_configfile:  # by `module:`; config/config.yaml of this folder is that of the other workflow
        return Written.read([find.SHIPPED / find.BASE], workflow.modifier.globals["config"])
    settings = workflow.config_settings
    if not is_cluster_job():
        refuse_repeated(command_line())
    base = [] if settings.replace_workflow_config else [find.base()]
    return Written.read([*base, *map(find.typed, settings.configfiles)], find.changes_of(settings.config_args))


def only_marks_count(workflow, reading: Reading) -> frozenset[str]:
    """Have Snakemake compare nothing but times of files, so that jobs run for their marks alone; return what is forced to run.

    Without such a profile, it would run jobs also for what it remembers of them, or would not run them where it remembers nothing.
    It would also run jobs again that had written all files when Snakemake was killed. Their files are complete, since each is written under
    another name and then renamed; other workflows may have rules for which that does not hold.
    """
    workflow.dag_settings.rerun_triggers = frozenset({RerunTrigger.MTIME})
    workflow.dag.ignore_incomplete = not reading.is_module
    own = reading.rules()
    forced = own if workflow.dag_settings.forceall else workflow.dag_settings.forcerun
    return frozenset(own.get(name, name) for name in forced)


def refuse_repeated(arguments: Sequence[str]) -> None:
    """Refuse a command line of Snakemake with an option of which only the last would count.

    Raises:
        UserError: names the option.
    """
    values = defaultdict(list)  # by attribute, the default first

    class Values(argparse.Namespace):
        def __setattr__(self, name: str, value: object) -> None:
            values[name].append(value)
            super().__setattr__(name, value)

    cli = get_argument_parser()
    cli.parse_args(list(takewhile(lambda word: word != "--", arguments)), Values())
    for action in cli._actions:
        given = [] if isinstance(action, argparse._AppendAction) else values[action.dest][1:]
        if action.option_strings and any(earlier != later for earlier, later in pairwise(given)):
            many = ", with all its values after it" if action.nargs in ("*", "+") else ""
            raise UserError(f"{action.option_strings[0]} is given twice, but Snakemake uses only the last: write it once{many}")


def refuse_unknown_targets(workflow, **wildcards: object) -> None:
    """Refuse targets of the command line that no rule makes.

    Args:
        wildcards: values of each wildcard of the rules, to name the file or rule of the most similar name.

    Raises:
        UserError: names one.
    """

    def is_made(target: str) -> bool:
        return workflow.is_rule(target) or any(rule.is_producer(target) for rule in workflow.rules)

    def is_config(word: str) -> bool:
        return word.endswith((".yaml", ".yml", ".json")) and os.path.exists(word)

    # Before the jobs are known, the command line alone has the targets. Most have none, and to parse it takes half a second.
    words, option = [], ""
    for word in command_line():
        option = word if word.startswith("-") else option
        is_read = os.path.exists(word) and (option.startswith("--configfile") or not is_config(word))
        if not (is_read or "=" in word or re.match(r"-|\d+$", word)):
            words.append(word)
    if all(map(is_made, words)) or is_cluster_job() or not workflow.modifier.is_main_snakefile():  # others may follow
        return
    for target in filter(lambda target: not is_made(target), get_argument_parser().parse_args(command_line()).targets):
        if is_config(target):
            raise UserError(f"the target {target} is a file that no rule makes: if it is a config, write --configfile before it")
        files = [re.sub(r"{(\w+)[^{}]*}", r"{\1}", file) for rule in workflow.rules for file in rule.output]
        near = nearest_path(target, [*expand(files, **wildcards), *(rule.name for rule in workflow.rules)])
        advice = f"did you mean {near}?" if near else "`snakemake --list-rules` lists the rules, and results/README.md the files"
        raise UserError(f"the target {target} is neither a rule nor a file that a rule makes: {advice}")


def warn_of_unknown_rules(workflow) -> None:
    """Print settings of resources or threads for a rule that does not exist, but has the name of one nearly; Snakemake ignores them.

    A profile may hold those of other workflows' rules too.
    """
    if is_cluster_job() or not workflow.modifier.is_main_snakefile():  # others may follow
        return
    rules, settings = {rule.name for rule in workflow.rules}, workflow.resource_settings
    for option, given in (("set-resources", settings.overwrite_resources), ("set-threads", settings.overwrite_threads)):
        for name in sorted(set(given) - rules):
            if near := nearest_path(name, rules):
                say(f"warning: {option} names the rule {name}, which does not exist: did you mean {near}?", file=sys.stderr)


def is_produced(workflow) -> Callable[[str], bool]:
    """Whether a rule makes a file of a name."""
    return lambda file: any(rule.is_producer(file) for rule in workflow.rules)


def command_line() -> list[str]:
    """The arguments of Snakemake, if this is its own program."""
    program = Path(sys.argv[0])
    is_own = program.name == "snakemake" or program.parts[-2:] == ("snakemake", "__main__.py")  # python -m snakemake
    return sys.argv[1:] if is_own else []


def is_cluster_job() -> bool:
    """Whether this process is the one in which a job of a cluster runs."""
    return "--target-jobs" in command_line()


def quieten(workflow, config: dict, reading: Reading, broken: Collection[str]) -> Finished:
    """Leave Snakemake's text on jobs to its log, where the command line has no flag of its own about what is printed; end a dry run with
    the study's plan.

    Args:
        broken: what ``broken_files`` returned.

    Returns:
        What prints a line for each finished run, once the jobs are known.
    """
    finished, settings = Finished(), workflow.output_settings
    if settings.dryrun and Quietness.ALL not in (settings.quiet or ()):
        logger.addHandler(DryRunEnd(lambda: _end_dry_run(workflow, config, reading, broken)))
    usual = {Quietness.HOST, Quietness.REASON}  # profiles/default
    loud = settings.verbose or settings.printshellcmds or settings.debug_dag or set(settings.quiet or ()) != usual
    if not (loud or settings.dryrun or is_cluster_job()):
        for handler in logger.handlers:
            if handler.name == "DefaultStreamHandler":
                handler.addFilter(Quiet())
        logger.addHandler(finished)
    return finished


def start(workflow, config: dict, folders: list[str], reading: Reading, finished: Finished, due: Due) -> list:
    """Prepare the folders of a study, its data and its marks, record what it is started with, register what it declares, print its plan;
    return its planned jobs.

    The study's lock is held until this process ends.

    Args:
        folders: those of the study, its data and its marks.
        reading: how the rules were read.
        finished: what ``quieten`` gave.
        due: what the jobs were planned by.

    Raises:
        SystemExit: a folder is not writable, the disk is full, another command is or was at work on the study, or a plugin is wrong. Of
            this type Snakemake shows the sentence alone, and frees its lock.
    """
    jobs = _planned_jobs(workflow, reading)
    try:
        cores, nodes = (workflow.global_resources[name].value for name in ("_cores", "_nodes"))
        if cores is not None and cores < 1 and not nodes:
            raise UserError(f"--cores is {cores}, so that no job could ever start: give at least 1")
        refuse_unwritable({Path(file).parent for job, _ in jobs for file in (*job.output, *job.log)})
        # --sdm, by which jobs have environments of their own. Without it, such a study would be refused where PATH has another python.
        if jobs and not workflow.deployment_settings.deployment_method:
            refuse_other_python()
        study = paths.RESULTS / config["study"]
        _locks.append(locks.take_study(study))
        planned.refuse_outdated(due, ((name, dict(job.wildcards.items())) for job, name in jobs))
        planned.refuse_state(config, {name for _, name in jobs})
        tidy(map(Path, folders), [entry for entry in os.scandir(paths.SNAKEMAKE) if entry.name.startswith(PARTIAL)])
        write_bytecode(SCRIPTS)
        if {"train", "run_trial"} & {name for _, name in jobs}:
            refuse_faulty(config)
        if not workflow.touch:  # by which no job makes a file
            set_aside(due.broken, _outputs(jobs))
        # The overlays and --config of the command line, of which a Snakefile sees only the merged config. Without them `make status` knows
        # a study only if its overlays are named again.
        settings = workflow.config_settings
        if reading.is_module or settings.replace_workflow_config:  # not config/config.yaml with the overlays of the command line
            find.remember(study, [], config, planned.state(config), complete=True)
        else:
            find.remember(study, settings.configfiles, find.changes_of(settings.config_args), planned.state(config))
        register(study, config)
    except UserError as error:
        sys.exit(str(error))
    except OSError as error:
        where, what = error.filename or paths.RESULTS, error.strerror or error
        sys.exit(f"{where}: {what}: free space, or work in a folder of your own")
    interrupt_once()
    finished.expect((job.jobid, name, job.message or name) for job, name in jobs)
    _print_plan(workflow, config, jobs, reading)
    return [job for job, _ in jobs]


def _end_dry_run(workflow, config: dict, reading: Reading, broken: Collection[str]) -> None:
    """Print the plan, which broken files it replaces, and why the command would be refused if it were no dry run."""
    jobs = _planned_jobs(workflow, reading)
    print_broken(broken, _outputs(jobs))
    _print_plan(workflow, config, jobs, reading)
    try:
        planned.refuse_state(config, {name for _, name in jobs})
    except UserError as error:
        say(f"without --dry-run this would be refused: {error}", file=sys.stderr)


def _planned_jobs(workflow, reading: Reading) -> list[tuple[object, str]]:
    """The jobs of this call that are of this workflow, with the names of their rules in it.

    Only the graph has them before they start, and after a dry run, in which all count as finished. Without them there is no check of
    folders, no forecast, and no list of what failed.
    """
    own = reading.rules()
    return [(job, own[job.rule.name]) for job in workflow.dag.needrun_jobs(exclude_finished=False) if job.rule.name in own]


def _outputs(jobs: list[tuple[object, str]]) -> Iterator[str]:
    """The files that jobs make."""
    return (file for job, _ in jobs for file in job.output)


def _print_plan(workflow, config: dict, jobs: list[tuple[object, str]], reading: Reading) -> None:
    """Print the plan of ``_planned_jobs``."""
    # --cores, --jobs and --resources, which a Snakefile cannot read otherwise. Without them the forecast is of one job after the other.
    limits = {name: limit.value for name, limit in workflow.global_resources.items()}
    jobs_per_gpu = max((job.resources.get("jobs_per_gpu", 1) for job, _ in jobs), default=1)
    at_once = messages.jobs_at_once(limits["_cores"], limits.get("gpu"), limits["_nodes"], jobs_per_gpu, available_cpu_count())
    counts = Counter(name for _, name in jobs)
    with_work = {name: counts[name] for name in reading.rules().values() if counts[name] and name != "all"}
    messages.print_plan(config, with_work, at_once, limits.get("gpu", 1), workflow.output_settings.dryrun)


def logged(jobs: list) -> Iterator[tuple[str, Path, list[str]]]:
    """Message, log and output files of each of Snakemake's jobs, as ``print_failures`` takes them."""
    return ((job.message, Path(job.log[0]), job.output) for job in jobs if job.log)
