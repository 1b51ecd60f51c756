"""What each job of a study depends on: its settings and its code. The rules pass both as params, so that just the stale jobs run again."""

import shlex

from hardpair.code import code_hash
from hardpair.config import canonical


def _kinds(variant: dict) -> tuple[str, str]:
    """Files of a variant's loss and sampler, which training imports by name."""
    return f"hardpair/losses/{variant['loss']['kind']}.py", f"hardpair/samplers/{variant['sampler']['kind']}.py"


def variant_of(config: dict, name: str) -> dict:
    """The variant of that name."""
    return next(variant for variant in config["variants"] if variant["name"] == name)


def train_settings(config: dict, name: str) -> dict:
    """Settings of a variant's training that are not in the recipe."""
    variant = variant_of(config, name)
    return {"loss": variant["loss"], "sampler": variant["sampler"], **{key: config["train"][key] for key in ("precision", "deterministic")}}


def train_code(config: dict, name: str) -> str:
    """Hash of the code that trains a variant."""
    return code_hash("train.py", *_kinds(variant_of(config, name)))


def prepare_settings(config: dict) -> dict:
    """What prepared images depend on, beside kind and name. Not on where official images lie: each source is checked to hold the same."""
    data = config["data"]
    return {"synthetic": data["synthetic"]} if data["kind"] == "synthetic" else {}


def source_argument(config: dict, archive: str) -> str:
    """How prepare_data is told where the images are: a local source, else the downloaded archive; nothing for generated ones."""
    if config["data"]["kind"] == "synthetic":
        return ""
    return f"--source {shlex.quote(config['data']['source'] or archive)}"


def split_settings(config: dict) -> dict:
    """What the split depends on, beside the images."""
    data = config["data"]
    # Not there where nothing is cut, so that studies without a tail stay what they were.
    tail = {"imbalance": data["imbalance"]} if data["imbalance"] != 1 else {}
    return {key: data[key] for key in ("training", "validation", "split")} | tail


def propose_settings(config: dict) -> dict:
    """What proposals depend on, beside earlier trials."""
    return {"study": config["study"], "batch": config["search"]["batch"], "space": config["search"]["space"], "recipe": config["recipe"]}


def trial_settings(config: dict) -> dict:
    """What a trial depends on, beside its recipe."""
    search = config["search"]
    return {
        "epochs": search["epochs"],
        "seeds": search["seeds"],
        "variants": {name: train_settings(config, name) for name in search["variants"]},
    }


def trial_code(config: dict) -> str:
    """Hash of the code that trains a trial."""
    return code_hash("run_trial.py", *(path for name in config["search"]["variants"] for path in _kinds(variant_of(config, name))))


def select_settings(config: dict) -> dict:
    """What the choice of the recipe depends on, beside the trials."""
    search = config["search"]
    rounds = {"rounds": search["rounds"], "batch": search["batch"]} if search["enabled"] else {}
    return {"enabled": search["enabled"], "recipe": config["recipe"]} | rounds


def evaluate_settings(config: dict) -> dict:
    """What an evaluation depends on, beside the model and the images."""
    return {"on": config["evaluate"]["images"], "pairs": config["pairs"]}


def compare_settings(config: dict) -> dict:
    """What the comparison depends on, beside the runs; each variant brings what its runs must have been made with."""
    variants = [
        variant_shown(variant) | {"train": train_settings(config, variant["name"]), "code": train_code(config, variant["name"])}
        for variant in config["variants"]
    ]
    return {
        **{key: config[key] for key in ("study", "seeds", "pairs", "baseline", "contrasts", "claims")},
        "variants": variants,
        "on": config["evaluate"]["images"],
        **{key: config["compare"][key] for key in ("allow_mixed", "margin")},
    }


def variant_shown(variant: dict) -> dict:
    """What figures and tables show of a variant beside its results."""
    return {key: variant[key] for key in ("name", "label", "published") if key in variant}


def figure_settings(config: dict, *keys: str) -> dict:
    """What a figure depends on, beside the results: variants, seeds and the given keys of the config."""
    shared = {"study": config["study"], "seeds": config["seeds"], "variants": [variant_shown(variant) for variant in config["variants"]]}
    return shared | {key: config["evaluate"]["images"] if key == "on" else config[key] for key in keys}


def report_settings(config: dict, figures: dict[str, tuple[str, str]]) -> dict:
    """What the report depends on, beside tables and figures: the config, and each figure's title and caption."""
    first = config["variants"][0]["name"]
    run = f"results/{config['study']}/runs/{first}/seed{config['seeds'][0]}"
    return {
        "config": config,
        "figures": [{"name": name, "title": title, "caption": text} for name, (title, text) in figures.items()],
        "commands": [
            "# The whole study again; study.yaml is the config above.",
            "snakemake --cores 4 --resources gpu=4 --configfile study.yaml",
            "# One of its runs alone, and why it would run.",
            f"snakemake --cores 1 --configfile study.yaml --forcerun train -- {run}/run.json",
            f"snakemake --dry-run --configfile study.yaml -- {run}/run.json",
        ],
    }


def params(settings: dict) -> str:
    """Settings as the one canonical text that Snakemake compares."""
    return canonical(settings)
