"""Numbers and lists as they are read."""


def counted(number: int, noun: str) -> str:
    """``1 seed``, ``10 seeds``, ``10,000 images``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def abbreviated(names: list[str], limit: int = 3) -> str:
    """``a, b, c and 4 more``."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit:,} more" if len(names) > limit else "")
