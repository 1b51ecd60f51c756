"""Problems between keys of a config that a schema cannot express."""

from collections.abc import Collection, Iterator

from hardpair.config.schema import recipe_default, schema
from hardpair.config.sentences import advice, shown
from hardpair.data import sources
from hardpair.measures.pair_name import pair_name

AFFECTS_RESULTS = False
COURSES = {"mean_weight", "scale", "easy", "hard"}  # published values by epoch
MOST_TRIALS = 10_000  # of a search, each of which is a job in Snakemake's graph
FEWEST = 6  # seeds from which a verdict is given, as in comparison.verdicts, which imports NumPy


def inconsistencies(config: dict) -> Iterator[str]:
    """Problems between keys that a schema cannot express, as sentences; ``config`` has its defaults."""
    yield from _wrong_variants(config)
    yield from _wrong_data(config)
    if config["search"]["enabled"]:
        yield from _wrong_search(config)
    yield from wrong_recipe(config["recipe"], "recipe")
    for index, variant in enumerate(config["variants"]):
        if own := variant.get("recipe"):
            yield from wrong_recipe(config["recipe"] | own, f"variants[{index}].recipe")
    yield from _wrong_judgement(config)
    hard, easy = config["difficulty"]["hard"], config["difficulty"]["easy"]
    if hard > easy:
        yield f"difficulty.hard is {hard}, above difficulty.easy {easy}: no image can be both hard and easy, so lower it"


def wrong_recipe(recipe: dict, where: str) -> Iterator[str]:
    """What does not go together in a recipe, which is called ``where``, as sentences."""
    if (drops := recipe["lr_drops"]) != sorted(set(drops)):
        yield f"{where}.lr_drops is {shown(drops)}: list shares of the run in rising order"
    elif _drops_at_once(recipe, recipe["epochs"]):
        yield (
            f"{where}.lr_drops has {drops[0]:g}, too early for {recipe['epochs']} epochs: the rate would drop before the first epoch; "
            "let it drop later, or train longer"
        )
    if recipe.get("nesterov") and (recipe.get("optimizer") == "adamw" or recipe["momentum"] == 0):
        why = "adamw has no Nesterov momentum" if recipe.get("optimizer") == "adamw" else "momentum is 0"
        yield f"{where}.nesterov is true, but {why}: set nesterov to false, or use sgd with momentum"
    if (warmup := recipe.get("warmup_epochs", 0)) >= recipe["epochs"]:
        yield f"{where}.warmup_epochs is {warmup}, but the run has {recipe['epochs']} epochs: use a shorter warm-up"


def _drops_at_once(recipe: dict, epochs: int) -> bool:
    """Whether the first drop of the learning rate is rounded to the start of a run of so many epochs."""
    return recipe.get("schedule") != "cosine" and any(int(share * epochs + 0.5) < 1 for share in recipe["lr_drops"])


def _wrong_variants(config: dict) -> Iterator[str]:
    names = [variant["name"] for variant in config["variants"]]
    for key in ("name", "label"):
        values = [variant[key] for variant in config["variants"]]
        for place, value in enumerate(values):
            seen = [" ".join(other.split()) for other in values]  # spaces that no reader sees
            if not seen[place]:
                yield f"variants[{place}].{key} is {shown(value)}: write a name that can be seen"
            elif seen.count(seen[place]) > 1:
                yield f"variants: two have the {key} {shown(value)}; give each a different {key}"
    for index, name in enumerate(names):
        for other in names[:index]:
            if other.lower() == name.lower():
                yield f"variants[{index}].name is {shown(name)}, which equals {shown(other)} on some file systems: rename one of them"
    mentions = [("baseline", config["baseline"])]
    mentions += [(f"contrasts[{index}]", name) for index, contrast in enumerate(config["contrasts"]) for name in contrast]
    if config["search"]["enabled"] and config["search"]["scope"] == "shared":
        mentions += [("search.variants", name) for name in config["search"]["variants"]]
    for where, name in mentions:
        yield from _unknown(where, "variant", [name], names, "variants")
    for index, (first, second) in enumerate(config["contrasts"]):
        if first == second:
            yield f"contrasts[{index}] compares {shown(first)} with itself: name two variants"
    yield from _repeated("contrasts", config["contrasts"])
    yield from _wrong_claims(config)


def _wrong_claims(config: dict) -> Iterator[str]:
    claims = [claim["name"] for claim in config["claims"]]
    for name in dict.fromkeys(name for name in claims if claims.count(name) > 1):
        yield f"claims: two have the name {shown(name)}; give each a different name, or remove one"
    declared, names = {frozenset(contrast) for contrast in config["contrasts"]}, [variant["name"] for variant in config["variants"]]
    for index, claim in enumerate(config["claims"]):
        for place, part in enumerate(claim["contrasts"]):
            for side in ("better", "than"):
                yield from _unknown(f"claims[{index}].contrasts[{place}].{side}", "variant", [part[side]], names, "variants")
            if part["better"] == part["than"]:
                yield f"claims[{index}].contrasts[{place}] compares {shown(part['better'])} with itself: name two variants"
            elif frozenset((part["better"], part["than"])) not in declared:
                yield (
                    f"claims[{index}].contrasts[{place}] compares {shown(part['better'])} with {shown(part['than'])}, which contrasts "
                    f"does not declare: add [{part['better']}, {part['than']}] there, or remove the claim {shown(claim['name'])}; "
                    "`claims: []` removes all"
                )
    seen: dict[tuple, int] = {}
    for index, claim in enumerate(config["claims"]):
        parts = [
            (place, part["better"], part["than"], measure) for place, part in enumerate(claim["contrasts"]) for measure in part["measures"]
        ]
        tests = [(frozenset(pair), measure) for _, *pair, measure in parts]
        if repeated := next((part for number, part in enumerate(parts) if tests[number] in tests[:number]), None):
            place, better, than, measure = repeated
            yield (
                f"claims[{index}].contrasts[{place}] compares {shown(better)} with {shown(than)} in {measure}, as an earlier part of the "
                f"claim {shown(claim['name'])} does: remove one of them"
            )
        # One part is one test in either direction. A control may repeat a claim, since it is not counted as one.
        tested = tests if len(parts) == 1 else [part[1:] for part in parts]
        other = seen.setdefault((claim["control"], frozenset(tested)), index)
        if other != index:
            yield (
                f"claims[{index}].contrasts are the same tests as those of the claim {shown(config['claims'][other]['name'])}, which would "
                "count twice: remove one of the two claims"
            )


def _wrong_judgement(config: dict) -> Iterator[str]:
    looks = config["looks"]
    if looks != sorted(looks):
        yield f"looks is {shown(looks)}: list numbers of seeds in rising order"
    elif looks and looks[-1] < FEWEST:
        yield f"looks ends with {looks[-1]} seeds, but verdicts need {FEWEST}: add a look"
    if looks and isinstance(config["pairs"], dict):
        yield "pairs is auto, but looks are declared: the pair is chosen from all seeds, so it may change between them; name the pairs"
    if config["evaluate"]["images"] == "validation":
        what = "but evaluate.images is validation: the images used to choose must not be used to judge, so set evaluate.images to test"
        if isinstance(config["pairs"], dict):
            yield f"pairs is auto, {what} or name the pairs"
        if config["search"]["enabled"]:
            yield f"search.enabled is true, {what} or disable the search"


def _unknown(where: str, kind: str, names: list[str], known: Collection[str], owner: str) -> Iterator[str]:
    """Names of a ``kind`` of thing that ``owner`` does not have, as sentences."""
    for name in names:
        if name not in known:
            yield f"{where} names the {kind} {shown(name)}, which {owner} does not have: {advice(name, known)}"


def _repeated(where: str, pairs: list[list[str]]) -> Iterator[str]:
    for index, pair in enumerate(pairs):
        if pair in pairs[:index] or pair[::-1] in pairs[:index]:
            yield f"{where}[{index}] is {shown(pair)}, which is listed twice: remove one of them"


def _wrong_data(config: dict) -> Iterator[str]:
    data, source = config["data"], sources.get(config["data"]["kind"])
    chosen = isinstance(config["pairs"], dict)
    if chosen and data["validation"] == 0:
        yield "pairs is auto, but data.validation is 0: pairs are chosen on validation images, so hold some out or name the pairs"
    pairs = [] if chosen else config["pairs"]
    for index, (first, second) in enumerate(pairs):
        if first == second:
            yield f"pairs[{index}] names {shown(first)} twice: name two classes"
    if source.classes:  # else plan.pictures looks at the images
        yield from wrong_images(config, source.inventory(data))
    yield from _repeated("pairs", pairs)
    kinds = sources.kinds()
    published = {f"references[{index}]": reference for index, reference in enumerate(config["references"])}
    published |= {f"variants[{index}].published": variant.get("published") for index, variant in enumerate(config["variants"])}
    for where, values in published.items():
        if values and values["data"] not in kinds:
            yield f"{where}.data is {shown(values['data'])}, which is not a data.kind: {advice(values['data'], kinds)}"
        elif values and (classes := sources.get(values["data"]).classes):
            yield from _unknown(where, "class", values["pair"], classes, values["data"])
        if values and values["pair"][0] == values["pair"][1]:
            yield f"{where}.pair names {shown(values['pair'][0])} twice: name two classes"
        for key in COURSES & {*(values or {})}:
            epochs = [epoch for epoch, _ in values[key]]
            if epochs != sorted(set(epochs)):
                yield f"{where}.{key} has values of the epochs {shown(epochs)}: list each epoch once, in rising order"
    if data["source"] is not None and not source.local:
        yield f"data.source is set, but data.kind {data['kind']} is generated: remove one of them"
    if data["source"] is None and source.local and not source.release:
        yield f"data.source is missing: name {source.local}"
    # A map named after its kind may stay, since no overlay can remove it.
    keys = {kind: {*sources.get(kind).settings, *sources.get(kind).checks} - {kind} for kind in kinds}
    for key in sorted(set().union(*keys.values()) - keys[data["kind"]]):
        if data[key] != schema()["properties"]["data"]["properties"][key]["default"]:
            yield f"data.{key} is {shown(data[key])}, but images of data.kind {data['kind']} have no such key: remove it"
    if data["imbalance"] != 1 and data["training"] is not None:
        yield "data.imbalance and data.training both set the number of images to train on: remove one of them"
    if data["validation"] == 0 and config["evaluate"]["images"] == "validation":
        yield "evaluate.images is validation, but data.validation is 0: hold images out or evaluate on test"
    if data["name"] in kinds and data["name"] != data["kind"]:
        yield f"data.name is {shown(data['name'])}, which other images have, but data.kind is {data['kind']}: give data.name another value"


def wrong_images(config: dict, images: sources.Inventory) -> Iterator[str]:
    """Classes that ``pairs`` names and the images of ``data`` do not have, and too few images, as sentences."""
    data, pairs = config["data"], [] if isinstance(config["pairs"], dict) else config["pairs"]
    owner = data["kind"] if sources.get(data["kind"]).classes else f"data.source {data['source']}"
    yield from wrong_pairs(pairs, images.classes, owner)
    possible = len(images.classes) * (len(images.classes) - 1) // 2
    if isinstance(config["pairs"], dict) and config["pairs"]["auto"] > possible:
        yield f"pairs.auto is {config['pairs']['auto']}, but the {len(images.classes)} classes of {owner} have {possible} pairs: lower it"
    requested = (data["training"] or 1) + data["validation"]
    if data["training"] is None and requested > images.train:
        yield f"data.validation is {data['validation']}, but {owner} has {images.train} images for training: lower it"
    elif requested > images.train:
        yield f"data.training and data.validation need {requested} images, but {owner} has {images.train} for training: lower one of them"


def wrong_pairs(pairs: list[list[str]], classes: Collection[str], owner: str) -> Iterator[str]:
    """Classes that ``pairs`` names and ``owner`` does not have, as sentences."""
    for index, pair in enumerate(pairs):
        yield from _unknown(f"pairs[{index}]", "class", pair, classes, owner)


def unmeasured_pairs(pairs: list[list[str]], present: Collection[str], images: str) -> Iterator[str]:
    """Pairs of which a class is not ``present`` among the ``images`` evaluated on, as sentences."""
    for index, pair in enumerate(pairs):
        if absent := [name for name in pair if name not in present]:
            which = "either class" if len(absent) == 2 else f"the class {shown(absent[0])}"
            yield f"pairs[{index}] is {pair_name(*pair)}, but none of the {images} is of {which}: leave it out, or evaluate on other images"


def _without_drops(config: dict, tried: list[dict]) -> Iterator[str]:
    """Variants of a search for which its lr_factor would have no effect."""
    idle = []
    for index, variant in enumerate(config["variants"]):
        own = variant.get("recipe", {})
        recipe = config["recipe"] | own
        key = "schedule" if recipe.get("schedule") == "cosine" else "lr_drops"
        if variant in tried and "lr_factor" not in own and (key == "schedule" or not recipe["lr_drops"]):
            where = f"variants[{index}].recipe" if key in own else "recipe"
            why = "schedule is cosine, which has no drops" if key == "schedule" else "lr_drops is empty"
            remedy = ", or lr_factor in that recipe" if key in own and config["search"]["scope"] == "each" else ""
            idle.append(f"{where}.{why}: set search.space.lr_factor to null{remedy}")
    if idle and (config["search"]["scope"] == "each" or len(idle) == len(tried)):
        yield f"search.space.lr_factor has a range, but {idle[0]}"


def _wrong_search(config: dict) -> Iterator[str]:
    search = config["search"]
    if config["data"]["validation"] == 0:
        yield "search.enabled is true, but data.validation is 0: a search needs validation images, so hold some out or disable it"
    if shared := sorted(set(search["seeds"]) & set(config["seeds"])):
        why = "a seed that was used to choose the recipe must not be used to judge it"
        yield f"search.seeds and seeds share {shared}: {why}, so give the search other seeds"
    if (trials := search["rounds"] * search["batch"]) > MOST_TRIALS:
        yield f"search.rounds × search.batch is {trials:,} trials, and a search has at most {MOST_TRIALS:,}: lower one of them"
    space = {key: bounds for key, bounds in search["space"].items() if bounds is not None}
    tried = [variant for variant in config["variants"] if search["scope"] == "each" or variant["name"] in search["variants"]]
    if not space:
        yield "search.space has no key with a range: give one a range, or set search.enabled to false"
    elif space.keys() == {"dropout"} and (any if search["scope"] == "each" else all)("network" in variant for variant in tried):
        yield "search.space has a range for dropout alone, which only the network cnn has: give another key a range"
    for index, variant in enumerate(config["variants"]):
        left = [key for key in space if key != "dropout" or "network" not in variant]
        if search["scope"] == "each" and left and set(left) <= variant.get("recipe", {}).keys():
            yield (
                f"variants[{index}].recipe sets every key of search.space ({', '.join(left)}), so its search has nothing to "
                "choose: remove a key there, or set search.scope to shared"
            )
        for key in sorted(space.keys() & variant.get("recipe", {}).keys()):
            if search["scope"] == "shared" and variant["name"] in search["variants"]:
                yield (
                    f"variants[{index}].recipe sets {key}, but the shared search trains this variant (search.variants) to choose it for "
                    f"all: set search.space.{key} to null, or search with other variants"
                )
    for key, (low, high) in space.items():
        if low >= high:
            yield f"search.space.{key} is [{low}, {high}]: give the lowest value first, then a higher one"
        value = config["recipe"].get(key, recipe_default(key))
        if value is None:
            yield f"search.space.{key} is [{low}, {high}], but recipe.{key} is null: set a value within the range for the first trial"
        elif not low <= value <= high:
            yield f"recipe.{key} is {value}, outside search.space.{key} [{low}, {high}]: the recipe is the first trial, so change either"
    if "lr_factor" in space:
        yield from _without_drops(config, tried)
    recipes = {"recipe": config["recipe"]}
    recipes |= {
        f"variants[{index}].recipe": config["recipe"] | variant.get("recipe", {})
        for index, variant in enumerate(config["variants"])
        if variant in tried
    }
    longest = max([recipe.get("warmup_epochs", 0) for recipe in recipes.values()] + [space.get("warmup_epochs", [0])[-1]])
    for key, epochs in (("search.epochs", search["epochs"]), ("recipe.epochs", config["recipe"]["epochs"])):
        if longest >= epochs:
            yield f"{key} is {epochs}, but a warm-up may last {longest} epochs: raise {key}, or shorten the warm-up"
    if early := next((where for where, recipe in recipes.items() if _drops_at_once(recipe, search["epochs"])), None):
        yield (
            f"search.epochs is {search['epochs']}, too few for {early}.lr_drops: the rate would drop before the first epoch; use longer "
            "trials, or let it drop later"
        )
