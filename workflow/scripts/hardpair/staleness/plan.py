"""What each job of a study depends on: its settings and its code. The rules pass both as params, so that just the stale jobs run again."""

import re
import shlex
from pathlib import Path

from hardpair import plugins
from hardpair.config.consistency import wrong_images
from hardpair.config.resolve import canonical
from hardpair.data import sources
from hardpair.errors import UserError
from hardpair.figures import catalogue
from hardpair.files import paths
from hardpair.measures.names import about
from hardpair.staleness.code_hash import SCRIPTS, code_hash
from hardpair.staleness.exponents import plane


def variant_of(config: dict, name: str) -> dict:
    """The variant of that name."""
    return next(variant for variant in config["variants"] if variant["name"] == name)


def train_settings(config: dict, name: str) -> dict:
    """Settings of a variant's training that are not in the recipe."""
    variant = variant_of(config, name)
    return {"loss": variant["loss"], "sampler": variant["sampler"], **{key: config["train"][key] for key in ("precision", "deterministic")}}


def train_code(config: dict, name: str) -> str:
    """Hash of the code that trains a variant."""
    return code_hash("train.py", *plugins.code_files(variant_of(config, name)))


def plugins_argument(config: dict, *names: str) -> str:
    """How a job that trains these variants is told of the plugins that it needs."""
    paths = plugins.used_by(*(variant_of(config, name) for name in names))
    return f"--plugins {shlex.join(path if path[0] != '-' else f'./{path}' for path in paths)}" if paths else ""


def prepare_settings(config: dict) -> dict:
    """What prepared images depend on, beside kind and name. Not on where official images lie: each source is checked to hold the same."""
    data = config["data"]
    return {key: data[key] for key in sources.get(data["kind"]).settings}


def prepare_code(config: dict) -> str:
    """Hash of the code that prepares images of the config's kind."""
    return code_hash("prepare_data.py", f"hardpair/data/sources/{config['data']['kind']}.py")


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
    """What the split depends on, beside the images."""
    data = config["data"]
    # Not there where nothing is cut, so that studies without a tail stay what they were.
    tail = {"imbalance": data["imbalance"]} if data["imbalance"] != 1 else {}
    return {key: data[key] for key in ("training", "validation", "split")} | tail


def propose_settings(config: dict) -> dict:
    """What proposals depend on, beside earlier trials."""
    return {"study": config["study"], "batch": config["search"]["batch"], "space": config["search"]["space"], "recipe": config["recipe"]}


def searched(config: dict) -> list[str]:
    """Variants that a trial trains; none without a search, where the key may name some that the study does not have."""
    return config["search"]["variants"] if config["search"]["enabled"] else []


def trial_settings(config: dict) -> dict:
    """What a trial depends on, beside its recipe."""
    search = config["search"]
    return {
        "epochs": search["epochs"],
        "seeds": search["seeds"],
        "variants": {name: train_settings(config, name) for name in searched(config)},
    }


def trial_code(config: dict) -> str:
    """Hash of the code that trains a trial."""
    files = (file for name in searched(config) for file in plugins.code_files(variant_of(config, name)))
    return code_hash("run_trial.py", *files)


def select_settings(config: dict) -> dict:
    """What the choice of the recipe depends on, beside the trials."""
    search = config["search"]
    rounds = {"rounds": search["rounds"], "batch": search["batch"]} if search["enabled"] else {}
    return {"enabled": search["enabled"], "recipe": config["recipe"]} | rounds


def chosen_pairs(config: dict) -> str | None:
    """The file of the pairs that the study chooses for itself, if it does."""
    return str(paths.RESULTS / config["study"] / paths.PAIRS) if isinstance(config["pairs"], dict) else None


def choose_settings(config: dict) -> dict:
    """What the choice of pairs depends on, beside the baseline's runs."""
    return {"variants": [{"name": config["baseline"]}], "seeds": config["seeds"], "count": config["pairs"]["auto"]}


def pairs(config: dict) -> list[list[str]] | str:
    """The pairs, or the file that will hold them."""
    return chosen_pairs(config) or config["pairs"]


def evaluate_settings(config: dict) -> dict:
    """What an evaluation depends on, beside the model and the images."""
    return {"evaluated_on": config["evaluate"]["images"], "pairs": pairs(config)}


def compare_settings(config: dict) -> dict:
    """What the comparison depends on, beside the runs; each variant brings what its runs must have been made with."""
    variants = [
        variant_shown(config, variant) | {"train": train_settings(config, variant["name"]), "code": train_code(config, variant["name"])}
        for variant in config["variants"]
    ]
    return {
        **{key: config[key] for key in ("study", "seeds", "baseline", "contrasts", "claims")},
        "pairs": pairs(config),
        "variants": variants,
        "references": references(config),
        "evaluated_on": config["evaluate"]["images"],
        **{key: config["compare"][key] for key in ("allow_mixed", "margin")},
    }


def references(config: dict, first: bool = False) -> list[dict]:
    """Confusion rates from elsewhere that are about the study's data and its pairs (or the first), without the data's name."""
    of_data = [reference for reference in config["references"] if reference["data"] == config["data"]["kind"]]
    rates = [{key: value for key, value in reference.items() if key != "data"} for reference in of_data]
    return rates if chosen_pairs(config) else about(rates, config["pairs"][:1] if first else config["pairs"])


def variant_shown(config: dict, variant: dict) -> dict:
    """What figures and tables show of a variant beside its results; what was published only of the study's data and first pair."""
    names = {key: variant[key] for key in ("name", "label") if key in variant}
    published = variant.get("published")
    if not published or published["data"] != config["data"]["kind"] or chosen_pairs(config) or not about([published], config["pairs"][:1]):
        return names
    return names | {"published": {key: value for key, value in published.items() if key not in ("data", "pair")}}


def figures(config: dict) -> dict[str, catalogue.Entry]:
    """The figures of a study by name, in the order of the report; some have nothing to show in every study."""
    absent = set() if config["search"]["enabled"] else {"search"}
    absent |= set() if plane(config["variants"]) else {"plane"}
    return {name: entry for name, entry in catalogue.FIGURES.items() if name not in absent}


def figure_settings(config: dict, name: str) -> dict:
    """What a figure depends on, beside the results."""
    derived = {"evaluated_on": config["evaluate"]["images"], "pairs": pairs(config), "references": references(config, first=True)}
    derived["variants"] = [variant_shown(config, variant) for variant in config["variants"]]
    derived["plane"] = plane(config["variants"])
    return {key: derived[key] if key in derived else config[key] for key in catalogue.FIGURES[name].settings}


def report_settings(config: dict) -> dict:
    """What the report depends on, beside tables and figures: the config, and each figure's title and caption."""
    first = config["variants"][0]["name"]
    record = paths.RESULTS / config["study"] / paths.RUN_RECORD.format(variant=first, seed=config["seeds"][0])
    return {
        "config": config,
        "pairs": pairs(config),
        "references": references(config),
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
    study, settings = paths.RESULTS / config["study"], shlex.quote(canonical(train_settings(config, name)))
    parts = [
        f"python workflow/scripts/train.py --variant {name} --seed {config['seeds'][0]} --data resources/{config['data']['name']}",
        f"--split {study / paths.SPLIT} --recipe {study / paths.RECIPE} --settings {settings}",
        *filter(None, [plugins_argument(config, name)]),
        f"--output-dir again/{name}",
    ]
    return " \\\n    ".join(parts)


def report_parts() -> list[str]:
    """Templates, styles and scripts of the report, whose bytes are part of its code."""
    parts = (path for path in (SCRIPTS / "hardpair" / "report").iterdir() if path.suffix in (".jinja", ".css", ".js"))
    return sorted(path.relative_to(SCRIPTS).as_posix() for path in parts)


def params(settings: dict) -> str:
    """Settings as the one canonical text that Snakemake compares; braces within texts are escaped, which it would take for wildcards."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', lambda text: text[0].replace("{", "\\u007b").replace("}", "\\u007d"), canonical(settings))
