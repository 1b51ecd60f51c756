"""How numbers of a measure of any size are scaled for tests, and written."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hardpair.comparison.claims_in_words import Unit
from hardpair.measures import spread
from hardpair.measures.metric_names import decimal

SMALL, LARGE = 1e-4, 1e9  # numbers from the one to below the other are written without an exponent
CONSTANT = 4  # decimals of what does not vary
APART = 1e100  # by how much sizes of variants may differ: squares of scaled numbers stay finite


@dataclass(frozen=True)
class Scaled(Unit):
    """Differences of any size: times ``factor`` with so many decimals, which count from the point even where numbers have an exponent."""

    name: str = ""
    scientific: bool = False

    def number(self, value: float, signed: bool = True) -> str:
        """A difference, with an exponent where it is very small or large; empty for NaN."""
        scaled, sign = self.factor * value, "+" if signed else ""
        if math.isnan(scaled):
            return ""
        if not (self.scientific or abs(scaled) >= LARGE):
            return decimal(scaled, self.digits, signed) if self.digits <= 8 else f"{scaled:{sign}.{self.digits}f}"
        if scaled == 0 or abs(scaled) < 0.5 * 10.0**-self.digits:
            return "0"
        places = math.floor(math.log10(abs(scaled))) + self.digits
        return f"{scaled:{sign}.{min(max(places, 0), 15 if self.scientific else 3)}e}"


def scale(values: Sequence[np.ndarray]) -> float:
    """A power of two, by which numbers are divided without rounding: the smallest of the arrays' largest values becomes 0.5 to 1.

    Args:
        values: float arrays; the largest may exceed the smallest by a factor of ``APART``.
    """
    sizes = [size for each in values if (size := np.abs(each).max(initial=0))] or [1.0]
    return math.ldexp(1, math.frexp(max(min(sizes), max(sizes) / APART))[1])


def units(size: float, differences: Sequence[np.ndarray]) -> list[Scaled]:
    """How to write each variant's float (n,) differences, which are divided by ``size``.

    Their decimals show two digits of the smallest spread among variants, but no more than four digits of their own spread.
    """
    scientific = not SMALL <= size < LARGE
    own = [None if spread.constant(each) else _decimals(each.std(), size) for each in differences]
    constant = CONSTANT - (math.floor(math.log10(size)) if scientific else 0)
    finest = max((each for each in own if each is not None), default=constant)
    return [_unit(finest if each is None else min(finest, each + 2), scientific, size) for each in own]


def unit_of_mean(units: Sequence[Scaled], sd: float) -> Scaled:
    """How to write the mean of runs with that sd beside differences with these units: with two to four digits of the sd."""
    finest = max(unit.digits for unit in units)
    own = _decimals(sd, 1.0) if sd > 0 else finest
    return _unit(min(max(finest, own), own + 2), units[0].scientific)


def _decimals(sd: float, size: float) -> int:
    """Decimals that show two digits of ``sd`` × ``size``."""
    return 1 - math.floor(math.log10(sd) + math.log10(size))


def _unit(decimals: int, scientific: bool, size: float = 1.0) -> Scaled:
    return Scaled(size, digits=decimals if scientific else min(max(decimals, 0), 15), scientific=scientific)
