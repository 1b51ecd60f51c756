"""What a figure of differences shows: an answer, and rows of comparisons with a cell for each measure."""

from dataclasses import dataclass

import numpy as np

from hardpair.comparison.claims import Decision
from hardpair.comparison.claims_in_words import Unit
from hardpair.comparison.verdicts import UNDECIDED


@dataclass(frozen=True)
class Cell:
    """A comparison in one measure.

    Attributes:
        gains: float64 (n,) by seed, positive where better.
        verdict: its place in ``verdicts.WORDS``; None where none is given.
        decides: whether it is a part of what is judged.
        published: a difference from elsewhere, turned as gains are.
    """

    gains: np.ndarray
    verdict: int | None = None
    decides: bool = True
    published: float | None = None

    @property
    def decided(self) -> bool:
        """Whether its diamond is filled: a verdict decides it."""
        return self.verdict not in (None, *UNDECIDED)


@dataclass(frozen=True)
class Row:
    """Two variants compared: a label, and a cell for each panel or None. A control is indented and may have a verdict of its own."""

    label: str
    cells: tuple[Cell | None, ...]
    control: bool = False
    verdict: int | None = None


@dataclass(frozen=True)
class Block:
    """Rows with what is claimed of them, its verdict and a reason of a few characters; without a claim, rows alone."""

    rows: tuple[Row, ...]
    sentence: str = ""
    number: str = ""
    verdict: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Panel:
    """A measure: its title, the half width of what counts as no difference (0: nothing does), and how numbers are written."""

    title: str
    margin: float
    unit: Unit


@dataclass(frozen=True)
class Sheet:
    """What a figure of differences shows: the answer, what it is about, and where it comes from.

    Attributes:
        fewest: seeds from which verdicts are given, if there are fewer.
        decisions: on all claims, in their order.
    """

    title: str
    subtitle: tuple[str, ...]
    panels: tuple[Panel, ...]
    blocks: tuple[Block, ...]
    footer: str
    fewest: int | None = None
    decisions: tuple[Decision, ...] = ()

    @property
    def rows(self) -> list[Row]:
        return [row for block in self.blocks for row in block.rows]

    def cells(self, place: int) -> list[Cell]:
        """Those of one panel."""
        return [row.cells[place] for row in self.rows if row.cells[place]]
