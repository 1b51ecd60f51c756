"""Numbers, names and lists as they are read."""

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """``1 seed``, ``10 seeds``, ``10,000 images``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size_of_study(config: dict) -> str:
    """``4 variants × 10 seeds``; ``6 of 10 seeds`` if the last look is at 10."""
    seeds, planned = len(config["seeds"]), max(config.get("looks") or [0])
    share = f"{seeds} of {counted(planned, 'seed')}" if seeds < planned else counted(seeds, "seed")
    return f"{counted(len(config['variants']), 'variant')} × {share}"


def labels_of(variants: list[dict]) -> dict[str, str]:
    """The label of each variant by its name, which stands in for one that is missing."""
    return {variant["name"]: variant.get("label") or variant["name"] for variant in variants}


def joined(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def abbreviated(names: list[str], limit: int = 3) -> str:
    """``a, b, c and 4 more``."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit:,} more" if len(names) > limit else "")


def minus(first: str, second: str) -> str:
    """``A − B``, or ``A − (B + C)`` where the second label is a sum or a difference itself."""
    return f"{first} − ({second})" if any(f" {sign} " in second for sign in "+−-") else f"{first} − {second}"
