"""Numbers and lists as they are read."""


def counted(number: int, noun: str) -> str:
    """``1 seed``, ``10 seeds``, ``10,000 images``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def abbreviated(names: list[str], limit: int = 3) -> str:
    """``a, b, c and 4 more``."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit:,} more" if len(names) > limit else "")


def minus(first: str, second: str) -> str:
    """``A − B``, or ``A − (B + C)`` where the second label is a sum or a difference itself."""
    return f"{first} − ({second})" if any(f" {sign} " in second for sign in "+−-") else f"{first} − {second}"
