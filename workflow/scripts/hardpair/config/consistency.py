"""Problems between keys of a config that a schema cannot express."""

import math
from collections.abc import Collection, Iterator

from hardpair.config.schema import schema
from hardpair.config.sentences import advice, shown
from hardpair.data.sources.classes import CLASSES

AFFECTS_RESULTS = False
OF_FOLDERS = ("size", "test_share", "on_bad_image", "min_images")  # keys of ``data`` that only your own pictures have


def inconsistencies(config: dict) -> Iterator[str]:
    """Problems between keys that a schema cannot express, as sentences; ``config`` has its defaults."""
    yield from _wrong_variants(config)
    yield from _wrong_data(config)
    if config["search"]["enabled"]:
        yield from _wrong_search(config)
    drops = config["recipe"]["lr_drops"]
    if drops != sorted(set(drops)):
        yield f"recipe.lr_drops is {shown(drops)}: list shares of the run in rising order"
    hard, easy = config["difficulty"]["hard"], config["difficulty"]["easy"]
    if hard > easy:
        yield f"difficulty.hard is {hard}, above difficulty.easy {easy}: no image can be both hard and easy, so lower it"


def _wrong_variants(config: dict) -> Iterator[str]:
    for key in ("name", "label"):
        given = [variant[key] for variant in config["variants"]]
        if twice := next((item for item in given if given.count(item) > 1), None):
            yield f"variants: two have the {key} {shown(twice)}; give each its own"
    names = [variant["name"] for variant in config["variants"]]
    for index, name in enumerate(names):
        if same := next((other for other in names[:index] if other != name and other.lower() == name.lower()), None):
            yield f"variants[{index}].name is {shown(name)}, which some file systems take for {shown(same)}: rename one of them"
    mentions = [("baseline", config["baseline"])]
    mentions += [(f"contrasts[{index}]", name) for index, contrast in enumerate(config["contrasts"]) for name in contrast]
    if config["search"]["enabled"]:
        mentions += [("search.variants", name) for name in config["search"]["variants"]]
    for where, name in mentions:
        if name not in names:
            yield f"{where} names the variant {shown(name)}, which variants does not have: {advice(name, names)}"
    for index, (first, second) in enumerate(config["contrasts"]):
        if first == second:
            yield f"contrasts[{index}] compares {shown(first)} with itself: name two variants"
    yield from _repeated("contrasts", config["contrasts"])
    declared = {frozenset(contrast) for contrast in config["contrasts"]}
    for index, claim in enumerate(config["claims"]):
        for place, part in enumerate(claim["contrasts"]):
            if frozenset((part["better"], part["than"])) not in declared:
                yield (
                    f"claims[{index}].contrasts[{place}] compares {shown(part['better'])} with {shown(part['than'])}, which contrasts "
                    f"does not declare: add [{part['better']}, {part['than']}] there, or change or remove the claim {shown(claim['name'])}"
                )


def _repeated(where: str, pairs: list[list[str]]) -> Iterator[str]:
    for index, pair in enumerate(pairs):
        if pair in pairs[:index] or pair[::-1] in pairs[:index]:
            yield f"{where}[{index}] is {shown(pair)}, which is there before: remove one of them"


def _wrong_data(config: dict) -> Iterator[str]:
    data = config["data"]
    chosen = isinstance(config["pairs"], dict)
    if chosen and data["validation"] == 0:
        yield "pairs is auto, but data.validation is 0: pairs are chosen on validation images, so hold some out or name the pairs"
    pairs = [] if chosen else config["pairs"]
    for index, (first, second) in enumerate(pairs):
        if first == second:
            yield f"pairs[{index}] names {shown(first)} twice: name two classes"
    if data["kind"] in CLASSES:  # a folder's are told by the folder: see plan.pictures
        yield from wrong_pairs(pairs, CLASSES[data["kind"]], data["kind"])
    yield from _repeated("pairs", pairs)
    yield from _ambiguous(pairs)
    kinds = schema()["properties"]["data"]["properties"]["kind"]["enum"]
    elsewhere = {f"references[{index}]": each for index, each in enumerate(config["references"])}
    published = enumerate(variant.get("published") for variant in config["variants"])
    for where, each in (elsewhere | {f"variants[{index}].published": each for index, each in published if each}).items():
        if each["data"] not in kinds:
            yield f"{where}.data is {shown(each['data'])}, which is no data.kind: {advice(each['data'], kinds)}"
        for name in each["pair"]:
            if name not in (known := CLASSES.get(each["data"]) or [name]):
                yield f"{where} names the class {shown(name)}, which {each['data']} does not have: {advice(name, known)}"
    if data["kind"] == "synthetic" and data["source"] is not None:
        yield "data.source is set, but data.kind synthetic is generated: remove one of them"
    if data["kind"] == "folder":
        if data["source"] is None:
            yield "data.source is missing: name the folder, zip or tar of your pictures"
    else:
        known = schema()["properties"]["data"]["properties"]
        for key in OF_FOLDERS:
            if data[key] != known[key]["default"]:
                yield f"data.{key} is {shown(data[key])}, but data.kind is {data['kind']}: only kind folder has that key, so remove it"
    size = {"synthetic": data["synthetic"]["train"], "folder": math.inf}.get(data["kind"], 50000)
    wanted = (data["training"] or 0) + data["validation"]
    if wanted > size or data["validation"] >= size:
        yield f"data.training and data.validation ask for {wanted} images of {size}: lower one of them"
    if data["imbalance"] != 1 and data["training"] is not None:
        yield "data.imbalance and data.training both say how many images to train on: remove one of them"
    if data["validation"] == 0 and config["evaluate"]["images"] == "validation":
        yield "evaluate.images is validation, but data.validation is 0: hold images out or evaluate on test"


def wrong_pairs(pairs: list[list[str]], classes: Collection[str], owner: str) -> Iterator[str]:
    """Classes that are not there, as sentences."""
    for index, pair in enumerate(pairs):
        for name in pair:
            if name not in classes:
                yield f"pairs[{index}] names the class {shown(name)}, which {owner} does not have: {advice(name, classes)}"


def _ambiguous(pairs: list[list[str]]) -> Iterator[str]:
    """Pairs that tables would call alike."""
    names = ["-".join(pair) for pair in pairs]
    for index, name in enumerate(names):
        if name in names[:index]:
            first = names.index(name)
            yield f"pairs[{first}] and pairs[{index}] would both be called {shown(name)} in the tables: rename one of their classes"


def _wrong_search(config: dict) -> Iterator[str]:
    search = config["search"]
    if config["data"]["validation"] == 0:
        yield "search.enabled is true, but data.validation is 0: a search needs validation images, so hold some out or disable it"
    if shared := sorted(set(search["seeds"]) & set(config["seeds"])):
        yield f"search.seeds and seeds share {shared}: a seed that chose the recipe may not judge it, so give the search others"
    for key, (low, high) in search["space"].items():
        if low >= high:
            yield f"search.space.{key} is [{low}, {high}]: give the lowest value first, then a higher one"
        value = config["recipe"][key]
        if not low <= value <= high:
            yield f"recipe.{key} is {value}, outside search.space.{key} [{low}, {high}]: it is the first trial, so widen the space"
