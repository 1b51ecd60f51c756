# hardpair: does an adaptive loss or sampler make a classifier confuse look-alike classes less often?
#
#   snakemake --cores 4 --resources gpu=4                       the study of config/config.yaml
#   snakemake --cores 2 --configfile config/demo.yaml           the whole chain in two minutes, without network or GPU
#   snakemake --cores 4 --configfile config/published.yaml      an overlay: its keys replace those of config/config.yaml
#
# Each rule is a command line of the same name in workflow/scripts; the rules files are one phase each.

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from snakemake.utils import min_version

min_version("9.27")

sys.dont_write_bytecode = True  # study/bytecode.py has the reason
# The package beside this file, which workflow/Snakefile includes from a folder below; where this file alone was fetched from an address, as by
# `module:` with github(...), the one that pip installed.
if isinstance(workflow.current_basedir, os.PathLike):
    sys.path.insert(0, str(Path(workflow.current_basedir) / "workflow" / "scripts"))
elif find_spec("hardpair") is None:
    sys.exit(
        "the package hardpair is missing, which a Snakefile fetched by its address imports: `pip install .` in a clone of its version"
    )

from hardpair.staleness import code_hash, plan
from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.study import find
from hardpair.study.after_crash import refuse_files
from hardpair.study.broken_files import broken_files, remove_replaced
from hardpair.study.deaths import oom_kills
from hardpair.study.messages import print_failures, print_results
from hardpair.study.planned import refuse_changed, refuse_long
from hardpair.study.terminal import print_table, print_verdicts, print_warnings
from hardpair.study.snakemake_internals import (
    Reading,
    as_written,
    is_cluster_job,
    is_produced,
    logged,
    quieten,
    refuse_unknown_targets,
    start,
    warn_of_unknown_rules,
)

# Read before Snakemake reads it, which drops repeated keys, takes some texts for numbers, and names no line of a file that is no YAML.
try:
    READING = Reading(workflow)
    written = as_written(workflow)
except UserError as error:
    sys.exit(str(error))


configfile: find.base()


try:
    config = written.resolved()
    STUDY = str(paths.RESULTS / config["study"])
    DATA = str(paths.IMAGES / config["data"]["name"])
    refuse_files(Path(STUDY), Path(DATA))
    with written.placed():
        PICTURES = plan.pictures(config, Path(DATA))
    refuse_long(config)
    if is_cluster_job():
        refuse_changed(config)
except UserError as error:
    sys.exit(str(error))

planned = []  # the jobs of this call of Snakemake
oom_killed = oom_kills()  # counted before the jobs start


# With search.scope each, a variant's search lies in folders of its name, and its rules have the wildcard variant.
OWN_SEARCHES = plan.own_searches(config)


pathvars:
    study=STUDY,
    data=DATA,
    own=paths.own("{variant}" if OWN_SEARCHES else None),


wildcard_constraints:
    variant="|".join(
        variant["name"].replace(".", "[.]") for variant in config["variants"]
    ),
    seed=r"\d+",
    round=r"\d+",
    trial=r"\d+",


# Beside the package: a Snakefile that was fetched by its address cannot include files that lie below it.
RULES = code_hash.SCRIPTS.parent / "rules"


include: RULES / "common.smk"
include: RULES / "data.smk"
include: RULES / "search.smk"
include: RULES / "train.smk"
include: RULES / "evaluate.smk"
include: RULES / "report.smk"


onstart:
    planned.extend(
        start(
            workflow,
            config,
            [STUDY, DATA, *MARKS.folders()],
            READING,
            finished,
            due(),
        )
    )


onsuccess:
    if planned:  # not within a job of a cluster
        remove_replaced(config, [STUDY, DATA], is_produced(workflow))
    if any(
        file.endswith(paths.COMPARISON_TABLE)
        for job in planned
        for file in job.output
    ):
        print_table(
            Path(STUDY),
            {variant["name"]: variant["label"] for variant in config["variants"]},
        )
        print_warnings(Path(STUDY))
        print_verdicts(Path(STUDY))
    print_results(
        Path(STUDY),
        plan.searches_shown(config),
        [file for job in planned for file in job.output],
    )


onerror:
    print_failures(logged(planned), Path(STUDY), log, oom_killed)


BROKEN = frozenset()  # by crashes of the machine
if not is_cluster_job():
    BROKEN = broken_files(config, Path(STUDY), Path(DATA), is_produced(workflow))

finished = quieten(workflow, config, READING, BROKEN)  # prints a line for each run


rule all:
    default_target: READING.is_first
    input:
        "<study>/comparison.md",
        "<study>/report.html",
        figure_files(),
        BROKEN,  # a missing file is made only where it is asked for
    message:
        "Complete the study"


try:
    refuse_unknown_targets(
        workflow,
        variant=VARIANTS,
        seed=SEEDS,
        figure=FIGURES,
        kind=config["data"]["kind"],
        round=0,
        trial=0,
    )
except UserError as error:
    sys.exit(str(error))
warn_of_unknown_rules(workflow)
