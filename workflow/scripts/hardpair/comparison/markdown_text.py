"""Tables and texts as Markdown."""

import re

WARNING = "Warning: "  # begins a line


def table_header(titles: list[str]) -> list[str]:
    """The first two lines of a table."""
    return [table_row(titles), "|" + "---|" * len(titles)]


def table_row(cells: list[str]) -> str:
    """A line of a table, of cells that are escaped already."""
    return f"| {' | '.join(cells)} |"


def escape(text: str) -> str:
    """Text as a cell of a table: on one line, and neither markup nor the end of the cell."""
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    # An underscore between letters or digits is no markup.
    text = " ".join(re.sub(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", text).split())
    return re.sub(r"^(\d*)([-+>#=.)])", r"\1\\\2", text)  # neither quotation, heading nor list


def unescaped(text: str) -> str:
    """The text, on one line, that ``escape`` made this of."""
    return re.sub(r"\\([^\w\s]|_)", r"\1", text).replace("&lt;", "<").replace("&amp;", "&")
