"""What a config may have, but is probably not meant, as sentences that are printed with the plan."""

from collections.abc import Iterator
from contextlib import suppress

from hardpair.config.consistency import FEWEST
from hardpair.config.read import read_map
from hardpair.config.resolve import canonical, fill_defaults
from hardpair.config.schema import SCHEMA, TRAINED, schema
from hardpair.config.sentences import shown
from hardpair.errors import UserError
from hardpair.measures.pair_name import shown_pair
from hardpair.wording import joined

AFFECTS_RESULTS = False


def doubts(config: dict) -> Iterator[str]:
    """Sentences on a resolved config."""
    yield from _too_few_seeds(config)
    yield from _claims_about_another_pair(config)
    yield from _fixed_beside_a_search(config)
    seen: dict[str, str] = {}
    for variant in config["variants"]:
        other = seen.setdefault(canonical({key: variant[key] for key in TRAINED if variant.get(key)}), variant["name"])
        if other != variant["name"]:
            yield f"the variants {shown(other)} and {shown(variant['name'])} have the same {joined(TRAINED)}: their runs will not differ"


def _too_few_seeds(config: dict) -> Iterator[str]:
    """A sentence if claims get no verdict for want of seeds. Seeds that end at a look are enough, since more may be added after it; and
    generated images, as in the demo, are there to try the workflow out.
    """
    looks, count = config["looks"], len(config["seeds"])
    if not config["claims"]:
        return
    if looks and count < looks[-1] and count not in looks:
        reached = max((look for look in looks if look < count), default=0)
        judged = f"only the first {reached} seeds count for the claims" if reached else "no claim will be judged"
        yield f"looks is {shown(looks)}, but seeds has {count}, so {judged}: list {looks[-1]} seeds, or change looks"
    elif not looks and count < FEWEST and config["data"]["kind"] != "synthetic":
        yield f"seeds has {count}, but verdicts need {FEWEST}, so no claim will be judged: list {FEWEST} seeds or more"


def _claims_about_another_pair(config: dict) -> Iterator[str]:
    """A sentence if claims are those of config/config.yaml, but not the first pair, of which their sentences are."""
    known, pairs = schema()["properties"], config["pairs"]
    with suppress(UserError, LookupError, TypeError):  # the file may have been changed to anything where the study does without
        shipped = read_map(SCHEMA.with_name("config.yaml"))
        own = shipped.get("pairs", known["pairs"]["default"])[0]
        inherited = fill_defaults(shipped.get("claims", []), known["claims"]) == config["claims"] != []
        if inherited and (isinstance(pairs, dict) or sorted(pairs[0]) != sorted(own)):
            measured = "a pair that it chooses" if isinstance(pairs, dict) else shown_pair(*pairs[0])
            about = f"the claims are those of config/config.yaml, whose sentences are about {shown_pair(*own)}"
            yield f"{about}, but this study measures {measured}: set claims to your own, or to []"


def _fixed_beside_a_search(config: dict) -> Iterator[str]:
    """A sentence on each variant with values of its own of keys that the shared search chooses for the others."""
    search = config["search"]
    if not search["enabled"] or search["scope"] == "each":
        return
    for variant in config["variants"]:
        if fixed := [key for key in variant.get("recipe", {}) if search["space"].get(key)]:
            yield (
                f"the variant {shown(variant['name'])} keeps its own {' and '.join(fixed)}, while the search chooses what the others have: "
                "if they should be compared at the values in the config, set search.enabled to false"
            )
