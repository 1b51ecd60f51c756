"""Verdicts as they are listed, in comparison.md and in the report: what all claims share is said once."""

import pandas as pd


def shared(claims: pd.DataFrame) -> dict[str, str | None]:
    """What all of several claims share, of ``why`` (then they have one verdict) and ``declared``; None where they differ, or one is alone.

    Args:
        claims: rows of claims.csv.
    """
    return {column: claims[column].iloc[0] if len(claims) > 1 and claims[column].nunique() == 1 else None for column in ("why", "declared")}


def named(claim: dict) -> str:
    """A claim's sentence, a control's with that word before it."""
    return "Control: " * claim["control"] + claim["sentence"]


def sentence(text: str) -> str:
    """``why`` or ``declared`` as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."
