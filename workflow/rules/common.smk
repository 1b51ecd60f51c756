# What several phases need.

VARIANTS = [variant["name"] for variant in config["variants"]]
SEEDS = config["seeds"]

# Without validation images there is no best model.
MODELS = ["last", "best"] if config["data"]["validation"] else ["last"]


def run_files(name):
    """A file of every declared run."""
    return expand(
        "<study>/runs/{variant}/seed{seed}/{name}",
        variant=VARIANTS,
        seed=SEEDS,
        name=name,
    )


def study_folder(wildcards):
    """Where the study's results lie, for commands that find files by folder."""
    return STUDY


def data_folder(wildcards):
    """Where the prepared images lie."""
    return DATA
