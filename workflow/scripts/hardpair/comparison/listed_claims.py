"""Verdicts as they are listed, in comparison.md and in the report: what all claims share is said once."""

from collections.abc import Sequence

import pandas as pd

from hardpair.comparison.verdicts import REFUTED, SMALLER, SUPPORTED, WORDS


def shared(claims: pd.DataFrame) -> dict[str, str | None]:
    """What all of several claims share, of ``why`` (then they have one verdict) and ``declared``; None where they differ, or one is alone.

    Args:
        claims: rows of claims.csv.
    """
    return {column: claims[column].iloc[0] if len(claims) > 1 and claims[column].nunique() == 1 else None for column in ("why", "declared")}


def exaggeration(claims: pd.DataFrame, looks: Sequence[int]) -> str:
    """A sentence on the differences of claims that a look before the last has decided; empty where there are none.

    Args:
        claims: rows of claims.csv.
        looks: of the study.
    """
    decided = claims[claims["verdict"].isin([WORDS[verdict] for verdict in (SUPPORTED, SMALLER, REFUTED)])]
    early = len(looks) and (decided["seeds"] < looks[-1]).any()
    return "Differences that decided a claim before the last look tend to be larger than the true ones." if early else ""


def named(claim: dict) -> str:
    """A claim's sentence, a control's with that word before it."""
    return "Control: " * claim["control"] + claim["sentence"]


def sentence(text: str) -> str:
    """``why`` or ``declared`` as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."
