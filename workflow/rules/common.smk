# What several phases need: names of files, and the figures of the study.

import shlex
from hardpair.data import sources
from hardpair.figures import catalogue

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


def study_folder(wildcards):
    """Where the study's results lie, for commands that find files by folder."""
    return STUDY


def data_folder(wildcards):
    """Where the prepared images lie."""
    return DATA


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
        files += ancient(rules.prepare_data.output.arrays)
    if "split" in figure.also:
        files += rules.split_data.output
    return files
