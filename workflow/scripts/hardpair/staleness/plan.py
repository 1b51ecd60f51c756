"""What each job of a study depends on: its settings and its code. Records hold hashes of both, so that only outdated jobs run again."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from hardpair import plugins
from hardpair.comparison import registration
from hardpair.config.consistency import wrong_images
from hardpair.config.exponents import plane
from hardpair.config.resolve import canonical, merged_recipe
from hardpair.config.schema import TRAINED, recipe_default
from hardpair.data import sources
from hardpair.errors import UserError
from hardpair.figures import catalogue
from hardpair.files import paths
from hardpair.files.visible import visible_files
from hardpair.measures.metric_names import about
from hardpair.search.keys import IN_EVERY_TABLE
from hardpair.staleness.code_hash import SCRIPTS, code_hash
from hardpair.training.recipe import COMPUTING


def variant_of(config: dict, name: str) -> dict:
    """The variant of that name; KeyError if there is none."""
    return {variant["name"]: variant for variant in config["variants"]}[name]


def train_settings(config: dict, name: str) -> dict:
    """Settings of a variant's training that are not in the shared recipe."""
    variant, train = variant_of(config, name), config["train"]
    kept = {key: variant[key] for key in TRAINED if key in variant}
    return kept | {key: train[key] for key in COMPUTING}


def train_files(config: dict, name: str) -> list[str]:
    """The files of the code that trains a variant, as ``code_hash`` takes them."""
    return ["train.py", *plugins.code_files(variant_of(config, name))]


def train_code(config: dict, name: str) -> str:
    """Hash of the code that trains a variant."""
    return code_hash(*train_files(config, name))


def plugins_argument(config: dict, *names: str, parts: Iterable[str] = plugins.PARTS) -> str:
    """The argument that names the plugins of these variants which a job needs; of its ``parts``, training needs all."""
    variants = (variant_of(config, name) for name in names)
    files = plugins.used_by(*({part: variant[part] for part in parts if part in variant} for variant in variants))
    return f"--plugins {shlex.join(file if file[0] != '-' else f'./{file}' for file in files)}" if files else ""


def prepare_settings(config: dict) -> dict:
    """What prepared images depend on, apart from kind and name. Not on the place of official images: each source must hold the same."""
    return {key: config["data"][key] for key in sources.get(config["data"]["kind"]).settings}


def prepare_files(config: dict) -> list[str]:
    """The files of the code that prepares images of the config's kind, as ``code_hash`` takes them."""
    return ["prepare_data.py", f"hardpair/data/sources/{config['data']['kind']}.py"]


def pictures(config: dict, folder: Path) -> str:
    """Fingerprint of the images that ``data.source`` names, on which what is prepared in ``folder`` depends; empty if always the same.

    Raises:
        UserError: they are missing or cannot be used, are too few, or have no class that ``pairs`` names.
    """
    images = sources.get(config["data"]["kind"]).inventory(config["data"], folder)
    for problem in wrong_images(config, images):
        raise UserError(f"config: {problem}")
    return images.fingerprint


def source_argument(config: dict, archive: str) -> str:
    """Arguments that name the images for prepare_data: a local source, else the downloaded archive; nothing for generated ones.

    What decides whether the images are accepted, and nothing about the result, goes along.
    """
    data, source = config["data"], sources.get(config["data"]["kind"])
    if not source.local:
        return ""
    checks = (f"--{key.replace('_', '-')}={data[key]}" for key in source.checks)
    return shlex.join([f"--source={data['source'] or archive}", *checks])  # with =, since a path may begin with a dash


def split_settings(config: dict) -> dict:
    """What the split depends on, apart from the images."""
    data = config["data"]
    # Not there where nothing is cut, so that studies without a tail stay what they were.
    tail = {"imbalance": data["imbalance"]} if data["imbalance"] != 1 else {}
    return {key: data[key] for key in ("training", "validation", "split")} | tail


def own_searches(config: dict) -> bool:
    """Whether each variant has its own search; else all variants share a recipe."""
    return config["search"]["enabled"] and config["search"]["scope"] == "each"


def searches(config: dict) -> list[str | None]:
    """The owner of each recipe: each variant where they have their own search, else None, for all variants."""
    return [variant["name"] for variant in config["variants"]] if own_searches(config) else [None]


def owner(config: dict, name: str) -> str | None:
    """The owner of the recipe that a variant is trained with."""
    return name if own_searches(config) else None


def trials(config: dict) -> list[tuple[str | None, int]]:
    """Owner and number of each trial of the study."""
    search = config["search"]
    return [(owner, trial) for owner in searches(config) for trial in range(search["rounds"] * search["batch"]) if search["enabled"]]


def first_recipe(config: dict, owner: str | None) -> dict:
    """The recipe of a search's first trial: the config's, with a variant's own keys in its own search."""
    return merged_recipe(config["recipe"], variant_of(config, owner).get("recipe", {}) if owner else {})


def space(config: dict, owner: str | None) -> dict:
    """What a search may change, with its bounds; in a variant's own search not the keys of the variant's own recipe."""
    fixed = set(variant_of(config, owner).get("recipe", {})) if owner else set()
    names = searched(config, owner)
    if names and all("network" in variant_of(config, name) for name in names):
        fixed.add("dropout")  # which cnn alone has
    return {key: bounds for key, bounds in config["search"]["space"].items() if bounds is not None and key not in fixed}


def propose_settings(config: dict, owner: str | None = None) -> dict:
    """What proposals depend on, apart from earlier trials. Variants of equal settings begin with the same proposals."""
    settings, searched = {"study": config["study"], "batch": config["search"]["batch"]}, space(config, owner)
    defaults = {key: recipe_default(key) for key in searched}  # of those that are implied
    recipe = defaults | first_recipe(config, owner)
    del recipe["epochs"]  # trials have their own
    return settings | {"space": searched, "recipe": recipe}


def searched(config: dict, owner: str | None = None) -> list[str]:
    """Variants that a trial trains; none without a search, where the key may name some that the study does not have."""
    if not config["search"]["enabled"]:
        return []
    return [owner] if owner else config["search"]["variants"]


def trainings(config: dict, owner: str | None = None) -> int:
    """The number of networks that a trial trains."""
    return len(config["search"]["seeds"]) * len(searched(config, owner))


def trial_settings(config: dict, owner: str | None = None) -> dict:
    """What a trial depends on, apart from its recipe."""
    variants = {name: train_settings(config, name) for name in searched(config, owner)}
    return {key: config["search"][key] for key in ("epochs", "seeds")} | {"variants": variants}


def trial_files(config: dict, owner: str | None = None) -> list[str]:
    """The files of the code that trains a trial, as ``code_hash`` takes them."""
    return ["run_trial.py", *(file for name in searched(config, owner) for file in plugins.code_files(variant_of(config, name)))]


def trial_code(config: dict, owner: str | None = None) -> str:
    """Hash of the code that trains a trial."""
    return code_hash(*trial_files(config, owner))


def select_settings(config: dict, owner: str | None = None) -> dict:
    """What the choice of the recipe depends on, apart from the trials."""
    keys = ("enabled", "rounds", "batch") if config["search"]["enabled"] else ("enabled",)
    settings = {"recipe": first_recipe(config, owner)} | {key: config["search"][key] for key in keys}
    more = [key for key in space(config, owner) if key not in IN_EVERY_TABLE] if config["search"]["enabled"] else []
    return settings | ({"searched": more} if more else {})


def searches_shown(config: dict) -> list[dict]:
    """What figures and tables need of each search apart from its trials; none where the search is disabled."""
    labels = {None: "all variants"} | {variant["name"]: variant["label"] for variant in config["variants"]}
    return [
        {"own": paths.own(owner), "label": labels[owner], "space": space(config, owner), "images": config["data"]["validation"]}
        for owner in (searches(config) if config["search"]["enabled"] else [])
    ]


def chosen_pairs(config: dict) -> str | None:
    """The file of the pairs that the study chooses for itself, if it does."""
    return str(paths.RESULTS / config["study"] / paths.PAIRS) if isinstance(config["pairs"], dict) else None


def choose_settings(config: dict) -> dict:
    """What the choice of pairs depends on, apart from the baseline's runs."""
    return {"variants": [{"name": config["baseline"]}], "seeds": config["seeds"], "count": config["pairs"]["auto"]}


def pairs(config: dict) -> list[list[str]] | str:
    """The pairs, or the file that will hold them."""
    return chosen_pairs(config) or config["pairs"]


def evaluate_settings(config: dict) -> dict:
    """What an evaluation depends on, apart from the model and the images."""
    return {"evaluated_on": config["evaluate"]["images"], "pairs": pairs(config)}


def compare_settings(config: dict) -> dict:
    """What the comparison depends on, apart from the runs; each variant includes what its runs must have been made with."""
    variants = [
        variant_shown(config, variant) | {"train": train_settings(config, variant["name"]), "code": train_code(config, variant["name"])}
        for variant in config["variants"]
    ]
    kept = {key: config[key] for key in ("study", "seeds", "baseline", "contrasts", "claims", "looks")}
    derived = {"variants": variants, "references": references(config), "searches": searches_shown(config)}
    derived["declared"] = registration.declared(config)
    return kept | config["compare"] | evaluate_settings(config) | derived


def references(config: dict, first: bool = False) -> list[dict]:
    """Confusion rates from elsewhere that are about the study's data and its pairs (or the first), without the data's name."""
    same_data = [reference for reference in config["references"] if reference["data"] == config["data"]["kind"]]
    rates = [{key: value for key, value in reference.items() if key != "data"} for reference in same_data]
    return rates if chosen_pairs(config) else about(rates, config["pairs"][:1] if first else config["pairs"])


def variant_shown(config: dict, variant: dict) -> dict:
    """What figures and tables show of a variant apart from its results; what was published only of the study's data and first pair."""
    names, published = {key: variant[key] for key in ("name", "label", "recipe") if key in variant}, variant.get("published")
    data = config["data"]
    if not published or published["data"] != data["kind"] or data["imbalance"] != 1 or chosen_pairs(config):
        return names
    if not about([published], config["pairs"][:1]):
        return names
    return names | {"published": {key: value for key, value in published.items() if key not in ("data", "pair")}}


def figures(config: dict) -> dict[str, catalogue.Entry]:
    """The figures of a study by name, in the order of the report; some have nothing to show in every study."""
    shown = {"search": config["search"]["enabled"], "plane": plane(config["variants"])}
    return {name: entry for name, entry in catalogue.FIGURES.items() if shown.get(name, True)}


def figure_settings(config: dict, name: str) -> dict:
    """What a figure depends on, apart from the results."""
    variants, derived = config["variants"], evaluate_settings(config) | {"references": references(config, first=True)}
    derived |= {"variants": [variant_shown(config, variant) for variant in variants], "plane": plane(variants)}
    derived |= {"searches": searches_shown(config), "margins": config["compare"]["margins"]}
    derived |= {"trained_on": {"name": config["data"]["name"], "images": config["data"]["training"]}}
    return {key: (config | derived)[key] for key in catalogue.FIGURES[name].settings}


def figure_arguments(config: dict, name: str) -> str:
    """Options that name a figure's inputs: runs by their folder, since a command line has no room for a path of each."""
    study = paths.RESULTS / config["study"]
    inputs = {"runs": study / paths.RUNS, "table": study / paths.RUNS_TABLE, "study": study, "split": study / paths.SPLIT}
    inputs["data"] = paths.IMAGES / config["data"]["name"]
    return " ".join(f"--{option} {inputs[option]}" for option in catalogue.FIGURES[name].inputs)


def report_settings(config: dict) -> dict:
    """What the report depends on, apart from tables: the config, what its first screen shows, each figure's title and caption."""
    first = config["variants"][0]["name"]
    record = paths.RESULTS / config["study"] / paths.RUN_RECORD.format(variant=first, seed=config["seeds"][0])
    return {
        "config": config,
        "pairs": pairs(config),
        "references": references(config),
        "searches": searches_shown(config),
        "answer": figure_settings(config, catalogue.FINAL),
        "figures": [{"name": name, "title": entry.title, "caption": catalogue.caption(name)} for name, entry in figures(config).items()],
        "commands": [
            "# The whole study again; study.yaml is the config above.",
            "snakemake --cores 4 --resources gpu=4 --configfile study.yaml",
            "# One of its runs alone, and why it would run.",
            f"snakemake --cores 1 --configfile study.yaml --forcerun train -- {record}",
            f"snakemake --dry-run --configfile study.yaml -- {record}",
            "# The same run without Snakemake, into a folder of its own.",
            _train_command(config, first),
        ],
    }


def _train_command(config: dict, name: str) -> str:
    """The command line of a variant's first run."""
    study, images = paths.RESULTS / config["study"], paths.IMAGES / config["data"]["name"]
    parts = [
        f"python workflow/scripts/train.py --variant {name} --seed {config['seeds'][0]} --data {images}",
        f"--split {study / paths.SPLIT} --recipe {study / paths.recipe(owner(config, name))}",
        f"--settings {shlex.quote(canonical(train_settings(config, name)))}",
        *filter(None, [plugins_argument(config, name)]),
        f"--output-dir again/{name}",
    ]
    return " \\\n    ".join(parts)


def report_parts() -> list[str]:
    """Templates, styles and scripts of the report, whose bytes are part of its code."""
    files = visible_files((SCRIPTS / "hardpair" / "report").iterdir())
    return [path.relative_to(SCRIPTS).as_posix() for path in files if path.suffix in (".jinja", ".css", ".js")]


def params(settings: dict) -> str:
    """Settings as canonical text for a rule; braces within texts are escaped, which Snakemake would take for wildcards."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', lambda text: text[0].replace("{", "\\u007b").replace("}", "\\u007d"), canonical(settings))
