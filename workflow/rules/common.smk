# What several phases need: names of files, and the figures of the study.

import functools
import shlex
from hardpair.data import sources
from hardpair.figures import catalogue
from hardpair.staleness.due import MISSING, Due
from hardpair.study.marks import Marks
from hardpair.study.snakemake_internals import is_cluster_job, only_marks_count

VARIANTS = [variant["name"] for variant in config["variants"]]
SEEDS = config["seeds"]

# Without validation images there is no best model.
MODELS = ["last", "best"] if config["data"]["validation"] else ["last"]

# The file of the pairs that the study chooses for itself, if it does.
PAIRS = plan.chosen_pairs(config) or []

# The archive is an input only where it is downloaded; the script that reads a local source checks it.
SOURCE = sources.get(config["data"]["kind"])
DOWNLOADED = f"{DATA}/download/{config['data']['kind']}.tar.gz"
ARCHIVE = DOWNLOADED if SOURCE.release and config["data"]["source"] is None else []

FIGURES = plan.figures(config)
MARKS = Marks()
SCRIPTS = READING.scripts


def study_folder(wildcards):
    """Where the study's results lie, for commands that find files by folder."""
    return STUDY


def search_folder(wildcards):
    """Where the files of a search lie: of all variants, or of the rule's one."""
    return f"{STUDY}/{paths.SEARCH}{paths.own(wildcards.get('variant'))}"


def trial_checkpoint(wildcards, trial=None):
    """The states of a trial's runs; of all trials of the search for ``*``."""
    own, trial = paths.own(wildcards.get("variant")), trial or wildcards.trial
    return f"{STUDY}/{paths.TRIAL_CHECKPOINT.format(own=own, trial=trial)}"


def data_folder(wildcards):
    """Where the prepared images lie."""
    return DATA


@functools.cache
def due():
    """Which jobs are due; when the Snakefile is read, Snakemake does not know its own settings yet."""
    forced = only_marks_count(workflow, READING)
    return Due(config, PICTURES, forced, BROKEN)


def tracked(rule, **files):
    """Inputs of a rule, for ``unpack``: of a job that is due, with one file more that is newer than its outputs; else ancient.

    So Snakemake runs exactly the jobs that are due, whenever files were written and whatever it remembers. Images may be missing where no
    job that is due reads them; jobs that are not due go without, since Snakemake would run them after the one that prepares images.
    """

    def missing(file):
        made_later = file in BROKEN or not Path(file).exists()
        return made_later and file in list(rules.prepare_data.output)

    def present(some):
        if isinstance(some, str):
            return [] if missing(some) else ancient(some)
        return [ancient(file) for file in some if not missing(file)]

    def inputs(wildcards):
        named = {
            name: some(wildcards) if callable(some) else some
            for name, some in files.items()
        }
        # As texts, since `ancient` would mark the outputs of other rules themselves.
        named = {
            name: str(some) if isinstance(some, str) else list(map(str, some))
            for name, some in named.items()
        }
        if is_cluster_job():  # it was planned to run
            return named
        job = due().job(rule, **dict(wildcards.items()))
        reason = due().reason(job)
        kind = reason.kind if reason else None
        # Missing images are no reason for the jobs that read them, nor for their own; broken ones are in their place, and must be replaced.
        makes_images = rule == "prepare_data"
        if makes_images and not BROKEN.isdisjoint(job.outputs):
            kind = MISSING
        if kind:
            return named | {"due": MARKS.newer(kind, job.outputs)}
        return {name: present(some) for name, some in named.items()}

    return inputs


def made(rule):
    """The param of a rule that its job's record is written from."""
    return lambda wildcards: plan.params(
        due().job(rule, **dict(wildcards.items())).made
    )


def run_files(name):
    """A file of every declared run."""
    return expand(f"<study>/{paths.RUN}/{name}", variant=VARIANTS, seed=SEEDS)


def trial_files(rounds, wildcards):
    """Results of the first so many rounds of a search."""
    folder = f"<study>/{paths.SEARCH}{paths.own(wildcards.get('variant'))}"
    return [
        f"{folder}/{name}" for name in paths.trials(rounds, config["search"]["batch"])
    ]


def search_files(path):
    """A file of every search."""
    return [
        f"<study>/{path.format(own=paths.own(owner))}"
        for owner in plan.searches(config)
    ]


def figure_files():
    """Both files of every figure."""
    return expand("<study>/figures/{name}.{kind}", name=FIGURES, kind=["png", "svg"])


def figure_inputs(name):
    """Files that a figure depends on."""
    figure = FIGURES[name]
    if figure.reads == catalogue.SEARCH:
        return search_files(paths.TRIALS)
    if figure.reads == catalogue.COMPARISON:
        return [rules.compare.output.runs, *([PAIRS] if PAIRS else [])]
    files = run_files(figure.reads)
    if PAIRS and "pairs" in figure.keys:
        files.append(PAIRS)
    if "data" in figure.also:
        files.append(rules.prepare_data.output.about)
        files += rules.prepare_data.output.arrays
    if "split" in figure.also:
        files.append(rules.split_data.output.split)
    return files
