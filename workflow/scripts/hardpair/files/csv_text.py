"""Tables as CSV that spreadsheets show as it is: names of files, classes, variants and devices may come from anyone."""

import csv
import io
import re

FORMULA = ("=", "+", "-", "@")  # what a formula begins with: https://owasp.org/www-community/attacks/CSV_Injection
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def inert(value: object) -> object:
    """A cell's value; of a text, controls are escaped (a row is a line), and an apostrophe precedes what a spreadsheet would compute.

    Numbers are left alone.
    """
    if not isinstance(value, str):
        return value
    text = CONTROL.sub(lambda found: ascii(found[0])[1:-1], value)
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def of_rows(rows: list[dict], columns: tuple[str, ...]) -> str:
    """Rows as CSV with these columns; a key that a row lacks is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: inert(value) for key, value in row.items()} for row in rows)
    return text.getvalue()
