# hardpair: does an adaptive loss or sampler make a classifier confuse look-alike classes less often?
#
#   snakemake --cores 4 --resources gpu=4                       the study of config/config.yaml
#   snakemake --cores 2 --configfile config/demo.yaml           the whole chain in two minutes, without network or GPU
#   snakemake --cores 4 --configfile config/published.yaml      an overlay: its keys replace those of config/config.yaml
#
# Each rule is a command line of the same name in workflow/scripts; the rules files are one phase each.

import os
import sys
from pathlib import Path
from snakemake.utils import min_version

min_version("9.12")

# Inside Snakemake: workflow.basedir is the folder of workflow/Snakefile where that includes this file, and the package would not be found.
ROOT = Path(workflow.current_basedir)
# Neither here nor in jobs: study/bytecode.py has the reason.
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from hardpair.staleness import plan
from hardpair.staleness.jobs import TABLES
from hardpair.config.resolve import resolve
from hardpair.errors import UserError
from hardpair.files import paths
from hardpair.study.deaths import oom_kills
from hardpair.study.messages import print_failures, print_results
from hardpair.study.terminal import print_table
from hardpair.study.snakemake_internals import (
    as_written,
    logged,
    quieten,
    refuse_unknown_targets,
    set_aside_broken,
    start,
)

# Read before Snakemake reads it, which drops repeated keys, takes some texts for numbers, and names no line of a file that is no YAML.
try:
    written = as_written(workflow)
except UserError as error:
    sys.exit(str(error))


configfile: "config/config.yaml"


try:
    config = resolve(config if written is None else written)
    STUDY = str(paths.RESULTS / config["study"])
    DATA = str(paths.IMAGES / config["data"]["name"])
    PICTURES = plan.pictures(config, Path(DATA))
except UserError as error:
    sys.exit(str(error))

planned = []  # the jobs of this call of Snakemake
finished = quieten(workflow)  # prints a line for each run
oom_killed = oom_kills()  # before them


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


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


onstart:
    planned.extend(
        start(workflow, config, [STUDY, DATA, *MARKS.folders()], finished)
    )


onsuccess:
    if any(
        file.endswith("comparison.csv") for job in planned for file in job.output
    ):
        print_table(Path(STUDY))
    print_results(
        Path(STUDY),
        plan.searches_shown(config),
        [file for job in planned for file in job.output],
    )


onerror:
    print_failures(logged(planned), Path(STUDY), log, oom_killed)


rule all:
    default_target: True
    input:
        "<study>/comparison.md",
        "<study>/report.html",
        figure_files(),
        set_aside_broken(workflow, config, Path(STUDY), Path(DATA)),
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
