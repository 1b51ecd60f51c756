# What several phases need: names of files, and the figures by name.

import shlex

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
