# What several phases need: names of files, the figures by name, and what is said before the first job.

import shlex
import subprocess
from collections import Counter
from snakemake.exceptions import WorkflowError
from snakemake.utils import available_cpu_count
from hardpair.files import paths
from hardpair.study import estimate
from hardpair.jobs.gpu import devices
from hardpair.jobs.logs import what_failed, written
from hardpair.study.find import remember
from hardpair.study.tidy import refuse_unwritable, tidy

VARIANTS = [variant["name"] for variant in config["variants"]]
SEEDS = config["seeds"]

# Without validation images there is no best model.
MODELS = ["last", "best"] if config["data"]["validation"] else ["last"]

# The file of the pairs that the study chooses for itself, if it does.
PAIRS = plan.chosen_pairs(config) or []

DOWNLOADED = f"{DATA}/download/{config['data']['kind']}.tar.gz"

# Figures by name with their titles, in the order of the report.
FIGURES = {
    "final": "The study in one figure",
    "variants": "Accuracy and confusion by variant",
    "plane": "The plane of exponents",
    "curves": "Course of training",
    "classes": "Accuracy by class",
    "confusion": "Confusion matrices",
    "reliability": "Confidence and accuracy",
    "weights": "What the focal weights did",
    "difficulty": "Easy and hard images",
    "search": "Search for the shared recipe",
    "hardest": "Hardest images of the pair",
}
if not config["search"]["enabled"]:
    del FIGURES["search"]
if not plan.plane(config["variants"]):
    del FIGURES["plane"]


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
    since = written(Path(STUDY) / paths.STARTED)  # which `announce` wrote
    print("\n".join(what_failed(told, STUDY, since)), file=sys.stderr)


def study_folder(wildcards):
    """Where the study's results lie, for commands that find files by folder."""
    return STUDY


def data_folder(wildcards):
    """Where the prepared images lie."""
    return DATA


def archive(wildcards):
    """The downloaded archive, where one is needed; a local source is checked by the script that reads it."""
    if config["data"]["kind"] == "synthetic" or config["data"]["source"] is not None:
        return []
    return DOWNLOADED


def run_files(name):
    """A file of every declared run."""
    path = f"<study>/{paths.RUN}/{name}"
    return [
        path.format(variant=variant, seed=seed)
        for variant in VARIANTS
        for seed in SEEDS
    ]


def evaluated_images():
    """The pictures that predictions are about; dataset.json alone tells when they change."""
    part = "train" if config["evaluate"]["images"] == "validation" else "test"
    return ancient(f"<data>/{part}/images.npy")


def trial_files(rounds):
    """Results of the first so many rounds of the search."""
    names = paths.trials(rounds, config["search"]["batch"])
    return [f"<study>/{paths.SEARCH}/{name}" for name in names]


def figure_files():
    """Both files of every figure."""
    return expand("<study>/figures/{name}.{kind}", name=FIGURES, kind=["png", "svg"])


def figure_params(*keys):
    """What a figure depends on, beside the results: variants, seeds and these keys."""
    return plan.params(plan.figure_settings(config, *keys))


def caption(name):
    """The caption of a figure in Snakemake's report and in ours."""
    return " ".join((ROOT / "workflow" / "report" / f"{name}.rst").read_text().split())


def shown(name):
    """A figure as an item of Snakemake's report, unless the study has none of that name."""
    file = f"<study>/figures/{name}.png"
    if name not in FIGURES:
        return file
    return report(
        file,
        caption=f"../report/{name}.rst",
        category="Figures",
        labels={"figure": FIGURES[name]},
    )
