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

SOURCE = sources.get(config["data"]["kind"])
DOWNLOADED = f"{DATA}/download/{config['data']['kind']}.tar.gz"

FIGURES = plan.figures(config)


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
    places = {"runs": paths.RUNS, "trials": paths.TRIALS, "split": paths.SPLIT}
    places = {name: f"{STUDY}/{path}" for name, path in places.items()} | {"data": DATA}
    return " ".join(
        f"--{name} {places[name]}" for name in FIGURES[wildcards.figure].inputs
    )
