"""What a config may have, but is probably not meant, as sentences that are printed with the plan."""

from collections.abc import Iterator

from hardpair.config.resolve import canonical
from hardpair.config.sentences import shown

AFFECTS_RESULTS = False
TRAINED = ("loss", "sampler", "network", "recipe")  # keys of a variant that its training depends on


def doubts(config: dict) -> Iterator[str]:
    """Sentences on a resolved config."""
    yield from _unreached_looks(config)
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
