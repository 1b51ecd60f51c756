# What several phases need: names of files, the figures of the study, and what is said before the first job.

import shlex
import subprocess
from collections import Counter
from snakemake.exceptions import WorkflowError
from snakemake.utils import available_cpu_count
from hardpair.data import sources
from hardpair.figures import catalogue
from hardpair.study import estimate
from hardpair.jobs.gpu import devices
from hardpair.jobs.logs import what_failed, written
from hardpair.study.find import STARTED, remember
from hardpair.study.tidy import refuse_unwritable, tidy

VARIANTS = [variant["name"] for variant in config["variants"]]
SEEDS = config["seeds"]

# Without validation images there is no best model.
MODELS = ["last", "best"] if config["data"]["validation"] else ["last"]

# The file of the pairs that the study chooses for itself, if it does.
PAIRS = plan.chosen_pairs(config) or []

SOURCE = sources.get(config["data"]["kind"])
DOWNLOADED = f"{DATA}/download/{config['data']['kind']}.tar.gz"

FIGURES = plan.figures(config)


planned = []  # the jobs of this call of Snakemake


def put_right(jobs):
    """See that the jobs may write, and that nothing in their way is left of a crash."""
    files = {file for job in jobs for file in (*job.output, *job.log)}
    try:
        refuse_unwritable({Path(file).parent for file in files})
    except UserError as error:
        raise WorkflowError(str(error))
    tidy([STUDY, DATA])


def announce(jobs):
    """Note what the study is started with; say what will run, how long that should take and where to look."""
    planned.extend(jobs)
    settings = workflow.config_settings
    remember(Path(STUDY), settings.configfiles, dict(settings.config))
    count = Counter(job.rule.name for job in planned)
    if not count["train"] + count["run_trial"]:
        print(
            f"study {config['study']}: no run to train; steps to do: {', '.join(count)}",
            file=sys.stderr,
        )
        return
    limits = {name: limit.value for name, limit in workflow.global_resources.items()}
    gpus = limits.get("gpu")
    if limits["_nodes"]:
        at_once = min(limits["_nodes"], gpus or limits["_nodes"])
    else:
        share = max(job.resources.get("jobs_per_gpu", 1) for job in planned)
        found = len(devices()), share, available_cpu_count()
        at_once = estimate.side_by_side(limits["_cores"], gpus, *found)
    subprocess.run(
        [
            sys.executable,
            "workflow/scripts/estimate_study.py",
            "--config",
            plan.params(config),
        ]
        + ["--runs", str(count["train"]), "--trials", str(count["run_trial"])]
        + ["--at-once", str(at_once)]
        + ["--gpus", str(1 if gpus is None else gpus)],
        stdout=sys.stderr,
    )
    print("watch it from another terminal: make status FOLLOW=1", file=sys.stderr)


def explain():
    """Say which jobs failed and why, and what to do."""
    told = [(job.message, Path(job.log[0]), job.output) for job in planned if job.log]
    since = written(Path(STUDY) / STARTED)  # which `announce` wrote
    print("\n".join(what_failed(told, STUDY, since)), file=sys.stderr)


def study_folder(wildcards):
    """Where the study's results lie, for commands that find files by folder."""
    return STUDY


def data_folder(wildcards):
    """Where the prepared images lie."""
    return DATA


def archive(wildcards):
    """The downloaded archive, where one is needed; a local source is checked by the script that reads it."""
    return DOWNLOADED if SOURCE.release and config["data"]["source"] is None else []


def run_files(name):
    """A file of every declared run."""
    return [
        f"<study>/runs/{variant}/seed{seed}/{name}"
        for variant in VARIANTS
        for seed in SEEDS
    ]


def evaluated_images():
    """The pictures that predictions are about; dataset.json alone tells when they change."""
    part = "train" if config["evaluate"]["images"] == "validation" else "test"
    return ancient(f"<data>/{part}/images.npy")


def trial_files(rounds):
    """Results of the first so many rounds of the search."""
    batch = config["search"]["batch"]
    return [
        f"<study>/search/round{trial // batch}/trial{trial}.json"
        for trial in range(rounds * batch)
    ]


def figure_files():
    """Both files of every figure."""
    return expand("<study>/figures/{name}.{kind}", name=FIGURES, kind=["png", "svg"])


def figure_inputs(name):
    """Files that a figure depends on."""
    figure = FIGURES[name]
    if figure.reads == catalogue.SEARCH:
        return [rules.select_recipe.output.trials]
    files = run_files(figure.reads)
    if PAIRS and "pairs" in figure.keys:
        files.append(PAIRS)
    if "data" in figure.also:
        files += [
            rules.prepare_data.output.about,
            *map(ancient, rules.prepare_data.output.arrays),
        ]
    if "split" in figure.also:
        files += rules.split_data.output
    return files


def figure_arguments(wildcards):
    """Where a figure's command finds its inputs: runs by folder, since no command line has room for a path of each."""
    places = {"runs": f"{STUDY}/runs", "trials": f"{STUDY}/search/trials.csv"}
    places |= {"data": DATA, "split": f"{STUDY}/split.json"}
    return " ".join(
        f"--{name} {places[name]}" for name in FIGURES[wildcards.figure].inputs
    )
