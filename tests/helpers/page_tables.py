"""Numbers and tables of a Markdown page."""

import re

IN_WORDS = dict(enumerate("zero one two three four five six seven eight nine ten".split()))


def numbers(*cells: str) -> list[float]:
    """The numbers in cells of a table, with their ASCII signs."""
    return [float(number) for cell in cells for number in re.findall(r"[-+]?\d+(?:\.\d+)?", cell)]


def rows_of(text: str) -> list[list[str]]:
    """Cells of the rows of a page's tables, with their headings."""
    lines = re.findall(r"^\|(.*)\|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines if not re.fullmatch(r"[-:|]+", line)]
