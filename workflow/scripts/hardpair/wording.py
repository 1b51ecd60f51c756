"""Numbers and lists as they are read."""


def counted(number: int, noun: str) -> str:
    """``1 seed``, ``10 seeds``, ``10,000 images``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some(names: list[str], most: int = 3) -> str:
    """``a, b, c and 4 more``."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
