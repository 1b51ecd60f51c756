"""The contents of a study's files and of a command's settings, as far as jobs rely on them, in the notation of ``files.shapes``."""

import re
from collections.abc import Iterable
from pathlib import Path

from hardpair.errors import UserError
from hardpair.files import own_digest
from hardpair.files.shapes import COUNT, LARGEST, difference, read
from hardpair.measures.metric_names import OF_PAIR
from hardpair.search.keys import IN_EVERY_TABLE, LOGARITHMIC, SEARCHABLE

AFFECTS_RESULTS = False
POSITIVE = range(1, LARGEST)


def share(value: object) -> bool:
    """A number from 0 to 1."""
    return type(value) in (int, float) and 0 <= value <= 1


def rate(value: object) -> bool:
    """A number above 0."""
    return type(value) in (int, float) and 0 < value < LARGEST


def weights(value: object) -> bool:
    """SHA-256 of the last model and, if there is one, of the best, and nothing else."""
    return difference(value, {"last": str, "best?": str}) is None and value.keys() <= {"last", "best"}


def seeds(value: object) -> bool:
    """One or more seeds without repetition."""
    return difference(value, [COUNT]) is None and 0 < len(value) == len(set(value))


def looks(value: object) -> bool:
    """Rising numbers of seeds, or none."""
    return difference(value, [range(3, LARGEST)]) is None and value == sorted(set(value))


def margin(value: object) -> bool:
    """A number from 0."""
    return type(value) in (int, float) and 0 <= value < LARGEST


def bounds(value: object) -> bool:
    """Lowest and highest value of a key that is searched."""
    return difference(value, (float, float)) is None and value[0] < value[1]


def positive_bounds(value: object) -> bool:
    """``bounds`` above 0, between which a key is searched on a logarithmic scale."""
    return bounds(value) and value[0] > 0


def recipe(value: object) -> bool:
    """A map with keys that a recipe may have; ``conflict`` checks their values."""
    return isinstance(value, dict) and known_of_recipe(list(value))


def known_of_recipe(value: object) -> bool:
    """Keys that a recipe may have, without repetition."""
    from hardpair.config.schema import schema

    known = schema()["$defs"]["recipe"]["properties"]
    return difference(value, [str]) is None and len(set(value)) == len(value) and known.keys() >= set(value)


def name(value: object) -> bool:
    """A name of a variant, which is also that of its folder."""
    from hardpair.config.schema import schema

    return isinstance(value, str) and re.search(schema()["$defs"]["name"]["pattern"], value) is not None


def variants(value: object) -> bool:
    """One or more variants with names of their own: a list as tables and figures take it, or a map from names to settings."""
    if isinstance(value, dict):
        return len(value) > 0 and difference(value, {str: dict}) is None and all(map(name, value))
    shape = [{"name": name, "label?": str, "recipe?": dict, "published?": {"accuracy": share, "confusion": share}}]
    return difference(value, shape) is None and 0 < len(value) == len({variant["name"] for variant in value})


def variants_by_name(value: object) -> bool:
    """One or more variants as a map from names to settings."""
    return isinstance(value, dict) and variants(value)


def listed_variants(value: object) -> bool:
    """One or more variants as a list."""
    return isinstance(value, list) and variants(value)


def compared_variants(value: object) -> bool:
    """Variants as the comparison takes them, with what their runs must have been made with."""
    return variants(value) and difference(value, [{"name": name, "label": str, "train": dict, "code": str}]) is None


def contrasts(value: object) -> bool:
    """Pairs of two variants."""
    return difference(value, [(str, str)]) is None and all(first != second for first, second in value)


def claimed(value: object) -> bool:
    """One or more contrasts of a claim, of two variants and one or more measures each."""
    if difference(value, [{"better": str, "than": str, "measures": [{"accuracy", "confusion"}]}]) is not None:
        return False
    return len(value) > 0 and all(contrast["measures"] and contrast["better"] != contrast["than"] for contrast in value)


def pairs(value: object) -> bool:
    """Pairs of two classes without repetition."""
    return difference(value, [(str, str)]) is None and len({tuple(pair) for pair in value if pair[0] != pair[1]}) == len(value)


def some_pairs(value: object) -> bool:
    """One or more pairs of classes."""
    return pairs(value) and len(value) > 0


def pairs_or_auto(value: object) -> bool:
    """One or more pairs of classes, or ``auto``."""
    return value == "auto" or some_pairs(value)


def some_texts(value: object) -> bool:
    """One or more texts."""
    return difference(value, [str]) is None and len(value) > 0


def path_of_runs(value: object) -> bool:
    """A path with ``{variant}`` and ``{seed}``, and no other place to fill in."""
    try:
        return isinstance(value, str) and len({value.format(variant=variant, seed=seed) for variant in "ab" for seed in "cd"}) == 4
    except (LookupError, ValueError, AttributeError):
        return False


OWN_DIGEST = {f"{own_digest.KEY}?": str}  # which records of earlier versions lack
PAIRS = {"pairs": [(str, str)]}
SIDE = range(8, 257, 8)  # height and width of images that the network takes
DATASET = {"kind": str, "name": str, "classes": [str], "size": SIDE, "mean": (float,) * 3, "std": (float,) * 3, "sha256": str}
SPLIT = {"data_sha256": str, "training": [COUNT], "validation": [COUNT]}
PICTURES = {"source": str, "fingerprint": str, "test_share?": share, "counts": {str: {"train": COUNT, "test": COUNT}}}
PICTURES |= {"skipped?": COUNT, "leaked?": COUNT}
PROPOSALS = {"round": COUNT, "trials": [{"trial": COUNT, "recipe": dict}]}
OF_TRIAL = dict.fromkeys(IN_EVERY_TABLE, float)  # keys of its recipe
TRIAL = {"trial": COUNT, "round": COUNT, "value": share, "diverged": bool, "recipe": OF_TRIAL, "seconds": float} | OWN_DIGEST
NETWORK = {"classes": [str], "size": SIDE, "precision": {"fp32", "bf16"}, "weights": weights}
NAMED = {"network?": {"kind": str}}  # of settings
MODEL = NETWORK | {"mean": (float,) * 3, "std": (float,) * 3, "settings?": NAMED}
IDENTITY = {"variant": str, "seed": COUNT, "fingerprint": str}
ADOPTED = {"adopted?": {"commit": str, "fingerprint": str}}  # of a run by older code: its commit, and the run's own fingerprint
INPUTS = {"settings": dict, "recipe": dict, "data": {"name": str, "sha256": str}, "code": str}
OUTCOME = {"parameters": COUNT, "epochs": COUNT, "best_epoch": int | None}
COST = {"seconds": float, "images_per_second": float, "peak_memory_mb": float}
FILES = {"files?": {str: str}}  # SHA-256 of the files beside run.json but for the weights
MACHINE = {"device": str, "device_type": str, "threads": COUNT, "versions": {"torch": str, str: str}}
RUN = NETWORK | IDENTITY | ADOPTED | FILES | INPUTS | OUTCOME | COST | MACHINE | OWN_DIGEST
MEASURES = {
    "accuracy": share,
    "nll": float,
    "ece": float,
    "brier": float,
    "per_class": {str: float | None},
    "pairs": {str: dict.fromkeys(("rate", *OF_PAIR, "binary_error"), float)},
    "confusion": [[COUNT]],
    "reliability": {key: [float] for key in ("count", "confidence", "correct")},
}
METRICS = IDENTITY | {"evaluated_on": str, "images": COUNT, "predictions?": str, "models": {"last": MEASURES, str: MEASURES}}
METRICS |= {f"{key}?": shape for key, shape in MACHINE.items()}  # of older evaluations it is not known

# What a job's files were made of, as ``record`` takes it.
EACH = {"path": path_of_runs, "variant": some_texts, "seed": seeds}
MADE = {"settings": str, "code": str, "files": some_texts, "inputs": [str], "outputs?": [str], "each?": EACH}
MADE |= {"images?": {"settings": str, "code": str}}

# What the keys of ``--settings`` hold: of several commands, then of the comparison, the figures and pairs, the search and the report.
SETTINGS = {"study": str, "variants": variants, "seeds": seeds, "pairs": some_pairs, "baseline": str}
SETTINGS |= {"evaluated_on": {"test", "validation"}}
REFERENCE = {"pair": (str, str), "confusion": share, "label": str, "source": str}
CLAIM = {"name": str, "sentence": str, "contrasts": claimed, "control": bool}
MARGINS = {"accuracy": margin, "confusion": margin}
SETTINGS |= {"references": [REFERENCE], "contrasts": contrasts, "claims": [CLAIM], "looks": looks, "margins": MARGINS}
SETTINGS |= {"allow_mixed": bool, "trained_on": {"name": str, "images": int | None}}
SETTINGS |= {"difficulty": {"easy": share, "hard": share}, "plane": [(str, float, float)], "count": POSITIVE}
DAMAGED = "damaged"  # stands for the entry before the first, where that could not be read
DECLARED = {"claims": [CLAIM], "contrasts": contrasts, "margins": MARGINS, "looks": looks, "seeds": seeds, "images": str}
DECLARED |= {"pairs": pairs_or_auto, "variants": {str: dict}}
ENTRY = {"time": str, "finished_runs": COUNT, "imported": [str], "declared": DECLARED, "previous": str | None, "sha256": str}
REGISTRATION = {"entries": [ENTRY]}
SETTINGS |= {"declared": DECLARED}
SPACE = {f"{key}?": positive_bounds if key in LOGARITHMIC else bounds for key in SEARCHABLE}
SETTINGS |= {"enabled": bool, "rounds": POSITIVE, "batch": POSITIVE, "space": SPACE, "searched": known_of_recipe, "recipe": recipe}
SETTINGS |= {"searches": [{"own": str, "label": str, "space": SPACE, "images": POSITIVE}]}
CONFIG = {"study": str, "variants": listed_variants, "seeds": seeds, "baseline": str, "data": {"name": str}, "search": {"enabled": bool}}
SETTINGS |= {"figures": [{"name": str, "title": str, "caption": str}], "commands": [str], "config": CONFIG}
SETTINGS |= {"epochs": POSITIVE}
ANSWER = "study", "variants", "seeds", "pairs", "baseline", "evaluated_on", "references", "trained_on"  # keys of the final figure
SETTINGS |= {"answer": {key: SETTINGS[key] for key in (*ANSWER, "contrasts", "claims", "looks", "margins")}}


def conflict(settings: dict) -> str | None:
    """The first key of settings, each of its ``SETTINGS`` shape, that does not go with another, in words; None if all do."""
    if (recipe := settings.get("recipe")) is not None:
        from hardpair.config.resolve import resolve_part

        try:
            resolve_part("recipe", recipe)
        except UserError as error:
            return str(error).removeprefix("config: ")
        if without := next((key for key in settings.get("space", {}) if difference(recipe.get(key), float)), None):
            return f"space has {without}, but recipe has no number for it"
    if settings.get("plane") == []:
        return "plane is empty: name variants with their exponents"
    names = settings.get("variants")
    if "epochs" in settings and not isinstance(names, dict):
        return "epochs is a key of trials, which need variants as a map from names to settings"
    if isinstance(names, dict) and "seeds" in settings and "epochs" not in settings:
        return "variants is a map from names to settings, as trials alone take them: write a list"
    if isinstance(names, list):
        claims = [contrast for claim in settings.get("claims", []) for contrast in claim["contrasts"]]
        used = {name: f"contrasts[{place}]" for place, pair in enumerate(settings.get("contrasts", [])) for name in pair}
        used |= {contrast[side]: "claims" for contrast in claims for side in ("better", "than")}
        used |= {settings["baseline"]: "baseline"} if "baseline" in settings else {}
        used |= {name: "plane" for name, *_ in settings.get("plane", [])}
        if unknown := [name for name in used if name not in {variant["name"] for variant in names}]:
            return f"{used[unknown[0]]} has {unknown[0]}, which is not one of the variants"
    if answer := settings.get("answer"):
        if problem := conflict(answer):
            return f"answer.{problem}"
        config = settings.get("config", answer)
        for key in ("study", "seeds", "baseline"):
            if answer[key] != config[key]:
                return f"answer.{key} is not that of config"
        if [each["name"] for each in answer["variants"]] != [each["name"] for each in config["variants"]]:
            return "answer.variants are not those of config"
    if declared := settings.get("declared"):
        own, given = ([claim["name"] for claim in part.get("claims", [])] for part in (declared, settings))
        if "claims" in settings and own != given:
            return "declared has other claims than claims"
        sides = (contrast[side] for claim in declared["claims"] for contrast in claim["contrasts"] for side in ("better", "than"))
        if unknown := next((name for name in sides if name not in declared["variants"]), None):
            return f"declared.claims has {unknown}, which is not one of declared.variants"
    return None


def check_trial(path: Path, round_: int, trial: int, keys: Iterable[str]) -> None:
    """Refuse another result than that of the trial of that number, whose recipe can be trained with and has numbers for these keys.

    Raises:
        UserError: as ``shapes.read``, or it is of another trial, or its recipe cannot be trained with.
    """
    from hardpair.config.resolve import resolve_part

    value = read(path, TRIAL | {"recipe": OF_TRIAL | dict.fromkeys(keys, float)})
    if (value["round"], value["trial"]) != (round_, trial):
        raise UserError(
            f"{path} is of trial {value['trial']} of round {value['round']}, not of trial {trial} of round {round_}: "
            "delete it and run the trial again"
        )
    try:
        resolve_part("recipe", value["recipe"])
    except UserError as error:
        raise UserError(f"{path}: {str(error).removeprefix('config: ')}; delete it and run the trial again") from None


def read_metrics(path: str | Path, counted: bool = True) -> dict:
    """A metrics.json whose counts and bins agree with its classes.

    Args:
        counted: whether its measures must agree with the counts too.

    Raises:
        UserError: as ``shapes.read``, or they do not agree.
    """
    from hardpair.measures import contradiction

    value = read(path, METRICS)
    for name, model in value["models"].items():
        classes, bins = len(model["per_class"]), model["reliability"].values()
        square = {len(model["confusion"]), *map(len, model["confusion"])} == {classes}
        if not square or classes < 2 or len(set(map(len, bins))) > 1:
            raise UserError(f"{path} has {classes} classes, but other counts or bins of {name}: delete it and evaluate the run again")
        if not counted:
            continue
        try:
            wrong = contradiction.of_counts(model, value["images"])
        except ValueError:
            wrong = "pairs"
        if wrong:
            raise UserError(f"{path} contradicts itself ({wrong} of {name}): delete it and evaluate the run again")
    return value
