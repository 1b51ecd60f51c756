"""What a config may have, but is probably not meant, as sentences that are printed with the plan."""

from collections.abc import Iterator

from hardpair.config.resolve import canonical
from hardpair.config.sentences import shown

AFFECTS_RESULTS = False
TRAINED = ("loss", "sampler", "network", "recipe")  # keys of a variant that its training depends on


def doubts(config: dict) -> Iterator[str]:
    """Sentences on a resolved config."""
    yield from _unreached_looks(config)
    yield from _fixed_beside_a_search(config)
    seen: dict[str, str] = {}
    for variant in config["variants"]:
        other = seen.setdefault(canonical({key: variant[key] for key in TRAINED if variant.get(key)}), variant["name"])
        if other != variant["name"]:
            yield (
                f"the variants {shown(other)} and {shown(variant['name'])} have the same {', '.join(TRAINED[:-1])} and {TRAINED[-1]}: "
                "their runs will not differ"
            )


def _unreached_looks(config: dict) -> Iterator[str]:
    """A sentence if there are fewer seeds than at the last look, unless they end at a look: more may be added after it."""
    looks, count = config["looks"], len(config["seeds"])
    if config["claims"] and looks and count < looks[-1] and count not in looks:
        reached = max((look for look in looks if look < count), default=0)
        judged = f"only the first {reached} seeds count for the claims" if reached else "no claim will be judged"
        yield f"looks is {shown(looks)}, but seeds has {count}, so {judged}: list {looks[-1]} seeds, or change looks"


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
