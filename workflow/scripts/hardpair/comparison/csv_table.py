"""Tables of pandas as CSV."""

from typing import TYPE_CHECKING

from hardpair.files.csv_text import inert

if TYPE_CHECKING:
    import pandas as pd


def csv_of(table: "pd.DataFrame") -> str:
    """A table without its index; its texts are ``inert``."""
    return table.map(inert).rename(columns=inert).to_csv(index=False, lineterminator="\n")
